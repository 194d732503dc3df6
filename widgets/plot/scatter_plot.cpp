// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/scatter_plot.h"

#include "widgets/figures.h"
#include "widgets/plot/plot_style.h"
#include "widgets/theme.h"

#include <qcustomplot.h>

#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// 0 → 0, 1 → 0.5, 10 → 1, 100 → 2: half a decade sets "none kept" apart from "one kept".
double place(double count) {
    return count <= 0 ? 0 : count < 10 ? 0.5 + 0.5 * std::log10(count) : std::log10(count);
}

} // namespace

// The points with their whiskers, the reference line and those labels that find a free spot.
class PointLabels : public QCPAbstractItem {
public:
    PointLabels(QCustomPlot* plot, const std::vector<ScatterPoint>& points, const std::vector<int>& front,
                const bool& decades, const std::optional<double>& reference, const QString& name)
        : QCPAbstractItem(plot),
          points_(points),
          front_(front),
          decades_(decades),
          reference_(reference),
          name_(name) {}
    int drawn = 0;
    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override {
        const Theme& theme = Theme::current();
        const QRectF area = parentPlot()->axisRect()->rect();
        std::vector<QRectF> taken;
        const auto y = [this](double score) { return parentPlot()->yAxis->coordToPixel(score); };
        const auto x = [this](double count) {
            return parentPlot()->xAxis->coordToPixel(decades_ ? place(count) : count);
        };
        if (front_.size() > 1) { // what the points reach: from one to the next the worse score holds
            QPolygonF line;
            for (std::size_t i = 0; i < front_.size(); ++i) {
                const ScatterPoint& point = points_[static_cast<std::size_t>(front_[i])];
                if (i > 0) line << QPointF(x(point.count), line.last().y());
                line << QPointF(x(point.count), y(point.score));
            }
            painter->setAntialiasing(false);
            painter->setPen(QPen(theme.rest, 1));
            painter->drawPolyline(line);
            for (qsizetype i = 1; i < line.size(); ++i) // no label is struck through
                taken.push_back(QRectF(line[i - 1], line[i]).normalized().adjusted(-1, -1, 1, 1));
        }
        if (reference_) {
            const double at = y(*reference_);
            painter->setAntialiasing(false);
            painter->setPen(QPen(theme.muted, 1, Qt::DashLine));
            painter->drawLine(QPointF(area.left(), at), QPointF(area.right(), at));
            painter->setFont(theme.small());
            const QRectF box = QFontMetricsF(theme.small()).boundingRect(name_);
            const bool below = at + box.height() + 2 < area.bottom();
            const QRectF spot(area.right() - box.width() - 4, below ? at + 1 : at - box.height() - 1,
                              box.width() + 4, box.height());
            painter->drawText(spot, Qt::AlignLeft | Qt::AlignVCenter, name_);
            taken.push_back(spot);
        }
        painter->setAntialiasing(true);
        for (const ScatterPoint& point : points_) {
            const QPointF at(x(point.count), y(point.score));
            const double radius = point.strong ? 6 : point.faint ? 3 : 4;
            painter->setPen(QPen(point.colour, 1.2));
            if (point.error > 0 && !point.faint) {
                const QPointF low(at.x(), y(point.score - point.error)),
                    high(at.x(), y(point.score + point.error));
                painter->drawLine(low, high);
                taken.push_back(QRectF(low, high).normalized().adjusted(-1, 0, 1, 0));
            }
            if (!point.faint) painter->setPen(Qt::NoPen);
            painter->setBrush(point.faint ? theme.surface : point.colour);
            painter->drawEllipse(at, radius, radius);
            taken.emplace_back(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius);
        }
        drawn = 0;
        for (const bool strong : {true, false})
            for (const ScatterPoint& point : points_) {
                if (point.strong != strong || point.label.isEmpty()) continue;
                const QFont font = strong ? theme.font(theme.smallSize, true) : theme.small();
                const QFontMetricsF metrics(font);
                const double w = metrics.horizontalAdvance(point.label) + 2, h = metrics.height();
                const QPointF at(x(point.count), y(point.score));
                for (const QPointF corner :
                     {QPointF(at.x() + 9, at.y() - h / 2), QPointF(at.x() - w - 9, at.y() - h / 2),
                      QPointF(at.x() - w / 2, at.y() - h - 8), QPointF(at.x() - w / 2, at.y() + 8),
                      QPointF(at.x() + 9, at.y() - h - 2), QPointF(at.x() + 9, at.y() + 2),
                      QPointF(at.x() - w - 9, at.y() + 2), QPointF(at.x() - w - 9, at.y() - h - 2)}) {
                    const QRectF spot(corner, QSizeF(w, h));
                    const bool free = area.adjusted(-2, -2, 2, 2).contains(spot) &&
                                      std::none_of(taken.begin(), taken.end(),
                                                   [&](const QRectF& t) { return t.intersects(spot); });
                    if (!free) continue;
                    painter->setFont(font);
                    painter->setPen(strong ? point.colour : theme.muted);
                    painter->drawText(spot, Qt::AlignCenter, point.label);
                    taken.push_back(spot);
                    ++drawn;
                    break;
                }
            }
    }

private:
    const std::vector<ScatterPoint>& points_;
    const std::vector<int>& front_;
    const bool& decades_;
    const std::optional<double>& reference_;
    const QString& name_;
};

