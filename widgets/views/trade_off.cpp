// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/comparison_model.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/scatter_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kurtoscope {
namespace {

struct Cost {
    const char* name;
    const char* title; // of the axis
    bool decades;
    std::optional<double> (*of)(const Reading&); // lower is better
};
const Cost costs[] = {
    {QT_TRANSLATE_NOOP("TradeOff", "kept channels"), QT_TRANSLATE_NOOP("TradeOff", "kept channels, log"),
     true, [](const Reading& r) { return std::optional(static_cast<double>(r.keptChannels)); }},
    {QT_TRANSLATE_NOOP("TradeOff", "bits per weight"),
     QT_TRANSLATE_NOOP("TradeOff", "effective bits per weight"), false,
     [](const Reading& r) { return std::optional(r.effectiveBits); }},
    {QT_TRANSLATE_NOOP("TradeOff", "latency"), QT_TRANSLATE_NOOP("TradeOff", "latency p50, ms"), false,
     // A simulated latency says nothing of what the recipe would take.
     [](const Reading& r) { return r.kernels == KernelTag::simulated ? std::nullopt : r.latencyP50Ms; }},
};
QString words(const char* text) {
    return QCoreApplication::translate("TradeOff", text);
}

// What quality costs: every measured recipe's score over its kept channels, bits or latency, and the line of
// those that no other beats in both. Rings are recipes that were tried before; a click opens one as a column.
class TradeOff : public View {
    Q_DECLARE_TR_FUNCTIONS(TradeOff)
public:
    explicit TradeOff(QWidget* parent) : View(parent) {
        plot_ = new ScatterPlot(this);
        plot_->setAccessibleName(tr("Score by cost"));
        setBody(plot_);
        QStringList names;
        for (const Cost& cost : costs)
            names.append(words(cost.name));
        cost_ = new QuietChoice(
            names, tr("Cost"),
            tr("kept channels: input channels left in high precision.\nbits per weight: effective, scales "
               "and "
               "kept columns included.\nlatency: of one window, only where real arithmetic ran."),
            this);
        heading()->addControl(cost_);
        connect(cost_, &QComboBox::currentIndexChanged, this, [this] {
            if (hasWorkspace()) refresh(Change::everything);
        });
        connect(plot_, &ScatterPlot::pointClicked, this, [this](int point) {
            const int column = columns_[static_cast<std::size_t>(point)];
            if (column >= 0) return emit columnActivated(column);
            const Recipe recipe = tried(column).recipe; // the session moves it
            emit columnAsked(nameOf(recipe), recipe);
        });
        connect(plot_, &ScatterPlot::pointHovered, this, [this](int point) {
            if (point < 0) return QToolTip::hideText();
            const int column = columns_[static_cast<std::size_t>(point)];
            const QString name = column < 0
                                     ? tr("tried before, click to open: %1").arg(nameOf(tried(column).recipe))
                                     : workspace().columns[static_cast<std::size_t>(column)].name;
            const ScatterPoint& at = plot_->points()[static_cast<std::size_t>(point)];
            const QString text = tr("%1: %2 %3 ± %4, %5 %6")
                                     .arg(name, QString::fromStdString(metric_), scoreText(metric_, at.score),
                                          scoreText(metric_, at.error), costText(at.count),
                                          cost().decades ? tr("kept") : words(cost().name));
            emit message(text);
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plot_->canvas());
        });
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        QStringList points;
        for (const ScatterPoint& point : plot_->points())
            if (!point.faint)
                points.append(QString("%1 at %2%3")
                                  .arg(scoreText(metric_, point.score), costText(point.count),
                                       cost().decades ? QStringLiteral(" kept") : QString()));
        const auto rings = plot_->points().size() - static_cast<std::size_t>(points.size());
        return QString("%1, %2 recipes (%3)%4, by %5, %6 unbeaten%7")
            .arg(QString::fromStdString(metric_))
            .arg(points.size())
            .arg(points.join(", "), baseline_.isEmpty() ? QString() : ", FP32 " + baseline_,
                 words(cost().name))
            .arg(plot_->front().size())
            .arg(rings > 0 ? QString(", %1 tried before").arg(rings) : QString());
    }

