// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/recipe.h"

#include <QPointer>

#include <functional>
#include <vector>

class QComboBox;
class QGridLayout;
class QVBoxLayout;

namespace kurtoscope {

// A recipe as controls, made from what the registered schemes say of themselves: one card for each scheme,
// and what goes for the whole recipe below. What cannot be combined with the rest is greyed, with the reason
// as its tooltip. Kept channels, and sites with bits of their own, stay as they are.
class RecipeForm : public QWidget {
    Q_OBJECT
public:
    explicit RecipeForm(QWidget* parent = nullptr);

    void setRecipe(const Recipe& recipe); // emits nothing
    const Recipe& recipe() const { return recipe_; }

signals:
    void changed(); // by the person

private:
    void build();
    void buildPart(QVBoxLayout* column, std::size_t part);
    void buildParameter(QGridLayout* grid, int row, std::size_t part, const ParameterInfo& parameter);
    void buildWhole(QVBoxLayout* column);
    void buildCriterion(QGridLayout* grid, int row);
    QComboBox* choiceBox(const std::vector<std::string>& ids, const QString& name);

    RecipePart& partAt(std::size_t part);
    std::string valueOf(std::size_t part, const ParameterInfo& parameter) const;
    void tell(std::size_t part, const ParameterInfo& parameter, const std::string& value);
    void change(const std::function<void(Recipe&)>& by);
    // A box whose entries are greyed where `with` an entry the recipe would be impossible.
    void watch(QComboBox* box, std::function<Recipe(const std::string& id)> with);
    void refresh(); // values, and what is possible

    Recipe recipe_;
    std::vector<SchemeInfo> schemes_;
    std::vector<std::function<void()>> refreshers_; // one for each control
    QPointer<QWidget> body_;
    bool refreshing_ = false;
};

} // namespace kurtoscope
