// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/recipe.h"

#include <string>

namespace kurtoscope {

// "id" or "id:key=value,key=value" of another family than schemes; `family` is the word for the sentence
// ("regularizer"). Ids and values are checked against the family's registry by core. Throws Error.
KURTOSCOPE_API RecipePart partFromText(const std::string& text, const std::string& family,
                                       const std::string& example);
KURTOSCOPE_API std::string textOfPart(const RecipePart& part); // what partFromText reads back

} // namespace kurtoscope
