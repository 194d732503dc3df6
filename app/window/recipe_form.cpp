// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/recipe_form.h"

#include "core/base/error.h"
#include "core/workbench.h"
#include "widgets/theme.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QToolButton>

#include <algorithm>
#include <cmath>
#include <utility>

namespace kurtoscope {
namespace {

QString text(const std::string& utf8) {
    return QString::fromStdString(utf8);
}

// Why a recipe is impossible; "" for one that can run.
QString whyNot(const Recipe& recipe) {
    try {
        Workbench::checkWords(recipe);
        return {};
    } catch (const Error& error) {
        return text(error.message()) +
               (error.hint().empty() ? QString() : QStringLiteral(". ") + text(error.hint()));
    }
}

bool isSwitch(const ParameterInfo& parameter) {
    return parameter.kind == ParameterInfo::Kind::choice &&
           parameter.choices == std::vector<std::string>{"on", "off"};
}

void helpWith(QWidget* control, const ParameterInfo& parameter) {
    control->setAccessibleName(text(parameter.title));
    control->setToolTip(text(parameter.help));
    control->setObjectName("parameter-" + text(parameter.id));
}

// Ends in the entry's own help where it is possible and in the reason where it is not.
void setPossible(QComboBox* box, int index, const QString& reason, const QString& help) {
    auto* item = qobject_cast<QStandardItemModel*>(box->model())->item(index);
    item->setEnabled(reason.isEmpty());
    item->setToolTip(reason.isEmpty() ? help : reason);
}

QLabel* mutedLabel(const QString& words, QWidget* parent) {
    auto* label = new QLabel(words, parent);
    label->setProperty("muted", true);
    label->setFont(Theme::current().small());
    return label;
}

} // namespace

RecipeForm::RecipeForm(QWidget* parent) : QWidget(parent), schemes_(Workbench::schemes()) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    build();
}

void RecipeForm::setRecipe(const Recipe& recipe) {
    const auto ids = [](const Recipe& of) {
        std::vector<std::string> all;
        for (const auto& part : of.parts())
            all.push_back(part.scheme);
        return all;
    };
    const bool sameCards = ids(recipe) == ids(recipe_);
    recipe_ = recipe;
    if (sameCards)
        refresh();
    else
        build();
}

RecipePart& RecipeForm::partAt(std::size_t part) {
    return part == 0 ? static_cast<RecipePart&>(recipe_) : recipe_.with[part - 1];
}

std::string RecipeForm::valueOf(std::size_t part, const ParameterInfo& parameter) const {
    const RecipePart& of = part == 0 ? static_cast<const RecipePart&>(recipe_) : recipe_.with[part - 1];
    const auto found = of.parameters.find(parameter.id);
    return found == of.parameters.end() ? parameter.defaultValue : found->second;
}

void RecipeForm::change(const std::function<void(Recipe&)>& by) {
    if (refreshing_) return;
    Recipe next = recipe_;
    by(next);
    if (next == recipe_) return;
    setRecipe(next);
    emit changed();
}

void RecipeForm::tell(std::size_t part, const ParameterInfo& parameter, const std::string& value) {
    change([&](Recipe& next) {
        RecipePart& told = part == 0 ? static_cast<RecipePart&>(next) : next.with[part - 1];
        if (value == parameter.defaultValue || value.empty())
            told.parameters.erase(parameter.id); // what is left out has the default
        else
            told.parameters[parameter.id] = value;
    });
}

QComboBox* RecipeForm::choiceBox(const std::vector<std::string>& ids, const QString& name) {
    auto* box = new QComboBox(body_);
    for (const auto& id : ids)
        box->addItem(text(id), text(id));
    box->setAccessibleName(name);
    return box;
}

