// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/histogram_plot.h"

#include "widgets/figures.h"
#include "widgets/plot/plot_style.h"
#include "widgets/theme.h"

#include <qcustomplot.h>

#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {

class GridTicks : public QCPAbstractItem {
public:
    explicit GridTicks(QCustomPlot* plot) : QCPAbstractItem(plot) { setClipToAxisRect(false); }
    static constexpr int height = 6;
    std::vector<double> levels; // those drawn
    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override {
        const QRect area = parentPlot()->axisRect()->rect();
        painter->setAntialiasing(false);
        painter->setPen(QPen(Theme::current().primary, 1));
        for (const double level : levels) {
            const double x = parentPlot()->xAxis->coordToPixel(level);
            painter->drawLine(QPointF(x, area.bottom() + 2), QPointF(x, area.bottom() + 2 + height));
        }
    }
};

// "3 ▸" in the upper right corner: three values lie further out. In the channel's colour where they are its
// own.
class EdgeCounts : public QCPAbstractItem {
public:
    explicit EdgeCounts(QCustomPlot* plot) : QCPAbstractItem(plot) {}
    ValueCounts::Beyond below, above;
    QColor front;
    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override {
        const Theme& theme = Theme::current();
        const QRect area = parentPlot()->axisRect()->rect().adjusted(3, 0, -3, -4);
        painter->setFont(theme.small());
        const auto write = [&](const ValueCounts::Beyond& beyond, bool left) {
            if (beyond.all() <= 0) return;
            const QString count = grouped(static_cast<std::int64_t>(beyond.all()));
            painter->setPen(beyond.front > 0 ? front : theme.muted);
            painter->drawText(area, Qt::AlignTop | (left ? Qt::AlignLeft : Qt::AlignRight),
                              left ? QStringLiteral("◂ ") + count : count + QStringLiteral(" ▸"));
        };
        write(below, true);
        write(above, false);
    }
};

// The clipping range as two lines with handles; what lies beyond them is shaded.
class ClipLines : public QCPAbstractItem {
public:
    explicit ClipLines(QCustomPlot* plot) : QCPAbstractItem(plot) {}
    double clip = 0;
    bool lively = false; // has the keyboard, or is dragged
    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }
    double pixelOf(double value) const {
        const QRect area = parentPlot()->axisRect()->rect();
        return std::clamp(parentPlot()->xAxis->coordToPixel(value), area.left() + 4.0, area.right() - 4.0);
    }

protected:
    void draw(QCPPainter* painter) override {
        if (clip <= 0) return;
        const Theme& theme = Theme::current();
        const QRectF area = parentPlot()->axisRect()->rect();
        QColor shade = theme.muted;
        shade.setAlpha(34);
        painter->setAntialiasing(true);
        for (const double side : {-1.0, 1.0}) {
            const double x = pixelOf(side * clip);
            painter->fillRect(side < 0 ? QRectF(area.topLeft(), QPointF(x, area.bottom()))
                                       : QRectF(QPointF(x, area.top()), area.bottomRight()),
                              shade);
            painter->setPen(QPen(lively ? theme.primary : theme.text, lively ? 2 : 1.2));
            painter->drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
            painter->setPen(Qt::NoPen);
            painter->setBrush(lively ? theme.primary : theme.text);
            painter->drawEllipse(QPointF(x, area.top() + area.height() * 0.4), 4, 4);
        }
    }
};

HistogramPlot::HistogramPlot(QWidget* parent) : QWidget(parent) {
    plot_ = new QCustomPlot(this);
    plot_->setObjectName("canvas");
    plot_->installEventFilter(this);
    plot_->setMouseTracking(true);
    plot_->setFocusPolicy(Qt::NoFocus);
    setFocusPolicy(Qt::StrongFocus);
    plot_->addLayer("clip", plot_->layer("overlay"), QCustomPlot::limBelow);
    plot_->layer("clip")->setMode(QCPLayer::lmBuffered); // a dragged line repaints alone
    connect(plot_, &QCustomPlot::afterReplot, this, [this] { replotted_ = true; });
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(plot_);
    ticks_ = new GridTicks(plot_);
    edges_ = new EdgeCounts(plot_);
    lines_ = new ClipLines(plot_);
    lines_->setLayer("clip");
    plot_->axisRect()->setMinimumMargins(QMargins(8, 6, 8, 4));
    connect(plot_, &QCustomPlot::afterLayout, this, &HistogramPlot::thin);
    applyTheme();
}

int HistogramPlot::levelsDrawn() const {
    return static_cast<int>(ticks_->levels.size());
}

