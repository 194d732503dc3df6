// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/model_info.h"
#include "core/data/recipe.h"

#include <optional>

namespace kurtoscope {

// The recipe that is nearest to what a quantized checkpoint says of itself; empty where none is.
KURTOSCOPE_API std::optional<Recipe> storedRecipe(const ModelInfo& model);
// For lists: "w8a8:levels=full with 40 kept channels"; "" where there is none.
KURTOSCOPE_API std::string storedRecipeText(const ModelInfo& model);

} // namespace kurtoscope
