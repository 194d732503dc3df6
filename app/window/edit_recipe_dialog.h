// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/recipe.h"

#include <functional>

class QLabel;
class QLineEdit;
class QPushButton;

namespace kurtoscope {

class RecipeForm;

// A column's recipe as controls and, in step with them, as one line of text, checked at every key. Kept
// channels, sites in high precision and sites with bits of their own stay as they are unless a recipe file
// says otherwise.
class EditRecipeDialog : public QDialog {
    Q_OBJECT
public:
    EditRecipeDialog(const QString& column, const Recipe& recipe, QWidget* parent = nullptr);

    void setText(const QString& text);
    QString complaint() const;                       // "": the text is a recipe
    const Recipe& recipe() const { return recipe_; } // the last text that was one

private:
    void check();
    void takeForm();
    void take(const std::function<Recipe()>& read); // or say why it is none

    Recipe before_, recipe_;
    RecipeForm* form_ = nullptr;
    QLineEdit* text_ = nullptr;
    QLabel* says_ = nullptr;
    QPushButton* change_ = nullptr;
    QString complaint_;
};

} // namespace kurtoscope
