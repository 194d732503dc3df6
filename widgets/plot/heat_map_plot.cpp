// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/heat_map_plot.h"

#include "widgets/plot/heat_layers.h"
#include "widgets/plot/plot_style.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

namespace kurtoscope {
namespace {

constexpr std::size_t rankedValues = 100'000;

// From the 5th percentile, so that the colours serve the ordinary channels too, to the largest value; none
// where no value is positive.
std::optional<std::pair<float, float>> rangeOf(const std::vector<float>& values, int columns) {
    // Of millions of values, some tell the percentile; a step that shares no factor with the width meets
    // every channel.
    std::size_t step = std::max<std::size_t>(1, values.size() / rankedValues);
    while (step > 1 && std::gcd(step, static_cast<std::size_t>(std::max(1, columns))) > 1)
        ++step;
    std::vector<float> positive;
    positive.reserve(values.size() / step + 1);
    float most = 0;
    std::size_t next = 0;
    for (std::size_t at = 0; at < values.size(); ++at) {
        const float value = values[at];
        const bool counts = value > 0 && value <= std::numeric_limits<float>::max();
        if (counts && value > most) most = value;
        if (at < next) continue;
        next += step;
        if (counts) positive.push_back(value);
    }
    if (most <= 0) return std::nullopt;
    if (positive.empty()) positive.push_back(most);
    const auto fifth = positive.begin() + static_cast<std::ptrdiff_t>(positive.size() / 20);
    std::nth_element(positive.begin(), fifth, positive.end());
    return std::pair(*fifth, most);
}

} // namespace

HeatMapPlot::HeatMapPlot(QWidget* parent) : QWidget(parent) {
    plot_ = new QCustomPlot(this);
    plot_->setObjectName("canvas");
    plot_->installEventFilter(this);
    plot_->setMouseTracking(true);
    plot_->setFocusPolicy(Qt::NoFocus);
    setFocusPolicy(Qt::StrongFocus);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(plot_);

    plot_->addLayer("marks", plot_->layer("main"), QCustomPlot::limAbove);
    plot_->layer("marks")->setMode(QCPLayer::lmBuffered);
    image_ = new HeatImage(plot_, map_);
    image_->setLayer("main");
    overlay_ = new HeatOverlay(plot_);
    overlay_->setLayer("marks");
    plot_->xAxis->grid()->setVisible(false);
    plot_->yAxis->grid()->setVisible(false);
    plot_->yAxis->setRangeReversed(true);

    bar_ = new QCPColorScale(plot_);
    plot_->plotLayout()->addElement(0, 1, bar_);
    bar_->setType(QCPAxis::atRight);
    bar_->setRangeDrag(false);
    bar_->setRangeZoom(false);
    bar_->setDataScaleType(QCPAxis::stLogarithmic);
    auto* sides = new QCPMarginGroup(plot_);
    bar_->setMarginGroup(QCP::msTop | QCP::msBottom, sides);
    plot_->axisRect()->setMarginGroup(QCP::msTop | QCP::msBottom, sides);
    plot_->axisRect()->setMinimumMargins(QMargins(8, 8, 10, 8));
    connect(plot_, &QCustomPlot::afterReplot, this, [this] { replotted_ = true; });
    connect(plot_, &QCustomPlot::afterLayout, this, &HeatMapPlot::updateTicks);
    applyTheme();
}

HeatMapPlot::~HeatMapPlot() = default;

QWidget* HeatMapPlot::canvas() const {
    return plot_;
}
int HeatMapPlot::drawnColumns() const {
    return image_->columns();
}
int HeatMapPlot::keptRuns() const {
    return static_cast<int>(overlay_->kept.size());
}
int HeatMapPlot::imagesMade() const {
    return image_->made();
}

void HeatMapPlot::applyTheme() {
    const Theme& theme = Theme::current();
    stylePlot(*plot_);
    plot_->xAxis->setBasePen(Qt::NoPen);
    plot_->yAxis->grid()->setVisible(false);
    QCPColorGradient gradient;
    gradient.setLevelCount(256);
    QMap<double, QColor> stops;
    for (int i = 0; i <= 20; ++i)
        stops.insert(i / 20.0, theme.heat(i / 20.0));
    gradient.setColorStops(stops);
    bar_->setGradient(gradient);
    bar_->setBarWidth(12);
    styleAxis(*bar_->axis(), false);
    useLogTicks(*bar_->axis());
    for (QCPAxis* side : bar_->axis()->axisRect()->axes())
        side->setBasePen(Qt::NoPen);
    image_->invalidate();
    labelEvery_ = columnLabelEvery_ = -1; // made anew
    updateTicks();
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HeatMapPlot::setMap(HeatMap map) {
    const bool sameShape = map.rows == map_.rows && map.columns == map_.columns;
    map_ = std::move(map);
    replotted_ = false; // marks come with all of it
    plot_->xAxis->setLabel(map_.columnTitle);
    plot_->yAxis->setLabel(map_.rowTitle);
    bar_->setLabel(map_.valueTitle);
    chooseRange();
    image_->setRange(low_, high_);
    bar_->setDataRange(QCPRange(low_, high_));
    if (!sameShape) resetZoom();
    updateTicks();
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HeatMapPlot::chooseRange() {
    const auto own = rangeOf(map_.values, map_.columns), other = rangeOf(map_.beside, map_.columns);
    std::tie(low_, high_) = own ? *own : other.value_or(std::pair(0.1F, 1.F));
    if (own && other) low_ = std::min(low_, other->first), high_ = std::max(high_, other->second);
    if (high_ < low_ * 1.2F) low_ = high_ / 1.2F; // one value, or all alike: keep a drawable scale
}

void HeatMapPlot::setKept(Marks kept) {
    if (kept == kept_) return;
    kept_ = std::move(kept);
    overlay_->kept = HeatOverlay::runs(kept_);
    replotOverlay();
}

void HeatMapPlot::setMarked(Marks marked) {
    if (marked == marked_) return;
    marked_ = std::move(marked);
    overlay_->marked = HeatOverlay::runs(marked_);
    replotOverlay();
}

void HeatMapPlot::setCurrent(int row, int column) {
    row = row < map_.rows ? row : -1;
    column = column < map_.columns ? column : -1;
    row_ = row, column_ = column;
    if (row == overlay_->row && column == overlay_->column) return;
    overlay_->row = row, overlay_->column = column;
    replotOverlay();
}

void HeatMapPlot::replotOverlay() {
    if (replotted_) plot_->layer("marks")->replot(); // before that, the layer has nothing to draw on
}

void HeatMapPlot::resetZoom() {
    setVisibleRange(-0.5, map_.columns - 0.5, -0.5, map_.rows - 0.5);
}

void HeatMapPlot::setVisibleRange(double left, double right, double top, double bottom) {
    const auto fit = [](double from, double to, int all, double least) {
        const double size = std::clamp(to - from, std::min<double>(all, least), std::max<double>(all, 1));
        const double centre = (from + to) / 2;
        const double start = std::clamp(centre - size / 2, -0.5, std::max(-0.5, all - 0.5 - size));
        return QCPRange(start, start + size);
    };
    plot_->xAxis->setRange(fit(left, right, map_.columns, 8));
    plot_->yAxis->setRange(fit(top, bottom, map_.rows, 3));
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HeatMapPlot::zoom(QPointF about, double columnsBy, double rowsBy) {
    const double x = plot_->xAxis->pixelToCoord(about.x()), y = plot_->yAxis->pixelToCoord(about.y());
    const QCPRange across = plot_->xAxis->range(), down = plot_->yAxis->range();
    setVisibleRange(x - (x - across.lower) * columnsBy, x + (across.upper - x) * columnsBy,
                    y - (y - down.lower) * rowsBy, y + (down.upper - y) * rowsBy);
}

void HeatMapPlot::updateTicks() {
    updateRowTicks();
    updateColumnTicks();
}

// Names stand upright where they fit beside one another, else slanted, else every nth.
void HeatMapPlot::updateColumnTicks() {
    QCPAxis& axis = *plot_->xAxis;
    if (map_.columnLabels.isEmpty()) {
        if (columnLabelEvery_ != 0) useIndexTicks(axis), axis.setTickLabelRotation(0);
        columnLabelEvery_ = 0;
        return;
    }
    const QFontMetrics metrics(Theme::current().small());
    int widest = 0;
    for (const QString& label : map_.columnLabels)
        widest = std::max(widest, metrics.horizontalAdvance(label));
    const QCPRange seen = axis.range();
    const double room = std::max(1, plot_->axisRect()->width()) / std::max(1.0, seen.size());
    const bool upright = room >= widest + 6;
    const int every = upright ? 1 : std::max(1, static_cast<int>(std::ceil((metrics.height() + 2) / room)));
    auto ticker = QSharedPointer<QCPAxisTickerText>::create();
    const int first = std::max(0, static_cast<int>(std::ceil(seen.lower)));
    for (int column = first - first % every; column < map_.columnLabels.size() && column <= seen.upper;
         column += every)
        ticker->addTick(column, map_.columnLabels[column]);
    axis.setTicker(ticker);
    axis.setTickLabelRotation(upright ? 0 : -90);
    if (const int mode = upright ? 1 : every + 1; std::exchange(columnLabelEvery_, mode) != mode)
        plot_->replot(QCustomPlot::rpQueuedReplot);
}

void HeatMapPlot::updateRowTicks() {
    if (map_.rowLabels.isEmpty()) {
        if (labelEvery_ != 0) useIndexTicks(*plot_->yAxis);
        labelEvery_ = 0;
        return;
    }
    const QCPRange seen = plot_->yAxis->range();
    const double rowHeight = std::max(1, plot_->axisRect()->height()) / std::max(1.0, seen.size());
    const int every = std::max(1, static_cast<int>(std::ceil((Theme::current().smallSize + 3) / rowHeight)));
    auto ticker = QSharedPointer<QCPAxisTickerText>::create();
    const int first = std::max(0, static_cast<int>(std::ceil(seen.lower)));
    for (int row = first - first % every; row < map_.rowLabels.size() && row <= seen.upper; row += every)
        ticker->addTick(row, map_.rowLabels[row]);
    plot_->yAxis->setTicker(ticker);
    // The height is known only after a layout; labels chosen for another height are drawn once more.
    if (std::exchange(labelEvery_, every) != every) plot_->replot(QCustomPlot::rpQueuedReplot);
}

std::optional<HeatMapPlot::Cell> HeatMapPlot::cellAt(QPointF pixel) const {
    if (map_.rows == 0 || map_.columns == 0 || !plot_->axisRect()->rect().contains(pixel.toPoint()))
        return std::nullopt;
    const auto index = [](double coord, int all) {
        return std::clamp(static_cast<int>(std::lround(coord)), 0, all - 1);
    };
    const int row = index(plot_->yAxis->pixelToCoord(pixel.y()), map_.rows);
    int column = index(plot_->xAxis->pixelToCoord(pixel.x()), map_.columns);
    const double width = plot_->axisRect()->width() / plot_->xAxis->range().size();
    if (width < 3) {
        const int first = index(plot_->xAxis->pixelToCoord(pixel.x() - 2), map_.columns);
        const int last = index(plot_->xAxis->pixelToCoord(pixel.x() + 2), map_.columns);
        for (int near = first; near <= last; ++near)
            if (map_.at(row, near) > map_.at(row, column)) column = near;
    }
    return Cell{row, column};
}

QPointF HeatMapPlot::pixelOf(int row, int column) const {
    return {plot_->xAxis->coordToPixel(column), plot_->yAxis->coordToPixel(row)};
}

bool HeatMapPlot::eventFilter(QObject* watched, QEvent* event) {
    if (watched != plot_) return QWidget::eventFilter(watched, event);
    switch (event->type()) {
    case QEvent::MouseButtonDblClick: // the press of a fast second click
    case QEvent::MouseButtonPress:
        press(static_cast<QMouseEvent&>(*event));
        return true;
    case QEvent::MouseMove:
        move(static_cast<QMouseEvent&>(*event));
        return true;
    case QEvent::MouseButtonRelease:
        release(static_cast<QMouseEvent&>(*event));
        return true;
    case QEvent::Leave:
        emit cellHovered(-1, -1);
        return false;
    case QEvent::Wheel: {
        const auto& wheel = static_cast<QWheelEvent&>(*event);
        const QPoint turn = wheel.angleDelta();
        const double by = std::pow(0.85, (turn.y() ? turn.y() : turn.x()) / 120.0);
        const bool rows = wheel.modifiers() & Qt::ShiftModifier;
        zoom(wheel.position(), rows ? 1 : by, rows ? by : 1);
        return true;
    }
    default:
        return false;
    }
}

void HeatMapPlot::press(QMouseEvent& event) {
    setFocus(Qt::MouseFocusReason);
    dragStart_ = dragLast_ = event.position();
    if (event.button() == Qt::MiddleButton ||
        (event.button() == Qt::LeftButton && event.modifiers() & Qt::ShiftModifier)) {
        drag_ = Drag::pan;
        plot_->setCursor(Qt::ClosedHandCursor);
    } else if (event.button() == Qt::LeftButton && !(event.modifiers() & Qt::ControlModifier)) {
        drag_ = Drag::pending;
    } else if (const auto cell = cellAt(event.position())) {
        emit cellChosen(cell->row, cell->column, false);
    }
}

void HeatMapPlot::move(QMouseEvent& event) {
    const QPointF at = event.position();
    if (drag_ == Drag::pan) {
        const double x = plot_->xAxis->pixelToCoord(dragLast_.x()) - plot_->xAxis->pixelToCoord(at.x());
        const double y = plot_->yAxis->pixelToCoord(dragLast_.y()) - plot_->yAxis->pixelToCoord(at.y());
        const QCPRange across = plot_->xAxis->range(), down = plot_->yAxis->range();
        dragLast_ = at;
        setVisibleRange(across.lower + x, across.upper + x, down.lower + y, down.upper + y);
        return;
    }
    if (drag_ == Drag::pending && blocks_ &&
        (at - dragStart_).manhattanLength() >= QApplication::startDragDistance())
        drag_ = Drag::block;
    if (drag_ == Drag::block) {
        overlay_->band = QRectF(dragStart_, at).normalized() & QRectF(plot_->axisRect()->rect());
        replotOverlay();
    }
    const auto cell = cellAt(at);
    emit cellHovered(cell ? cell->row : -1, cell ? cell->column : -1);
}

void HeatMapPlot::release(QMouseEvent& event) {
    const Drag ended = std::exchange(drag_, Drag::none);
    plot_->unsetCursor();
    if (ended == Drag::block) {
        const QRectF band = std::exchange(overlay_->band, QRectF());
        replotOverlay();
        if (band.isEmpty()) return;
        const auto index = [](double coord, int all) {
            return std::clamp(static_cast<int>(std::lround(coord)), 0, all - 1);
        };
        emit blockChosen(index(plot_->yAxis->pixelToCoord(band.top()), map_.rows),
                         index(plot_->yAxis->pixelToCoord(band.bottom()), map_.rows),
                         index(plot_->xAxis->pixelToCoord(band.left()), map_.columns),
                         index(plot_->xAxis->pixelToCoord(band.right()), map_.columns));
    } else if (ended == Drag::pending && event.button() == Qt::LeftButton) {
        if (const auto cell = cellAt(event.position())) emit cellChosen(cell->row, cell->column, true);
    }
}

void HeatMapPlot::moveCurrent(int rows, int columns) {
    if (map_.rows == 0 || map_.columns == 0) return;
    row_ = std::clamp(row_ < 0 ? 0 : row_ + rows, 0, map_.rows - 1);
    column_ = std::clamp(column_ < 0 ? 0 : column_ + columns, 0, map_.columns - 1);
    const QCPRange across = plot_->xAxis->range(), down = plot_->yAxis->range();
    const auto into = [](double at, const QCPRange& range) { // how far to pan so that the cursor is seen
        return at - 0.5 < range.lower   ? at - 0.5 - range.lower
               : at + 0.5 > range.upper ? at + 0.5 - range.upper
                                        : 0;
    };
    const double x = into(column_, across), y = into(row_, down);
    if (x != 0 || y != 0) setVisibleRange(across.lower + x, across.upper + x, down.lower + y, down.upper + y);
    setCurrent(row_, column_);
    emit currentMoved(row_, column_);
}

void HeatMapPlot::keyPressEvent(QKeyEvent* event) {
    const int step = event->modifiers() & Qt::ShiftModifier ? 10 : 1;
    const QPointF centre = QRectF(plot_->axisRect()->rect()).center();
    switch (event->key()) {
    case Qt::Key_Left:
        return moveCurrent(0, -step);
    case Qt::Key_Right:
        return moveCurrent(0, step);
    case Qt::Key_Up:
        return moveCurrent(-step, 0);
    case Qt::Key_Down:
        return moveCurrent(step, 0);
    case Qt::Key_Home:
        return resetZoom();
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(row_ < 0 ? centre : pixelOf(row_, column_), 0.7, 1);
    case Qt::Key_Minus:
        return zoom(row_ < 0 ? centre : pixelOf(row_, column_), 1 / 0.7, 1);
    case Qt::Key_Space:
    case Qt::Key_K:
        if (row_ >= 0 && column_ >= 0) emit cellChosen(row_, column_, true);
        return;
    case Qt::Key_Escape:
        if (drag_ == Drag::none) break;
        drag_ = Drag::none;
        overlay_->band = QRectF();
        return replotOverlay();
    default:
        break;
    }
    QWidget::keyPressEvent(event);
}

void HeatMapPlot::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange) plot_->replot(QCustomPlot::rpQueuedReplot);
}

} // namespace kurtoscope