void RecipeForm::watch(QComboBox* box, std::function<Recipe(const std::string& id)> with) {
    refreshers_.push_back([this, box, with = std::move(with)] {
        const bool possible = whyNot(recipe_).isEmpty(); // else nothing is greyed: any change may mend it
        for (int i = 0; i < box->count(); ++i) {
            const QString id = box->itemData(i).toString();
            const bool current = i == box->currentIndex();
            setPossible(box, i, possible && !current ? whyNot(with(id.toStdString())) : QString(),
                        box->itemData(i, Qt::UserRole + 1).toString());
        }
    });
}

void RecipeForm::build() {
    refreshers_.clear();
    if (body_) { // not at once: it may be one of its own controls that asked
        body_->hide();
        layout()->removeWidget(body_);
        body_->deleteLater();
    }
    body_ = new QWidget(this);
    auto* column = new QVBoxLayout(body_);
    column->setContentsMargins(0, 0, 4, 0);
    column->setSpacing(Theme::current().spacing);
    for (std::size_t part = 0; part <= recipe_.with.size(); ++part)
        buildPart(column, part);
    buildWhole(column);
    column->addStretch(1);
    layout()->addWidget(body_);
    refresh();
    if (isVisible()) body_->show(); // a child that is made later is hidden
}

void RecipeForm::buildPart(QVBoxLayout* column, std::size_t part) {
    auto* card = new QWidget(body_);
    auto* grid = new QGridLayout(card);
    grid->setContentsMargins(0, 0, 0, 4);
    grid->setHorizontalSpacing(12);
    grid->setVerticalSpacing(5);
    grid->setColumnMinimumWidth(0, 190);
    grid->setColumnStretch(2, 1);

    auto* which = new QComboBox(card);
    which->setObjectName("scheme-" + QString::number(part));
    which->setAccessibleName(part == 0 ? tr("Scheme") : tr("Further scheme"));
    for (const auto& scheme : schemes_) {
        which->addItem(text(scheme.title), text(scheme.id));
        which->setItemData(which->count() - 1, text(scheme.summary), Qt::UserRole + 1);
    }
    const auto with = [this, part](const std::string& id) {
        Recipe next = recipe_;
        (part == 0 ? static_cast<RecipePart&>(next) : next.with[part - 1]) = {id, {}};
        return next;
    };
    auto* title = new QLabel(part == 0 ? tr("Scheme") : tr("together with"), card);
    title->setFont(Theme::current().strong());
    grid->addWidget(title, 0, 0);
    grid->addWidget(which, 0, 1);
    const auto scheme = std::ranges::find(schemes_, partAt(part).scheme, &SchemeInfo::id);
    auto* summary = mutedLabel(scheme == schemes_.end() ? QString() : text(scheme->summary), card);
    summary->setWordWrap(true);
    summary->setMinimumWidth(160); // it wraps where the form ends
    grid->addWidget(summary, 0, 2);
    if (part > 0) {
        auto* remove = new QToolButton(card);
        remove->setText(QStringLiteral("✕"));
        remove->setToolTip(tr("Leave it out"));
        remove->setAccessibleName(tr("Leave %1 out").arg(which->currentText()));
        remove->setObjectName("removePart-" + QString::number(part));
        connect(remove, &QToolButton::clicked, this, [this, part] {
            change([part](Recipe& next) {
                next.with.erase(next.with.begin() + static_cast<std::ptrdiff_t>(part) - 1);
            });
        });
        grid->addWidget(remove, 0, 3);
    }
    refreshers_.push_back(
        [this, which, part] { which->setCurrentIndex(which->findData(text(partAt(part).scheme))); });
    watch(which, with);
    connect(which, &QComboBox::activated, this, [this, which, with] {
        change([&](Recipe& next) { next = with(which->currentData().toString().toStdString()); });
    });
    if (scheme != schemes_.end()) {
        int row = 1;
        for (const auto& parameter : scheme->parameters)
            buildParameter(grid, row++, part, parameter);
    }
    column->addWidget(card);
}

