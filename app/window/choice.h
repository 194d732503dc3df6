// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/recipe.h"

#include <string>
#include <vector>

namespace kurtoscope {

// One column as the person wants it. `id` follows it through renaming, undo and redo.
struct ColumnChoice {
    int id = 0;
    QString name;
    Recipe recipe;

    bool operator==(const ColumnChoice&) const = default;
};

// What the undo stack holds: every column and which of them a click changes. All that is computed is a
// function of this value, the model, the data and what is looked at.
struct Choice {
    std::vector<ColumnChoice> columns; // the first is the baseline and stays
    int active = 0;
    int reference = 0; // id of the column that differences are taken against

    bool operator==(const Choice&) const = default;
    int referenceIndex() const; // 0, the baseline, where the reference is gone
    ColumnChoice* activeColumn() {
        return active >= 0 && active < static_cast<int>(columns.size())
                   ? &columns[static_cast<std::size_t>(active)]
                   : nullptr;
    }
};

// FP32, W8A8 per-tensor, and the same with the outlier channels kept, which is the active one.
Choice startingChoice();
// FP32 and one column for each recipe text. Throws Error for a text that is no recipe.
Choice choiceOf(const std::vector<std::string>& recipeTexts);

// Whether a linear layer reads this place's tensor: the places that scope linear-inputs quantizes.
bool isLinearInput(Place place);
// Whether `recipe` quantizes the tensor at `site`, kept channels aside: elsewhere there is nothing to keep.
bool quantizes(const Recipe& recipe, Site site);

} // namespace kurtoscope
