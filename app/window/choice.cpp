// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/choice.h"

#include "app/first_recipes.h"

#include <algorithm>

namespace kurtoscope {

Choice startingChoice() {
    Choice choice;
    choice.columns = {{0, "FP32", {}},
                      {1, "W8A8 per-tensor", Recipe::parse(FirstRecipes::perTensor)},
                      {2, "W8A8 with kept channels", Recipe::parse(FirstRecipes::kept)}};
    choice.active = 2;
    return choice;
}

Choice choiceOf(const std::vector<std::string>& recipeTexts) {
    Choice choice;
    choice.columns = {{0, "FP32", {}}};
    for (const auto& text : recipeTexts) {
        Recipe recipe = Recipe::parse(text);
        if (recipe == Recipe{}) continue; // FP32 stands there already
        choice.columns.push_back(
            {static_cast<int>(choice.columns.size()), QString::fromStdString(recipe.text()), recipe});
    }
    choice.active = static_cast<int>(choice.columns.size()) - 1;
    return choice;
}

int Choice::referenceIndex() const {
    const auto found = std::ranges::find(columns, reference, &ColumnChoice::id);
    return found == columns.end() ? 0 : static_cast<int>(found - columns.begin());
}

bool isLinearInput(Place place) {
    return place == Place::attn_input || place == Place::attn_context || place == Place::mlp_input ||
           place == Place::mlp_hidden;
}

bool quantizes(const Recipe& recipe, Site site) {
    if (recipe.isFp32() || recipe.highPrecision.contains(site) || site.place == Place::logits) return false;
    return recipe.scope == Scope::all_activations || isLinearInput(site.place);
}

} // namespace kurtoscope