void RecipeForm::buildParameter(QGridLayout* grid, int row, std::size_t part,
                                const ParameterInfo& parameter) {
    auto* label = new QLabel(text(parameter.title), body_);
    label->setToolTip(text(parameter.help));
    label->setContentsMargins(12, 0, 0, 0);
    grid->addWidget(label, row, 0);
    const auto say = [this, part, parameter](const std::string& value) { tell(part, parameter, value); };
    const auto with = [this, part, parameter](const std::string& value) {
        Recipe next = recipe_;
        (part == 0 ? static_cast<RecipePart&>(next) : next.with[part - 1]).parameters[parameter.id] = value;
        return next;
    };
    QWidget* control = nullptr;
    if (isSwitch(parameter)) {
        auto* box = new QCheckBox(body_);
        refreshers_.push_back([this, box, part, parameter, with] {
            box->setChecked(valueOf(part, parameter) == "on");
            const QString reason =
                whyNot(recipe_).isEmpty() ? whyNot(with(box->isChecked() ? "off" : "on")) : QString();
            box->setEnabled(reason.isEmpty());
            box->setToolTip(reason.isEmpty() ? text(parameter.help) : reason);
        });
        connect(box, &QCheckBox::toggled, this, [say](bool on) { say(on ? "on" : "off"); });
        control = box;
    } else if (parameter.kind == ParameterInfo::Kind::choice) {
        auto* box = choiceBox(parameter.choices, text(parameter.title));
        refreshers_.push_back([this, box, part, parameter] {
            box->setCurrentIndex(box->findData(text(valueOf(part, parameter))));
        });
        watch(box, with);
        connect(box, &QComboBox::activated, this,
                [say, box] { say(box->currentData().toString().toStdString()); });
        control = box;
    } else if (parameter.kind == ParameterInfo::Kind::integer) {
        auto* box = new QSpinBox(body_);
        box->setRange(static_cast<int>(std::max(parameter.low, -2e9)),
                      static_cast<int>(std::min(parameter.high, 2e9)));
        refreshers_.push_back(
            [this, box, part, parameter] { box->setValue(text(valueOf(part, parameter)).toInt()); });
        connect(box, &QSpinBox::valueChanged, this, [say](int value) { say(std::to_string(value)); });
        control = box;
    } else if (parameter.kind == ParameterInfo::Kind::real) {
        auto* box = new QDoubleSpinBox(body_);
        box->setDecimals(parameter.high - parameter.low <= 1 ? 4 : 2);
        box->setRange(parameter.low, parameter.high);
        box->setSingleStep(parameter.high - parameter.low <= 1 ? 0.05 : 1);
        box->setStepType(parameter.high > 1e4 ? QAbstractSpinBox::AdaptiveDecimalStepType
                                              : QAbstractSpinBox::DefaultStepType);
        refreshers_.push_back(
            [this, box, part, parameter] { box->setValue(text(valueOf(part, parameter)).toDouble()); });
        connect(box, &QDoubleSpinBox::valueChanged, this,
                [say](double value) { say(QString::number(value, 'g', 10).toStdString()); });
        control = box;
    } else {
        auto* line = new QLineEdit(body_);
        line->setPlaceholderText(text(parameter.defaultValue));
        refreshers_.push_back([this, line, part, parameter] {
            const QString value = text(valueOf(part, parameter));
            if (line->text() != value) line->setText(value);
        });
        connect(line, &QLineEdit::editingFinished, this, [say, line] { say(line->text().toStdString()); });
        control = line;
    }
    helpWith(control, parameter);
    control->setMinimumWidth(150);
    label->setBuddy(control);
    grid->addWidget(control, row, 1);
    auto* meaning = mutedLabel(text(parameter.help), body_);
    meaning->setWordWrap(true);
    meaning->setMinimumWidth(160);
    grid->addWidget(meaning, row, 2, 1, 2);
}

void RecipeForm::refresh() {
    refreshing_ = true;
    for (const auto& one : refreshers_)
        one();
    refreshing_ = false;
}

} // namespace kurtoscope
