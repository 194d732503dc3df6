// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/recipe.h"

class QLabel;
class QLineEdit;
class QPushButton;

namespace kurtoscope {

// A column's recipe as one line of text, checked at every key. Kept channels and sites in high precision stay
// as they are unless a recipe file says otherwise.
class EditRecipeDialog : public QDialog {
    Q_OBJECT
public:
    EditRecipeDialog(const QString& column, const Recipe& recipe, QWidget* parent = nullptr);

    void setText(const QString& text);
    QString complaint() const;                       // "": the text is a recipe
    const Recipe& recipe() const { return recipe_; } // the last text that was one

private:
    void check();

    Recipe before_, recipe_;
    QLineEdit* text_ = nullptr;
    QLabel* says_ = nullptr;
    QPushButton* change_ = nullptr;
    QString complaint_;
};

} // namespace kurtoscope
