// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/stored_recipe.h"

namespace kurtoscope {

std::optional<Recipe> storedRecipe(const ModelInfo& model) {
    const std::string& words = model.storedRecipe;
    if (words.empty()) return std::nullopt;
    return words.starts_with('{') ? Recipe::fromJson(words, model.path) : Recipe::parse(words);
}

std::string storedRecipeText(const ModelInfo& model) {
    const auto recipe = storedRecipe(model);
    if (!recipe) return "";
    const std::size_t kept = recipe->keptCount();
    return recipe->text() + (kept > 0 ? " with " + std::to_string(kept) + " kept channels" : "");
}

} // namespace kurtoscope
