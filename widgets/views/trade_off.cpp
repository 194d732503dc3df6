// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/comparison_model.h"
#include "widgets/parts/heading.h"
#include "widgets/plot/scatter_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QToolTip>

namespace kurtoscope {
namespace {

// What each kept channel buys: every measured recipe's score over its number of kept channels.
class TradeOff : public View {
public:
    explicit TradeOff(QWidget* parent) : View(parent) {
        plot_ = new ScatterPlot(this);
        plot_->setAccessibleName(tr("Score by kept channels"));
        setBody(plot_);
        connect(plot_, &ScatterPlot::pointClicked, this,
                [this](int point) { emit columnActivated(columns_[static_cast<std::size_t>(point)]); });
        connect(plot_, &ScatterPlot::pointHovered, this, [this](int point) {
            if (point < 0) return QToolTip::hideText();
            const Column& column =
                workspace().columns[static_cast<std::size_t>(columns_[static_cast<std::size_t>(point)])];
            const ScatterPoint& at = plot_->points()[static_cast<std::size_t>(point)];
            const QString text = tr("%1: %2 %3 ± %4, %5 kept")
                                     .arg(column.name, QString::fromStdString(column.reading->metric),
                                          scoreText(column.reading->metric, at.score),
                                          scoreText(column.reading->metric, at.error),
                                          grouped(static_cast<std::int64_t>(at.count)));
            emit message(text);
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plot_->canvas());
        });
    }

    QString describe() const override {
        if (isEmpty()) return emptyText();
        QStringList points;
        for (const ScatterPoint& point : plot_->points())
            points.append(QString("%1 at %2 kept").arg(scoreText(metric_, point.score)).arg(point.count));
        return QString("%1, %2 recipes (%3)%4")
            .arg(QString::fromStdString(metric_))
            .arg(points.size())
            .arg(points.join(", "), baseline_.isEmpty() ? QString() : ", FP32 " + baseline_);
    }

    ViewTable table() const override {
        ViewTable table{{"recipe", "metric", "score", "difference_error", "kept_channels"}, {}};
        for (std::size_t i = 0; !isEmpty() && i < columns_.size(); ++i) {
            const ScatterPoint& point = plot_->points()[i];
            table.rows.append({workspace().columns[static_cast<std::size_t>(columns_[i])].name,
                               QString::fromStdString(metric_), ViewTable::number(point.score),
                               ViewTable::number(point.error), ViewTable::number(point.count)});
        }
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) plot_->applyTheme();
        heading()->setText(tr("Trade-off"), tr("score against kept channels"));
        std::vector<ScatterPoint> points;
        columns_.clear();
        std::optional<double> reference;
        baseline_.clear();
        bool lowerIsBetter = true;
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
            const bool active = static_cast<int>(i) == w.active;
            // The score alone would carry the spread of the text, the same for all; the paired error is the
            // difference's.
            points.push_back({active && r.keptChannels > 0
                                  ? tr("%1 kept").arg(grouped(static_cast<std::int64_t>(r.keptChannels)))
                                  : column.name,
                              static_cast<double>(r.keptChannels), r.score, r.differenceError,
                              active ? Theme::current().kept : Theme::current().primary, active});
            columns_.push_back(static_cast<int>(i));
        }
        if (!w.model) return setEmpty(tr("Open a model to compare recipes."));
        if (points.empty()) return setEmpty(tr("Points appear when a quantized recipe has been measured."));
        const QString metric = QString::fromStdString(metric_);
        heading()->setText(tr("Trade-off"), tr("%1 against kept channels · %2 is better")
                                                .arg(metric, lowerIsBetter ? tr("lower") : tr("higher")));
        plot_->setReference(reference, tr("FP32 %1").arg(baseline_));
        plot_->setPoints(std::move(points), tr("kept channels, log"), metric);
        setEmpty({});
    }

private:
    ScatterPlot* plot_ = nullptr;
    std::vector<int> columns_;
    std::string metric_;
    QString baseline_;
};

struct TradeOffFactory : ViewFactory {
    const char* id() const override { return "trade-off"; }
    QString title() const override { return QStringLiteral("Trade-off"); }
    QString summary() const override {
        return QStringLiteral("Each recipe's score over the number of channels it keeps.");
    }
    Qt::DockWidgetArea area() const override { return Qt::BottomDockWidgetArea; }
    int order() const override { return 2; }
    View* make(QWidget* parent) const override { return new TradeOff(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::TradeOffFactory> registration;
