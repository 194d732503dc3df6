// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/curve_plot.h"

#include "widgets/figures.h"
#include "widgets/plot/plot_style.h"
#include "widgets/theme.h"

#include <qcustomplot.h>

#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kurtoscope {
namespace {

class PercentTicker : public QCPAxisTicker {
protected:
    QString getTickLabel(double tick, const QLocale&, QChar, int) override { return percent(tick); }
    int getSubTickCount(double) override { return 0; }
};

} // namespace

CurvePlot::CurvePlot(QWidget* parent) : QWidget(parent) {
    plot_ = new QCustomPlot(this);
    plot_->setObjectName("canvas");
    plot_->installEventFilter(this);
    plot_->setMouseTracking(true);
    // Segment by segment: a thick line stroked as one path takes many times as long. Files get whole paths.
    plot_->setPlottingHint(QCP::phFastPolylines, true);
    plot_->setFocusPolicy(Qt::NoFocus);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(plot_);
    plot_->addLayer("current", plot_->layer("grid"), QCustomPlot::limAbove);
    plot_->layer("current")->setMode(QCPLayer::lmBuffered);
    connect(plot_, &QCustomPlot::afterReplot, this, [this] { replotted_ = true; });
    current_ = new QCPItemLine(plot_);
    current_->setLayer("current");
    current_->start->setTypeY(QCPItemPosition::ptAxisRectRatio);
    current_->end->setTypeY(QCPItemPosition::ptAxisRectRatio);
    current_->setVisible(false);
    plot_->axisRect()->setMinimumMargins(QMargins(8, 8, 8, 4));
    applyTheme();
}

QWidget* CurvePlot::canvas() const {
    return plot_;
}

QPointF CurvePlot::pixelOf(double x, double y) const {
    return {plot_->xAxis->coordToPixel(x), plot_->yAxis->coordToPixel(y)};
}

void CurvePlot::applyTheme() {
    stylePlot(*plot_);
    valueAxis_ ? useLogTicks(*plot_->xAxis) : useIndexTicks(*plot_->xAxis);
    current_->setPen(QPen(Theme::current().faint, 1, Qt::DashLine));
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void CurvePlot::setCurves(std::vector<Curve> curves, const QString& xTitle, bool logarithmic,
                          bool asPercent) {
    curves_ = std::move(curves);
    replotted_ = false; // the cursor comes with all of it
    plot_->clearGraphs();
    double left = std::numeric_limits<double>::infinity(), right = -left;
    low_ = left, high_ = right;
    for (const bool strong : {false, true}) // strong ones last, above the others
        for (const Curve& curve : curves_) {
            if (curve.strong != strong) continue;
            QVector<double> x, y;
            for (std::size_t i = 0; i < curve.x.size(); ++i) {
                const bool drawable = std::isfinite(curve.y[i]) && (!logarithmic || curve.y[i] > 0);
                x.append(curve.x[i]);
                y.append(drawable ? curve.y[i] : std::nan(""));
                left = std::min(left, curve.x[i]);
                right = std::max(right, curve.x[i]);
                if (drawable) low_ = std::min(low_, curve.y[i]), high_ = std::max(high_, curve.y[i]);
            }
            QCPGraph* graph = plot_->addGraph();
            graph->setData(x, y, true);
            QPen pen(curve.colour, strong ? 2.2 : 1.4);
            if (curve.dashed) pen.setStyle(Qt::DashLine);
            pen.setJoinStyle(Qt::RoundJoin);
            graph->setPen(pen);
            if (x.size() < 3)
                graph->setScatterStyle(QCPScatterStyle(QCPScatterStyle::ssDisc, curve.colour, 6));
        }
    plot_->xAxis->setLabel(xTitle);
    plot_->yAxis->setLabel(logarithmic ? tr("log") : QString()); // what it is stands above or beside the plot
    if (low_ > high_) low_ = high_ = 0;
    if (logarithmic) {
        useLogTicks(*plot_->yAxis);
        const double low = low_ > 0 ? low_ : 1, high = high_ > 0 ? high_ : 10;
        const double margin = std::clamp(std::pow(high / low, 0.1), 1.05, 1.3);
        plot_->yAxis->setRange(low / margin, high * margin);
    } else {
        useLinearTicks(*plot_->yAxis, 5);
        if (asPercent) plot_->yAxis->setTicker(QSharedPointer<PercentTicker>::create());
        plot_->yAxis->setRange(std::min(0.0, low_), high_ > low_ ? high_ * 1.06 : high_ + 1);
    }
    if (left > right) left = 0, right = 1;
    const double margin = std::max(0.5, (right - left) * 0.02);
    if (valueAxis_ && left > 0)
        plot_->xAxis->setRange(left / 1.05, right * 1.05);
    else
        plot_->xAxis->setRange(left - margin, right + margin);
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void CurvePlot::setValueAxis(bool on) {
    valueAxis_ = on;
    applyTheme();
}

void CurvePlot::setCurrent(double x) {
    current_->setVisible(std::isfinite(x));
    if (std::isfinite(x)) {
        current_->start->setCoords(x, 0);
        current_->end->setCoords(x, 1);
    }
    if (replotted_) plot_->layer("current")->replot();
}

std::pair<int, int> CurvePlot::nearest(QPointF pixel) const {
    std::pair<int, int> found{-1, -1};
    double best = 24 * 24;
    for (std::size_t c = 0; c < curves_.size(); ++c)
        for (std::size_t i = 0; i < curves_[c].x.size(); ++i) {
            const QPointF apart = pixelOf(curves_[c].x[i], curves_[c].y[i]) - pixel;
            const double distance = QPointF::dotProduct(apart, apart);
            if (distance < best) best = distance, found = {static_cast<int>(c), static_cast<int>(i)};
        }
    return found;
}

bool CurvePlot::eventFilter(QObject* watched, QEvent* event) {
    if (watched == plot_ && event->type() == QEvent::MouseMove) {
        const auto [curve, index] = nearest(static_cast<QMouseEvent*>(event)->position());
        emit pointHovered(curve, index);
    } else if (watched == plot_ && event->type() == QEvent::MouseButtonRelease) {
        const auto [curve, index] = nearest(static_cast<QMouseEvent*>(event)->position());
        if (curve >= 0) emit pointClicked(curve, index);
    } else if (watched == plot_ && event->type() == QEvent::Leave) {
        emit pointHovered(-1, -1);
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace kurtoscope