void HistogramPlot::applyTheme() {
    stylePlot(*plot_);
    useLinearTicks(*plot_->xAxis, 5);
    plot_->xAxis->setTickLabelPadding(GridTicks::height + 4);
    useLogTicks(*plot_->yAxis);
    plot_->yAxis->setLabel(tr("values, log"));
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HistogramPlot::setHistogram(ValueCounts histogram, const QColor& front) {
    histogram_ = std::move(histogram);
    front_ = front;
    plot_->clearPlottables();
    const std::size_t bins = histogram_.front.size();
    const double width = bins ? (histogram_.high - histogram_.low) / static_cast<double>(bins) : 1;
    double most = 1;
    const auto add = [&](const std::vector<double>& counts, const QColor& colour) {
        auto* bars = new QCPBars(plot_->xAxis, plot_->yAxis);
        QVector<double> at, height;
        for (std::size_t i = 0; i < counts.size(); ++i)
            if (counts[i] > 0) {
                at.append(histogram_.low + (static_cast<double>(i) + 0.5) * width);
                height.append(counts[i]);
                most = std::max(most, counts[i]);
            }
        bars->setWidth(width);
        bars->setBaseValue(0.1);
        bars->setPen(Qt::NoPen);
        bars->setBrush(colour);
        bars->setAntialiased(false);
        bars->setData(at, height, true);
    };
    const Theme& theme = Theme::current();
    add(histogram_.back, theme.rest);
    QColor above = front_;
    above.setAlpha(215); // what stands behind is still seen
    add(histogram_.front, above);
    edges_->below = histogram_.below;
    edges_->above = histogram_.above;
    edges_->front = front_;
    const double margin = (histogram_.high - histogram_.low) * 0.03;
    plot_->xAxis->setRange(histogram_.low - margin, histogram_.high + margin);
    plot_->yAxis->setRange(0.35, most * 1.8); // one decade is little room below a single value
    thin();
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HistogramPlot::setGrid(std::vector<float> levels) {
    levels_ = std::move(levels);
    std::sort(levels_.begin(), levels_.end());
    thin();
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HistogramPlot::thin() {
    const int before = every_, drawn = levelsDrawn();
    const QCPRange range = plot_->xAxis->range();
    const auto first = std::lower_bound(levels_.begin(), levels_.end(), range.lower);
    const auto last = std::upper_bound(first, levels_.end(), range.upper);
    inRange_ = static_cast<int>(last - first);
    const int room = std::max(1, plot_->axisRect()->width() / 5); // closer than 5 pixels reads as a smear
    every_ = 1;
    for (const int step : {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000})
        if (every_ = step; inRange_ / step <= room) break;
    ticks_->levels.clear();
    // Counted from the level nearest to zero, so that zero itself is always drawn.
    const auto zero = std::min_element(levels_.begin(), levels_.end(),
                                       [](float a, float b) { return std::abs(a) < std::abs(b); });
    for (auto level = first; level != last; ++level)
        if ((level - zero) % every_ == 0) ticks_->levels.push_back(*level);
    if (before != every_ || drawn != levelsDrawn()) emit thinningChanged();
}

QWidget* HistogramPlot::canvas() const {
    return plot_;
}

QPointF HistogramPlot::clipHandle() const {
    const QRect area = plot_->axisRect()->rect();
    return {lines_->pixelOf(clip_), area.top() + area.height() * 0.4};
}

void HistogramPlot::setClip(double clip, double largest) {
    clip_ = lines_->clip = clip;
    largest_ = largest;
    lines_->lively = dragging_ || hasFocus();
    setAccessibleDescription(clip > 0 ? tr("clipping at ±%1").arg(figure(clip)) : QString());
    if (replotted_) plot_->layer("clip")->replot();
}

void HistogramPlot::moveClip(double clip) {
    if (clip_ <= 0) return;
    clip = std::clamp(clip, largest_ / 100, largest_);
    setClip(clip, largest_);
    emit clipMoved(clip);
}

bool HistogramPlot::eventFilter(QObject* watched, QEvent* event) {
    if (watched != plot_ || clip_ <= 0) return QWidget::eventFilter(watched, event);
    const auto near = [this](const QMouseEvent& mouse) {
        const double x = mouse.position().x();
        return std::min(std::abs(x - lines_->pixelOf(clip_)), std::abs(x - lines_->pixelOf(-clip_))) < 7;
    };
    switch (event->type()) {
    case QEvent::MouseButtonDblClick:
        emit clipReset();
        return true;
    case QEvent::MouseButtonPress: {
        const auto& mouse = static_cast<QMouseEvent&>(*event);
        dragging_ = mouse.button() == Qt::LeftButton && near(mouse);
        if (dragging_) setFocus(Qt::MouseFocusReason);
        return dragging_;
    }
    case QEvent::MouseMove: {
        const auto& mouse = static_cast<QMouseEvent&>(*event);
        if (dragging_) moveClip(std::abs(plot_->xAxis->pixelToCoord(mouse.position().x())));
        plot_->setCursor(dragging_ || near(mouse) ? Qt::SizeHorCursor : Qt::ArrowCursor);
        return dragging_;
    }
    case QEvent::MouseButtonRelease:
        if (std::exchange(dragging_, false)) setClip(clip_, largest_);
        return true;
    default:
        return false;
    }
}

void HistogramPlot::keyPressEvent(QKeyEvent* event) {
    const double by = event->modifiers() & Qt::ShiftModifier ? 1.2 : 1.03;
    if (event->key() == Qt::Key_Left && clip_ > 0)
        moveClip(clip_ / by);
    else if (event->key() == Qt::Key_Right && clip_ > 0)
        moveClip(clip_ * by);
    else if (event->key() == Qt::Key_Home && clip_ > 0)
        emit clipReset();
    else
        QWidget::keyPressEvent(event);
}

void HistogramPlot::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    thin();
}

} // namespace kurtoscope
