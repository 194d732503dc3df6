// SPDX-License-Identifier: GPL-3.0-or-later
// The half of the form that goes for the whole recipe: further schemes, scope, what is kept, calibration.
#include "app/window/recipe_form.h"
#include "core/data/criterion.h"
#include "core/workbench.h"
#include "widgets/theme.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QSpinBox>

#include <algorithm>

namespace kurtoscope {
namespace {

QString text(const std::string& utf8) {
    return QString::fromStdString(utf8);
}

QLabel* mutedLabel(const QString& words, QWidget* parent) {
    auto* label = new QLabel(words, parent);
    label->setProperty("muted", true);
    label->setFont(Theme::current().small());
    label->setWordWrap(true);
    label->setMinimumWidth(160); // it wraps where the form ends
    return label;
}

} // namespace

void RecipeForm::buildWhole(QVBoxLayout* column) {
    auto* card = new QWidget(body_);
    auto* grid = new QGridLayout(card);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(12);
    grid->setVerticalSpacing(5);
    grid->setColumnMinimumWidth(0, 190);
    grid->setColumnStretch(2, 1);
    auto row = [&, next = 0](const QString& title, QWidget* control, const QString& help) mutable {
        auto* label = new QLabel(title, card);
        label->setBuddy(control);
        grid->addWidget(label, next, 0);
        control->setToolTip(help);
        control->setAccessibleName(title);
        control->setMinimumWidth(150);
        grid->addWidget(control, next, 1);
        grid->addWidget(mutedLabel(help, card), next++, 2);
    };

    auto* more = new QComboBox(card);
    more->setObjectName("combineWith");
    more->addItem(tr("Combine with…"), QString());
    for (const auto& scheme : schemes_) {
        more->addItem(text(scheme.title), text(scheme.id));
        more->setItemData(more->count() - 1, text(scheme.summary), Qt::UserRole + 1);
    }
    const auto with = [this](const std::string& id) {
        Recipe next = recipe_;
        if (!id.empty()) next.with.push_back({id, {}});
        return next;
    };
    refreshers_.push_back([more] { more->setCurrentIndex(0); });
    watch(more, with);
    connect(more, &QComboBox::activated, this, [this, more, with] {
        change([&](Recipe& next) { next = with(more->currentData().toString().toStdString()); });
    });
    row(tr("Another scheme"), more, tr("Schemes work together, in this order"));

    auto* scope = choiceBox({"linear-inputs", "all-activations"}, {});
    scope->setObjectName("scope");
    const auto scoped = [this](const std::string& id) {
        Recipe next = recipe_;
        next.scope = id == scopeName(Scope::all_activations) ? Scope::all_activations : Scope::linear_inputs;
        return next;
    };
    refreshers_.push_back([this, scope] {
        const auto name = scopeName(recipe_.scope);
        scope->setCurrentIndex(
            scope->findData(QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()))));
    });
    watch(scope, scoped);
    connect(scope, &QComboBox::activated, this, [this, scope, scoped] {
        change([&](Recipe& next) { next = scoped(scope->currentData().toString().toStdString()); });
    });
    row(tr("Scope"), scope,
        tr("What is quantized: the inputs of linear layers, which integer arithmetic needs, or every "
           "activation"));
    buildCriterion(grid, grid->rowCount());

    auto* samples = new QSpinBox(card);
    samples->setObjectName("samples");
    samples->setRange(0, 100'000);
    samples->setSpecialValueText(tr("as the data says"));
    refreshers_.push_back([this, samples] { samples->setValue(recipe_.samples); });
    connect(samples, &QSpinBox::valueChanged, this,
            [this](int value) { change([value](Recipe& next) { next.samples = value; }); });
    auto* label = new QLabel(tr("Calibration windows"), card);
    label->setBuddy(samples);
    samples->setAccessibleName(label->text());
    const int last = grid->rowCount();
    grid->addWidget(label, last, 0);
    grid->addWidget(samples, last, 1);
    grid->addWidget(mutedLabel(tr("Text that static ranges and criteria are taken from"), card), last, 2);
    auto* seed = new QSpinBox(card);
    seed->setObjectName("sampleSeed");
    seed->setAccessibleName(tr("Calibration windows drawn by seed"));
    seed->setRange(0, 1'000'000);
    seed->setSpecialValueText(tr("in order"));
    refreshers_.push_back([this, seed] { seed->setValue(recipe_.sampleSeed); });
    connect(seed, &QSpinBox::valueChanged, this,
            [this](int value) { change([value](Recipe& next) { next.sampleSeed = value; }); });
    grid->addWidget(new QLabel(tr("Drawn by seed"), card), last + 1, 0);
    grid->addWidget(seed, last + 1, 1);
    grid->addWidget(
        mutedLabel(tr("Which of the windows to spare; in order: those after the evaluated ones"), card),
        last + 1, 2);
    column->addWidget(card);
}

void RecipeForm::buildCriterion(QGridLayout* grid, int row) {
    auto* box = new QComboBox(body_);
    box->setObjectName("keep");
    box->setAccessibleName(tr("Keep outliers"));
    box->addItem(tr("chosen by hand"), QString());
    box->addItem(tr("automatic"), QStringLiteral("auto"));
    for (const CriterionKind& kind : criterionKinds())
        box->addItem(tr(kind.title), QStringLiteral("%1:%2").arg(kind.id).arg(kind.usual));
    const auto indexOf = [box](const QString& keep) { // by the word before the colon
        for (int i = 0; i < box->count(); ++i)
            if (box->itemData(i).toString().section(':', 0, 0) == keep.section(':', 0, 0)) return i;
        return 0;
    };
    auto* value = new QDoubleSpinBox(body_);
    value->setObjectName("keepValue");
    value->setAccessibleName(tr("Value of the criterion"));
    value->setRange(0, 1e6);
    value->setDecimals(1);
    refreshers_.push_back([this, box, value, indexOf] {
        const QString keep = text(recipe_.keep);
        box->setCurrentIndex(indexOf(keep));
        value->setEnabled(keep.contains(':'));
        value->setValue(keep.section(':', 1).toDouble());
        box->setEnabled(!recipe_.isFp32());
    });
    connect(box, &QComboBox::activated, this, [this, box] {
        change([&](Recipe& next) { next.keep = box->currentData().toString().toStdString(); });
    });
    connect(value, &QDoubleSpinBox::valueChanged, this, [this, box](double number) {
        const std::string kind = box->currentData().toString().section(':', 0, 0).toStdString();
        change([&](Recipe& next) { next.keep = kind + ':' + QString::number(number, 'g', 8).toStdString(); });
    });
    auto* label = new QLabel(tr("Keep outliers"), body_);
    label->setBuddy(box);
    grid->addWidget(label, row, 0);
    grid->addWidget(box, row, 1);
    grid->addWidget(value, row, 2, Qt::AlignLeft);
}

} // namespace kurtoscope
