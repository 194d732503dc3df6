// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/recipe.h"

#include <string>
#include <string_view>

namespace kurtoscope {

// The file form of a recipe, described by resources/recipe.schema.json. Reading is strict: an unknown key, a
// wrong type or a key given twice throws Error naming file and key; `scheme` and `schema` must be there, the
// rest has defaults.
std::string recipeToJson(const Recipe& recipe);
Recipe recipeFromJson(std::string_view json, const std::string& where);

// Kept channels alone: {"layers.0.attn_input": [1, 2]}, or the "kept" of a whole recipe file.
KURTOSCOPE_API ChannelSets keptFromJson(std::string_view json, const std::string& where);

} // namespace kurtoscope
