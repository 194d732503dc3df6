// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/training/emergence_map.h"

#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/theme.h"

#include <QLabel>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

constexpr int byKurtosis = -1, byRatio = -2; // beside the sites' own numbers

double figureOf(const EmergenceSite& site, int what) {
    return what == byKurtosis ? site.kurtosis : site.maxToMedian;
}

} // namespace

EmergenceMap::EmergenceMap(QWidget* parent) : View(parent) {
    setObjectName("emergence");
    auto* page = new QWidget(this);
    verdict_ = new QLabel(page);
    verdict_->setProperty("muted", true);
    verdict_->setWordWrap(true);
    verdict_->setTextFormat(Qt::PlainText);
    plot_ = new HeatMapPlot(page);
    plot_->setBlocks(false);
    plot_->setAccessibleName(tr("Checkpoint by channel heat map"));
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(verdict_);
    column->addWidget(plot_, 1);
    setBody(page);
    what_ = new QuietChoice({}, tr("What is drawn"),
                            tr("A linear input's channels, or a figure of every linear input"), this);
    what_->setObjectName("emergenceWhat");
    heading()->addControl(what_);
    connect(what_, &QComboBox::activated, this, [this] { chose_ = true; });
    connect(what_, &QComboBox::currentIndexChanged, this, [this] {
        if (!isEmpty()) draw();
    });
    connect(plot_, &HeatMapPlot::cellChosen, this, [this](int row, int, bool) { choose(row); });
    connect(plot_, &HeatMapPlot::currentMoved, this, [this](int row, int) { choose(row); });
    connect(plot_, &HeatMapPlot::cellHovered, this, [this](int row, int column) {
        const QString text = sentence(row, column);
        if (text.isEmpty()) return QToolTip::hideText();
        QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plot_->canvas());
    });
    show(nothing_, Change::everything);
}

void EmergenceMap::setRun(const QString& name, std::shared_ptr<const Emergence> seen,
                          const QString& waiting) {
    if (name_ != name) chose_ = false;
    name_ = name, seen_ = std::move(seen), waiting_ = waiting;
    show(nothing_, Change::everything);
}

void EmergenceMap::setCurrent(int step) {
    step_ = step;
    show(nothing_, Change::selection);
}

int EmergenceMap::site() const {
    return what_->currentData().isValid() ? what_->currentData().toInt() : byKurtosis;
}

void EmergenceMap::refresh(Changes what) {
    if (what & Change::theme) plot_->applyTheme();
    if (!seen_ || seen_->steps.empty()) {
        heading()->setText(tr("Emergence"), tr("channels that stand out, checkpoint by checkpoint"));
        return setEmpty(waiting_);
    }
    setEmpty({});
    if (what != Changes(Change::selection)) offerSites(), draw();
    int row = -1;
    for (std::size_t i = 0; i < seen_->steps.size(); ++i)
        if (seen_->steps[i].step == step_) row = int(i);
    const std::vector<EmergenceSite>& sites = seen_->steps.back().sites;
    int column = 0; // the one that stands out most
    for (int i = 1; i < plot_->map().columns; ++i)
        if (plot_->map().at(plot_->map().rows - 1, i) > plot_->map().at(plot_->map().rows - 1, column))
            column = i;
    plot_->setCurrent(row, sites.empty() ? -1 : column);
}

// The sites of this run; the choice stays where the site does.
void EmergenceMap::offerSites() {
    const std::vector<EmergenceSite>& sites = seen_->steps.back().sites;
    QStringList names{tr("kurtosis of every input"), tr("max / median of every input")};
    std::size_t busiest = 0;
    for (std::size_t i = 0; i < sites.size(); ++i) {
        names.append(siteText(sites[i].site));
        if (sites[i].maxToMedian > sites[busiest].maxToMedian) busiest = i;
    }
    const QString before = what_->currentText();
    const QSignalBlocker quiet(what_);
    what_->clear();
    for (int i = 0; i < names.size(); ++i)
        what_->addItem(names[i], i == 0 ? byKurtosis : i == 1 ? byRatio : i - 2);
    const int same = what_->findText(before);
    what_->setCurrentIndex(chose_ && same >= 0 ? same : sites.empty() ? 0 : int(busiest) + 2);
    what_->updateGeometry();
}

