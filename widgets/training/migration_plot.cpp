// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/training/migration_plot.h"

#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/plot/scatter_plot.h"
#include "widgets/theme.h"

#include <QGridLayout>
#include <QLabel>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

struct Weights {
    const char* name;
    const char* title; // of the axis
    double EmergenceTotals::*value;
};
const Weights kinds[] = {
    {QT_TRANSLATE_NOOP("kurtoscope::MigrationPlot", "4-bit weight error"),
     QT_TRANSLATE_NOOP("kurtoscope::MigrationPlot", "RTN-4 error of weights, relative"),
     &EmergenceTotals::weightError},
    {QT_TRANSLATE_NOOP("kurtoscope::MigrationPlot", "weight kurtosis"),
     QT_TRANSLATE_NOOP("kurtoscope::MigrationPlot", "largest kurtosis of weights"),
     &EmergenceTotals::weightKurtosis},
};

} // namespace

MigrationPlot::MigrationPlot(QWidget* parent) : View(parent) {
    setObjectName("migration");
    auto* page = new QWidget(this);
    says_ = new QLabel(page);
    says_->setProperty("muted", true);
    says_->setWordWrap(true);
    says_->setTextFormat(Qt::PlainText);
    against_ = new ScatterPlot(page);
    against_->setDecades(false);
    against_->setAccessibleName(tr("Activation kurtosis against the weights, a point for each checkpoint"));
    activations_ = new CurvePlot(page);
    activations_->setAccessibleName(tr("Activation kurtosis by step"));
    overSteps_ = new CurvePlot(page);
    overSteps_->setAccessibleName(tr("The weights' figure by step"));
    const auto caption = [page](const QString& text) {
        auto* label = new QLabel(text, page);
        label->setAlignment(Qt::AlignCenter);
        return label;
    };
    auto* grid = new QGridLayout(page);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(Theme::current().spacing / 2);
    grid->addWidget(says_, 0, 0, 1, 2);
    grid->addWidget(against_, 1, 0, 4, 1);
    grid->addWidget(caption(tr("largest kurtosis of a linear input")), 1, 1);
    grid->addWidget(activations_, 2, 1);
    auto* below = caption({});
    grid->addWidget(below, 3, 1);
    grid->addWidget(overSteps_, 4, 1);
    grid->setRowStretch(2, 1), grid->setRowStretch(4, 1);
    grid->setColumnStretch(0, 1), grid->setColumnStretch(1, 1);
    setBody(page);
    QStringList names;
    for (const Weights& kind : kinds)
        names.append(tr(kind.name));
    weights_ =
        new QuietChoice(names, tr("Figure of the weights"),
                        tr("4-bit weight error: ‖RTN₄(W) − W‖² / ‖W‖², by output channel, mean over the "
                           "linear layers.\nweight kurtosis: Pearson's, the largest of all of them."),
                        this);
    weights_->setObjectName("migrationWeights");
    heading()->addControl(weights_);
    const auto showCaption = [this, below] { below->setText(tr(kinds[weights_->currentIndex()].title)); };
    showCaption();
    connect(weights_, &QComboBox::currentIndexChanged, this, [this, showCaption] {
        showCaption();
        refresh(Change::everything);
    });
    connect(against_, &ScatterPlot::pointClicked, this, [this](int point) {
        const Point& at = points_[std::size_t(point)];
        emit stepChosen(at.run, at.step);
    });
    connect(against_, &ScatterPlot::pointHovered, this, [this](int point) {
        if (point < 0) return QToolTip::hideText();
        QToolTip::showText(QCursor::pos() + QPoint(12, 10), sentence(point), against_->canvas());
    });
    show(nothing_, Change::everything);
}

void MigrationPlot::setRuns(std::vector<Run> runs, int chosen, const QString& waiting) {
    runs_ = std::move(runs), chosen_ = chosen, waiting_ = waiting;
    show(nothing_, Change::everything);
}

void MigrationPlot::setCurrent(int step) {
    if (std::exchange(step_, step) != step) show(nothing_, Change::selection);
}

void MigrationPlot::refresh(Changes what) {
    if (what & Change::theme) against_->applyTheme(), activations_->applyTheme(), overSteps_->applyTheme();
    const Weights& kind = kinds[weights_->currentIndex()];
    heading()->setText(tr("Migration"), tr("whether difficulty moves from activations into weights"));
    std::vector<ScatterPoint> points;
    std::vector<Curve> kurtosis, weights;
    points_.clear();
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        const Run& run = runs_[i];
        if (!run.seen) continue;
        Curve first{run.name, run.colour, {}, {}, int(i) == chosen_, false}, second = first;
        for (const EmergenceStep& step : run.seen->steps) {
            if (step.step == 0) continue; // before it has learned anything
            const Point at{int(i), step.step, totals(step)};
            first.x.push_back(step.step), first.y.push_back(at.totals.kurtosis);
            second.x.push_back(step.step), second.y.push_back(at.totals.*kind.value);
            const bool mine = int(i) == chosen_;
            points.push_back({mine ? tr("step %1").arg(grouped(step.step)) : QString(), at.totals.kurtosis,
                              at.totals.*kind.value, 0, run.colour, mine && step.step == step_});
            points_.push_back(at);
        }
        kurtosis.push_back(std::move(first)), weights.push_back(std::move(second));
    }
    if (points_.empty()) return setEmpty(waiting_);
    setEmpty({});
    says_->setText(correlations());
    against_->setPoints(std::move(points), tr("largest kurtosis of a linear input"), tr(kind.title));
    activations_->setCurves(std::move(kurtosis), {}, true);
    overSteps_->setCurves(std::move(weights), tr("step"), true);
    activations_->setCurrent(step_ > 0 ? step_ : std::nan(""));
    overSteps_->setCurrent(step_ > 0 ? step_ : std::nan(""));
}

QString MigrationPlot::correlations() const {
    QStringList each;
    for (const Run& run : runs_)
        if (run.seen && !run.seen->steps.empty())
            each.append(tr("%1 %2").arg(
                run.name, fixed(migrationCorrelation(*run.seen, kinds[weights_->currentIndex()].value), 2)));
    return tr("Correlation over checkpoints: %1. Below 0, weights grow hard as activations grow easy.")
        .arg(each.join(QStringLiteral(", ")));
}

QString MigrationPlot::sentence(int point) const {
    const Point& at = points_[std::size_t(point)];
    return tr("%1, step %2\nlargest kurtosis of a linear input %3\n4-bit weight error %4\nlargest weight "
              "kurtosis %5")
        .arg(runs_[std::size_t(at.run)].name, grouped(at.step), figure(at.totals.kurtosis),
             figure(at.totals.weightError), figure(at.totals.weightKurtosis));
}

QString MigrationPlot::description() const {
    if (isEmpty()) return emptyText();
    return QString("%1, %2 points. %3").arg(weights_->currentText()).arg(points_.size()).arg(correlations());
}

ViewTable MigrationPlot::numbers() const {
    ViewTable table{{"run", "step", "activation_kurtosis", "weight_kurtosis", "weight_error"}, {}};
    for (const Point& at : points_)
        table.rows.append({runs_[std::size_t(at.run)].name, QString::number(at.step),
                           ViewTable::number(at.totals.kurtosis), ViewTable::number(at.totals.weightKurtosis),
                           ViewTable::number(at.totals.weightError)});
    return table;
}

} // namespace kurtoscope