    ViewTable numbers() const override {
        ViewTable table{{"recipe", "metric", "score", "difference_error", "kept_channels", "bits_per_weight",
                         "latency_p50_ms"},
                        {}};
        for (std::size_t i = 0; !isEmpty() && i < columns_.size(); ++i) {
            const ScatterPoint& point = plot_->points()[i];
            const bool before = columns_[i] < 0;
            const Column* column =
                before ? nullptr : &workspace().columns[static_cast<std::size_t>(columns_[i])];
            const Reading& reading = before ? tried(columns_[i]).reading : *column->reading;
            const auto latency = costs[2].of(reading);
            table.rows.append(
                {before ? QString::fromStdString(tried(columns_[i]).recipe.text()) : column->name,
                 QString::fromStdString(metric_), ViewTable::number(point.score),
                 ViewTable::number(point.error), QString::number(reading.keptChannels),
                 ViewTable::number(reading.effectiveBits),
                 latency ? ViewTable::number(*latency) : QString()});
        }
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) plot_->applyTheme();
        heading()->setText(tr("Trade-off"), tr("score against %1").arg(words(cost().name)));
        std::vector<ScatterPoint> points;
        columns_.clear();
        std::optional<double> reference;
        baseline_.clear();
        bool lowerIsBetter = true, simulated = false;
        for (std::size_t i = 0; i < w.tried.size(); ++i) { // below the columns
            const Reading& r = w.tried[i].reading;
            const auto price = cost().of(r);
            if (!price) continue;
            points.push_back({{}, *price, r.score, r.differenceError, Theme::current().faint, false, true});
            columns_.push_back(-1 - static_cast<int>(i));
        }
        const std::size_t before = points.size();
        for (std::size_t i = 0; i < w.columns.size(); ++i) {
            const Column& column = w.columns[i];
            if (!column.reading) continue;
            const Reading& r = *column.reading;
            metric_ = r.metric;
            lowerIsBetter = r.lowerIsBetter;
            if (i == 0) {
                reference = r.score;
                baseline_ = scoreText(r.metric, r.score);
                continue;
            }
            if (column.stale) continue; // its count and its score belong to different choices
            const auto price = cost().of(r);
            if (!price) {
                simulated = simulated || r.kernels == KernelTag::simulated;
                continue;
            }
            const bool active = static_cast<int>(i) == w.active;
            // The score alone would carry the spread of the text, the same for all; the paired error is the
            // difference's.
            points.push_back({active && r.keptChannels > 0
                                  ? tr("%1 kept").arg(grouped(static_cast<std::int64_t>(r.keptChannels)))
                                  : column.name,
                              *price, r.score, r.differenceError,
                              active ? Theme::current().kept : Theme::current().primary, active});
            columns_.push_back(static_cast<int>(i));
        }
        if (!w.model) return setEmpty(tr("Open a model to compare recipes."));
        if (points.size() == before && simulated)
            return setEmpty(
                tr("These recipes ran in simulation, whose latency says nothing of their own. Choose "
                   "another cost."));
        if (points.size() == before)
            return setEmpty(tr("Points appear when a quantized recipe has been measured."));
        const QString metric = QString::fromStdString(metric_);
        heading()->setText(tr("Trade-off"),
                           tr("%1 · %2 is better · line: none is better in both · rings were tried before")
                               .arg(metric, lowerIsBetter ? tr("lower") : tr("higher")));
        plot_->setReference(reference, tr("FP32 %1").arg(baseline_));
        plot_->setDecades(cost().decades);
        plot_->setPoints(std::move(points), words(cost().title), metric);
        plot_->setFront(unbeaten(plot_->points(), lowerIsBetter));
        setEmpty({});
    }

private:
    const Tried& tried(int column) const { return workspace().tried[static_cast<std::size_t>(-1 - column)]; }
    static QString nameOf(const Recipe& recipe) {
        const QString scheme = QString::fromStdString(recipe.scheme);
        return recipe.keptCount() > 0
                   ? tr("%1, %2 kept").arg(scheme, grouped(static_cast<std::int64_t>(recipe.keptCount())))
                   : scheme;
    }
    const Cost& cost() const { return costs[std::max(0, cost_->currentIndex())]; }
    QString costText(double price) const {
        return cost().decades ? grouped(static_cast<std::int64_t>(price)) : fixed(price, price < 100 ? 2 : 0);
    }

    // Cheapest first, each better than all cheaper ones (Pareto).
    static std::vector<int> unbeaten(const std::vector<ScatterPoint>& points, bool lowerIsBetter) {
        std::vector<int> order(points.size());
        std::iota(order.begin(), order.end(), 0);
        const auto loss = [&](int point) {
            const double score = points[static_cast<std::size_t>(point)].score;
            return lowerIsBetter ? score : -score;
        };
        const auto price = [&](int point) { return points[static_cast<std::size_t>(point)].count; };
        std::ranges::sort(
            order, [&](int a, int b) { return std::pair(price(a), loss(a)) < std::pair(price(b), loss(b)); });
        std::vector<int> front;
        for (const int point : order)
            if (std::isfinite(loss(point)) && (front.empty() || loss(point) < loss(front.back())))
                front.push_back(point);
        return front;
    }

    QComboBox* cost_ = nullptr;
    ScatterPlot* plot_ = nullptr;
    std::vector<int> columns_; // of the points; −1, −2 …: tried before
    std::string metric_;
    QString baseline_;
};

struct TradeOffFactory : ViewFactory {
    const char* id() const override { return "trade-off"; }
    QString title() const override { return View::tr("Trade-off"); }
    QString summary() const override {
        return View::tr("Each recipe's score over its kept channels, bits or latency, and those that "
                        "none beats in both.");
    }
    Qt::DockWidgetArea area() const override { return Qt::BottomDockWidgetArea; }
    int order() const override { return 2; }
    View* make(QWidget* parent) const override { return new TradeOff(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::TradeOffFactory> registration;