void EmergenceMap::draw() {
    const std::vector<EmergenceStep>& steps = seen_->steps;
    const int chosen = site();
    HeatMap map;
    Marks marks;
    map.rows = int(steps.size());
    map.rowTitle = tr("step");
    for (const EmergenceStep& step : steps)
        map.rowLabels.append(grouped(step.step));
    if (chosen >= 0) {
        const EmergenceSite& last = steps.back().sites[std::size_t(chosen)];
        map.columns = int(last.magnitude.size());
        map.columnTitle = tr("channel of %1").arg(siteText(last.site));
        map.valueTitle = tr("mean |x|, log");
        for (std::size_t row = 0; row < steps.size(); ++row) {
            const EmergenceSite& one = steps[row].sites[std::size_t(chosen)];
            map.values.insert(map.values.end(), one.magnitude.begin(), one.magnitude.end());
            if (!one.outliers.empty()) marks[int(row)] = one.outliers;
        }
    } else {
        map.columns = int(steps.back().sites.size());
        map.valueTitle = chosen == byKurtosis ? tr("kurtosis, log") : tr("max / median, log");
        for (const EmergenceSite& one : steps.back().sites)
            map.columnLabels.append(siteText(one.site));
        for (std::size_t row = 0; row < steps.size(); ++row)
            for (std::size_t i = 0; i < steps[row].sites.size(); ++i) {
                const double value = figureOf(steps[row].sites[i], chosen);
                map.values.push_back(std::isfinite(value) ? float(value) : std::nanf(""));
                if (!steps[row].sites[i].outliers.empty()) marks[int(row)].insert(int(i));
            }
    }
    heading()->setText(tr("Emergence"),
                       tr("%1, %2 windows of held-out text · dashed: over %3 × the input's mean |x|")
                           .arg(name_)
                           .arg(seen_->windows)
                           .arg(figure(emergenceBar)));
    verdict_->setText(verdict());
    plot_->setMap(std::move(map));
    plot_->setMarked(std::move(marks));
}

// When and where, in the words of the paper's claim.
QString EmergenceMap::verdict() const {
    const Whereabouts end = whereabouts(*seen_);
    const QString last = grouped(seen_->steps.back().step);
    QString when, where; // the first
    for (const EmergenceStep& step : seen_->steps)
        for (const EmergenceSite& one : step.sites)
            if (when.isEmpty() && !one.outliers.empty())
                when = grouped(step.step), where = siteText(one.site);
    if (when.isEmpty())
        return tr("At step %1 no channel stands out; the largest is %2 × its input's median channel.")
            .arg(last, figure(totals(seen_->steps.back()).maxToMedian));
    if (end.outliers == 0)
        return tr("At step %1 no channel stands out any more; the first did at step %2, in %3.")
            .arg(last, when, where);
    const QString count =
        end.outliers == 1 ? tr("1 outlier channel") : tr("%1 outlier channels").arg(end.outliers);
    return tr("%1 at step %2, the first at step %3 in %4. %5 where arXiv 2404.03605 finds most: the first "
              "layer's attn_context, the others' attn_input.")
        .arg(count, last, when, where,
             end.named == 0   ? tr("None is")
             : end.named == 1 ? tr("One is")
                              : tr("%1 are").arg(end.named));
}

void EmergenceMap::choose(int row) {
    if (seen_ && row >= 0 && row < int(seen_->steps.size()))
        emit stepChosen(seen_->steps[std::size_t(row)].step);
}

QString EmergenceMap::sentence(int row, int column) const {
    if (isEmpty() || row < 0 || column < 0) return {};
    const EmergenceStep& step = seen_->steps[std::size_t(row)];
    const int chosen = site();
    const EmergenceSite& one = step.sites[std::size_t(chosen >= 0 ? chosen : column)];
    if (chosen >= 0)
        return tr("step %1, channel %2: mean |x| %3%4")
            .arg(grouped(step.step), QString::number(column), figure(one.magnitude[std::size_t(column)]),
                 one.outliers.contains(column) ? tr(", an outlier") : QString());
    return tr("step %1, %2\nkurtosis %3, max / median %4\n%5 outlier channels")
        .arg(grouped(step.step), siteText(one.site), figure(one.kurtosis), figure(one.maxToMedian))
        .arg(one.outliers.size());
}

QString EmergenceMap::description() const {
    if (isEmpty()) return emptyText();
    std::size_t marked = 0;
    for (const EmergenceSite& one : seen_->steps.back().sites)
        marked += one.outliers.size();
    return QString("%1: %2 × %3, %4, %5 outlier channels at step %6, %7…%8")
        .arg(name_)
        .arg(plot_->map().rows)
        .arg(plot_->map().columns)
        .arg(what_->currentText())
        .arg(marked)
        .arg(seen_->steps.back().step)
        .arg(figure(plot_->lowest()), figure(plot_->highest()));
}

ViewTable EmergenceMap::numbers() const {
    ViewTable table{{"step", "site", "outlier_channels", "kurtosis", "max_to_median"}, {}};
    const int chosen = site();
    if (chosen >= 0) table.header = {"step", "site", "channel", "mean_abs", "outlier"};
    if (isEmpty()) return table;
    for (const EmergenceStep& step : seen_->steps)
        for (std::size_t i = 0; i < step.sites.size(); ++i) {
            const EmergenceSite& one = step.sites[i];
            const QString name = QString::fromStdString(one.site.name());
            if (chosen < 0)
                table.rows.append({QString::number(step.step), name, QString::number(one.outliers.size()),
                                   ViewTable::number(one.kurtosis), ViewTable::number(one.maxToMedian)});
            for (std::size_t c = 0; int(i) == chosen && c < one.magnitude.size(); ++c)
                table.rows.append({QString::number(step.step), name, QString::number(c),
                                   ViewTable::number(one.magnitude[c]),
                                   one.outliers.contains(int(c)) ? "1" : "0"});
        }
    return table;
}

} // namespace kurtoscope