ScatterPlot::ScatterPlot(QWidget* parent) : QWidget(parent) {
    plot_ = new QCustomPlot(this);
    plot_->setObjectName("canvas");
    plot_->installEventFilter(this);
    plot_->setMouseTracking(true);
    plot_->setFocusPolicy(Qt::NoFocus);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(plot_);
    labels_ = new PointLabels(plot_, points_, front_, decades_, reference_, referenceName_);
    plot_->axisRect()->setMinimumMargins(QMargins(8, 8, 12, 4));
    applyTheme();
}

QWidget* ScatterPlot::canvas() const {
    return plot_;
}
int ScatterPlot::labelsDrawn() const {
    return labels_->drawn;
}

QStringList ScatterPlot::scoreTicks() const {
    const QVector<QString> labels = plot_->yAxis->tickVectorLabels();
    return {labels.begin(), labels.end()};
}

QPointF ScatterPlot::pixelOf(int point) const {
    const ScatterPoint& p = points_[static_cast<std::size_t>(point)];
    return {plot_->xAxis->coordToPixel(decades_ ? place(p.count) : p.count),
            plot_->yAxis->coordToPixel(p.score)};
}

void ScatterPlot::applyTheme() {
    stylePlot(*plot_);
    rebuild();
}

void ScatterPlot::setPoints(std::vector<ScatterPoint> points, const QString& xTitle, const QString& yTitle) {
    points_ = std::move(points);
    front_.clear();
    plot_->xAxis->setLabel(xTitle);
    plot_->yAxis->setLabel(yTitle);
    rebuild();
}

void ScatterPlot::setDecades(bool on) {
    decades_ = on;
    rebuild();
}

void ScatterPlot::setFront(std::vector<int> points) {
    front_ = std::move(points);
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void ScatterPlot::setReference(std::optional<double> score, const QString& name) {
    reference_ = score;
    referenceName_ = name;
    rebuild();
}

void ScatterPlot::rebuild() {
    double most = decades_ ? 10 : 0, least = 1e300, low = 1e300, high = -1e300;
    const auto take = [&](double value) { low = std::min(low, value), high = std::max(high, value); };
    for (const ScatterPoint& point : points_) {
        if (point.faint) continue; // what was tried must not squeeze what is compared
        most = std::max(most, point.count);
        least = std::min(least, point.count);
        take(point.score);
        if (!std::isfinite(point.error)) continue; // one window tells no error
        take(point.score - point.error);
        take(point.score + point.error);
    }
    if (reference_) take(*reference_);
    if (low > high) low = 0, high = 1;
    const double margin = std::max((high - low) * 0.1, std::abs(high) * 1e-3 + 1e-9);
    useLinearTicks(*plot_->yAxis, 5);
    plot_->yAxis->setRange(low - margin, high + margin);

    if (!decades_) {
        if (least > most) least = 0, most = 1;
        const double room = std::max(0.15 * (most - least), 0.02 * most + 1e-9);
        useLinearTicks(*plot_->xAxis, 4);
        plot_->xAxis->setRange(std::max(0.0, least - room), most + room);
        return plot_->replot(QCustomPlot::rpQueuedReplot);
    }
    auto ticker = QSharedPointer<QCPAxisTickerText>::create();
    for (const double count : {0.0, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6})
        if (count <= most * 1.01) ticker->addTick(place(count), figure(count));
    plot_->xAxis->setTicker(ticker);
    plot_->xAxis->setRange(-0.12 * place(most), place(most) * 1.12);
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

int ScatterPlot::nearest(QPointF pixel) const {
    int found = -1;
    double best = 16 * 16;
    for (std::size_t i = 0; i < points_.size(); ++i) {
        const QPointF apart = pixelOf(static_cast<int>(i)) - pixel;
        const double distance = QPointF::dotProduct(apart, apart);
        if (distance < best) best = distance, found = static_cast<int>(i);
    }
    return found;
}

bool ScatterPlot::eventFilter(QObject* watched, QEvent* event) {
    if (watched == plot_ && event->type() == QEvent::MouseMove)
        emit pointHovered(nearest(static_cast<QMouseEvent*>(event)->position()));
    else if (watched == plot_ && event->type() == QEvent::Leave)
        emit pointHovered(-1);
    else if (watched == plot_ && event->type() == QEvent::MouseButtonRelease)
        if (const int point = nearest(static_cast<QMouseEvent*>(event)->position()); point >= 0)
            emit pointClicked(point);
    return QWidget::eventFilter(watched, event);
}

} // namespace kurtoscope
