// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/clipping_panel.h"

#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/legend.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/theme.h"

#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

constexpr int unquantizedLevels = 255; // what 8 bits would have
constexpr int points = 40;

} // namespace

ClippingPanel::ClippingPanel(QWidget* parent) : QWidget(parent) {
    heading_ = new Heading(this);
    curve_ = new CurvePlot(this);
    curve_->setValueAxis(true);
    curve_->setUsualHeight(110);
    curve_->setAccessibleName(tr("Clipping and rounding error by range"));
    legend_ = new Legend(this);
    note_ = new QLabel(this);
    note_->setWordWrap(true);
    note_->setProperty("muted", true);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(Theme::current().spacing / 2);
    for (QWidget* part : std::initializer_list<QWidget*>{heading_, curve_, legend_, note_})
        column->addWidget(part, part == curve_ ? 1 : 0);
    connect(curve_, &CurvePlot::pointClicked, this, [this](int curve, int point) {
        setClip(curve_->curves()[static_cast<std::size_t>(curve)].x[static_cast<std::size_t>(point)]);
        emit clipChanged(clip_);
    });
    hide();
}

void ClippingPanel::setValues(std::shared_ptr<const SiteSample> sample, const std::vector<float>& grid,
                              const std::set<int>& leftOut) {
    const int levels = grid.empty() ? unquantizedLevels : static_cast<int>(grid.size());
    float widest = 0;
    for (const float level : grid)
        widest = std::max(widest, std::abs(level));
    if (sample == sample_ && levels == levels_ && leftOut == leftOut_ && widest == widest_) return;
    sample_ = std::move(sample);
    levels_ = levels;
    leftOut_ = leftOut;
    widest_ = widest;
    weighing_.drop();
    if (!sample_) return take({});
    const auto weigh = [sample = sample_, levels, leftOut] {
        Weighed weighed{ClippingTrade(*sample, levels, leftOut), {}};
        weighed.costs = weighed.trade.curve(points);
        return weighed;
    };
    if (sample_->values.size() <= Aside::worthwhile) return take(weigh());
    const bool shown = isVisibleTo(parentWidget());
    take({});
    setVisible(shown); // what stands below does not jump meanwhile
    weighing_.ask(weigh, [this](Weighed weighed) { take(std::move(weighed)); });
    note_->setText(sentence());
}

void ClippingPanel::take(Weighed weighed) {
    trade_ = std::move(weighed.trade);
    costs_ = std::move(weighed.costs);
    setVisible(!trade_.empty());
    best_ = ClippingTrade::leastOf(costs_);
    // A grid wider than every value costs what one costs that just holds the largest: the line stands there.
    ownClip_ = widest_ > 0 ? std::min(static_cast<double>(widest_), trade_.largest()) : trade_.largest();
    draw();
    resetClip();
}

void ClippingPanel::resetClip() {
    setClip(ownClip_);
    emit clipChanged(clip_);
}

void ClippingPanel::setClip(double clip) {
    clip_ = trade_.empty() ? 0 : clip;
    curve_->setCurrent(clip_);
    note_->setText(sentence());
}

QString ClippingPanel::sentence() const {
    if (trade_.empty())
        return weighing_.isAsked()
                   ? tr("weighing %1 values…").arg(grouped(static_cast<std::int64_t>(sample_->values.size())))
                   : QString();
    const ClippingCost cost = trade_.at(clip_);
    return tr("±%1%2: %3 clipped · clipping %4 + rounding %5 → %6 dB · best ±%7: %8 dB")
        .arg(figure(clip_), widest_ > 0 && clip_ == ownClip_ ? tr(" (the recipe's)") : QString(),
             percent(cost.clippedShare, cost.clippedShare < 0.1 ? 2 : 0), figure(cost.clipping),
             figure(cost.rounding), fixed(cost.sqnrDb, 1), figure(best_.clip), fixed(best_.sqnrDb, 1));
}

void ClippingPanel::applyTheme() {
    curve_->applyTheme();
    for (QWidget* part : std::initializer_list<QWidget*>{heading_, legend_})
        part->update();
    draw();
}

void ClippingPanel::draw() {
    const Theme& theme = Theme::current();
    heading_->setText(tr("Clipping or rounding"), tr("drag the line · %1 levels").arg(levels_));
    heading_->setToolTip(
        tr("Mean squared error of all values of the site on %1 even levels between −c and c, by c.\n"
           "clipping: of values beyond c. rounding: of those inside, about step² / 12.\n"
           "Kept channels are left out. Arrows move the line, Home takes it back.")
            .arg(levels_));
    note_->setFont(theme.small());
    const QString names[] = {tr("clipping"), tr("rounding"), tr("both")};
    const QColor colours[] = {theme.line(3), theme.line(1), theme.text};
    std::vector<Curve> curves(3);
    QList<Legend::Entry> entries;
    for (std::size_t i = 0; i < 3; ++i) {
        curves[i].name = names[i];
        curves[i].colour = colours[i];
        curves[i].strong = i == 2;
        entries.append({names[i], colours[i], i == 2, false});
    }
    for (const ClippingCost& cost : costs_) {
        const double values[] = {cost.clipping, cost.rounding, cost.total()};
        for (std::size_t i = 0; i < 3; ++i) {
            curves[i].x.push_back(cost.clip);
            curves[i].y.push_back(values[i]);
        }
    }
    legend_->setEntries(entries);
    curve_->setCurves(std::move(curves), tr("range ±c, log"), true);
}

} // namespace kurtoscope
