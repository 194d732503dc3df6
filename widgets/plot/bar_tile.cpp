// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/bar_tile.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPaintEngine>
#include <QPainter>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kurtoscope {
namespace {

constexpr double elevation = 32 * std::numbers::pi / 180;
constexpr double deep = 0.62; // the row axis against the column axis, on the floor
constexpr double broadest = 1.8; // across the screen against up it
constexpr int labelRoom = 46;

} // namespace

PooledTile PooledTile::of(const HeatMap& map, int mostRows, int mostColumns) {
    PooledTile tile;
    if (map.rows == 0 || map.columns == 0) return tile;
    tile.rowStride = (map.rows + mostRows - 1) / mostRows;
    tile.columnStride = (map.columns + mostColumns - 1) / mostColumns;
    tile.rows = (map.rows + tile.rowStride - 1) / tile.rowStride;
    tile.columns = (map.columns + tile.columnStride - 1) / tile.columnStride;
    const auto count = static_cast<std::size_t>(tile.rows) * static_cast<std::size_t>(tile.columns);
    tile.values.assign(count, std::nanf(""));
    tile.peaks.resize(count);
    for (int row = 0; row < map.rows; ++row)
        for (int column = 0; column < map.columns; ++column) {
            const float value = map.at(row, column);
            const auto at =
                static_cast<std::size_t>(row / tile.rowStride) * static_cast<std::size_t>(tile.columns) +
                static_cast<std::size_t>(column / tile.columnStride);
            if (std::isnan(value) || value <= tile.values[at]) continue;
            tile.values[at] = value;
            tile.peaks[at] = {row, column};
            if (std::isfinite(value)) tile.highest = std::max(tile.highest, value);
        }
    return tile;
}

BarTile::BarTile(QWidget* parent) : QWidget(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setCursor(Qt::OpenHandCursor);
}

void BarTile::setMap(const HeatMap& map, float low, float high) {
    tile_ = PooledTile::of(map, mostRows, mostColumns);
    rowLabels_ = map.rowLabels;
    rowTitle_ = map.rowTitle;
    columnTitle_ = map.columnTitle;
    sourceRows_ = map.rows;
    sourceColumns_ = map.columns;
    low_ = low;
    high_ = high;
    changed();
}

void BarTile::setCurrent(int row, int column) {
    if (row == row_ && column == column_) return;
    row_ = row;
    column_ = column;
    update();
}

void BarTile::applyTheme() {
    changed();
}

void BarTile::changed() {
    picture_ = QPixmap();
    update();
}

// Parallel projection: the floor turned by the azimuth, seen from above at a fixed elevation.
QPointF BarTile::project(double column, double row, double height) const {
    const double x = column / std::max(1, tile_.columns) - 0.5,
                 y = (row / std::max(1, tile_.rows) - 0.5) * deep;
    const double angle = azimuth_ * std::numbers::pi / 180;
    const double across = x * std::cos(angle) - y * std::sin(angle),
                 away = x * std::sin(angle) + y * std::cos(angle);
    const double wide = std::sqrt(1 + deep * deep); // of the floor, however it is turned
    const double room = (width() - 2.0 * labelRoom) / wide;
    const double scale = std::min(room, (QWidget::height() - 2.0 * labelRoom) / 1.05);
    const double broad = std::min(room, broadest * scale); // a wide view is not left empty
    return {width() / 2.0 + across * broad,
            QWidget::height() * 0.63 +
                (away * std::sin(elevation) - 0.5 * height * stretch_ * std::cos(elevation)) * scale};
}

BarTile::Bar BarTile::bar(int row, int column) const {
    const float value = tile_.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(tile_.columns) +
                                     static_cast<std::size_t>(column)];
    const double height = std::isfinite(value) && tile_.highest > 0
                              ? static_cast<double>(value) / static_cast<double>(tile_.highest)
                          : std::isinf(value) ? 1
                                              : 0;
    constexpr double gap = 0.08;
    Bar bar;
    const double corners[4][2] = {{gap, gap}, {1 - gap, gap}, {1 - gap, 1 - gap}, {gap, 1 - gap}};
    for (std::size_t i = 0; i < 4; ++i) {
        bar.foot[i] = project(column + corners[i][0], row + corners[i][1], 0);
        bar.top[i] = project(column + corners[i][0], row + corners[i][1], height);
    }
    return bar;
}

std::vector<std::pair<int, int>> BarTile::backToFront() const {
    std::vector<std::pair<int, int>> order;
    order.reserve(tile_.values.size());
    const double angle = azimuth_ * std::numbers::pi / 180;
    // Away grows towards the viewer with `sin` per column and `cos` per row.
    const bool columnsUp = std::sin(angle) >= 0, rowsUp = std::cos(angle) >= 0;
    for (int r = 0; r < tile_.rows; ++r)
        for (int c = 0; c < tile_.columns; ++c)
            order.emplace_back(rowsUp ? r : tile_.rows - 1 - r, columnsUp ? c : tile_.columns - 1 - c);
    return order;
}

void BarTile::drawFloor(QPainter& painter) const {
    const Theme& theme = Theme::current();
    const double columns = tile_.columns, rows = tile_.rows;
    painter.setPen(QPen(theme.border, 1));
    painter.setBrush(theme.raised);
    painter.drawPolygon(QPolygonF(
        {project(0, 0, 0), project(columns, 0, 0), project(columns, rows, 0), project(0, rows, 0)}));
    painter.setFont(theme.small());
    painter.setPen(theme.muted);
    const QFontMetrics metrics(theme.small());
    const auto write = [&](QPointF at, const QString& text, double side) {
        const double wide = metrics.horizontalAdvance(text);
        const double left = side < 0 ? at.x() - wide : side > 0 ? at.x() : at.x() - wide / 2;
        painter.drawText(QPointF(std::clamp(left, 2.0, std::max(2.0, width() - wide - 2)),
                                 std::min<double>(at.y(), QWidget::height() - 4)),
                         text);
    };
    // Each axis is named along the edge that lies nearer to the viewer.
    const double angle = azimuth_ * std::numbers::pi / 180;
    const double nearRow = std::cos(angle) >= 0 ? rows : 0, nearColumn = std::sin(angle) >= 0 ? columns : 0;
    const double below = metrics.height() + 2;
    const auto axis = [&](QPointF from, QPointF to, const QString& first, const QString& name,
                          const QString& last) {
        const QPointF middle = (from + to) / 2;
        const double side = middle.x() < width() / 2.0 - 20 ? -1 : middle.x() > width() / 2.0 + 20 ? 1 : 0;
        write(from + QPointF(4 * side, below), first, side);
        write(to + QPointF(4 * side, below), last, side);
        write(middle + QPointF(10 * side, below + 6), name, side);
    };
    axis(project(0, nearRow, 0), project(columns, nearRow, 0), QStringLiteral("0"), columnTitle_,
         grouped(sourceColumns_ - 1));
    const auto rowName = [&](int row) {
        return rowLabels_.isEmpty() ? QString::number(row) : rowLabels_[row];
    };
    axis(project(nearColumn, 0, 0), project(nearColumn, rows, 0), rowName(0),
         rowTitle_.isEmpty() ? tr("token") : rowTitle_, rowName(sourceRows_ - 1));
}

void BarTile::draw(QPainter& painter) const {
    const Theme& theme = Theme::current();
    painter.setRenderHint(QPainter::Antialiasing, false);
    drawFloor(painter);
    painter.setPen(Qt::NoPen);
    const double angle = azimuth_ * std::numbers::pi / 180;
    // The two sides that face the viewer, by their corners.
    const std::size_t front[2] = {std::size_t(std::cos(angle) >= 0 ? 2 : 0),
                                  std::size_t(std::cos(angle) >= 0 ? 3 : 1)};
    const std::size_t side[2] = {std::size_t(std::sin(angle) >= 0 ? 1 : 3),
                                 std::size_t(std::sin(angle) >= 0 ? 2 : 0)};
    const double decades = std::log(static_cast<double>(high_) / static_cast<double>(low_));
    for (const auto& [row, column] : backToFront()) {
        const float value =
            tile_.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(tile_.columns) +
                         static_cast<std::size_t>(column)];
        if (std::isnan(value)) continue;
        const double share =
            value > low_
                ? std::clamp(std::log(static_cast<double>(value) / static_cast<double>(low_)) / decades, 0.0,
                             1.0)
                : 0;
        const QColor colour = theme.heat(share);
        const Bar shape = bar(row, column);
        const auto face = [&](const std::size_t(&edge)[2], int darker) {
            const QPointF corners[] = {shape.foot[edge[0]], shape.foot[edge[1]], shape.top[edge[1]],
                                       shape.top[edge[0]]};
            painter.setBrush(colour.darker(darker));
            painter.drawConvexPolygon(corners, 4);
        };
        if (shape.foot[0].y() - shape.top[0].y() > 1) {
            face(front, 135);
            face(side, 160);
        }
        painter.setBrush(colour);
        painter.drawConvexPolygon(shape.top.data(), 4);
    }
    painter.setPen(theme.muted);
    painter.setFont(theme.small());
    painter.drawText(
        QRect(0, 4, width() - 8, 20), Qt::AlignRight | Qt::AlignVCenter,
        tr("tallest %1").arg(figure(static_cast<double>(tile_.highest))) +
            (tile_.columnStride > 1 || tile_.rowStride > 1
                 ? tr(" · a bar is the largest of %1 × %2").arg(tile_.rowStride).arg(tile_.columnStride)
                 : QString()));
}

void BarTile::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), Theme::current().surface);
    if (tile_.values.empty()) return;
    // On screen the bars are kept as a picture, so that the cursor moves without them; elsewhere they are
    // lines.
    if (painter.paintEngine()->type() != QPaintEngine::Raster) {
        draw(painter);
    } else {
        const double ratio = devicePixelRatioF();
        if (picture_.isNull()) {
            picture_ = QPixmap(size() * ratio);
            picture_.setDevicePixelRatio(ratio);
            picture_.fill(Theme::current().surface);
            QPainter own(&picture_);
            draw(own);
            ++made_;
        }
        painter.drawPixmap(0, 0, picture_);
    }
    if (row_ < 0 || column_ < 0 || row_ >= sourceRows_ || column_ >= sourceColumns_) return;
    const Bar shape = bar(row_ / tile_.rowStride, column_ / tile_.columnStride);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setBrush(Qt::NoBrush);
    for (const auto& [colour, wide] :
         {std::pair(QColor(0, 0, 0, 200), 3.0), std::pair(QColor(Qt::white), 1.2)}) {
        painter.setPen(QPen(colour, wide));
        painter.drawPolygon(shape.top.data(), 4);
        for (std::size_t i = 0; i < 4; ++i)
            painter.drawLine(shape.foot[i], shape.top[i]);
    }
}

std::optional<HeatMapPlot::Cell> BarTile::cellAt(QPointF pixel) const {
    const auto order = backToFront();
    for (auto at = order.rbegin(); at != order.rend(); ++at) { // the nearest bar hides those behind it
        const auto index = static_cast<std::size_t>(at->first) * static_cast<std::size_t>(tile_.columns) +
                           static_cast<std::size_t>(at->second);
        if (std::isnan(tile_.values[index])) continue;
        const Bar shape = bar(at->first, at->second);
        const auto holds = [&](const std::array<QPointF, 4>& corners) {
            return QPolygonF(QList<QPointF>(corners.begin(), corners.end()))
                .containsPoint(pixel, Qt::OddEvenFill);
        };
        bool hit = holds(shape.top);
        for (std::size_t i = 0; i < 4 && !hit; ++i) {
            const std::size_t next = (i + 1) % 4;
            hit = holds({shape.foot[i], shape.foot[next], shape.top[next], shape.top[i]});
        }
        if (hit) return tile_.peaks[index];
    }
    return std::nullopt;
}

QPointF BarTile::topOf(int row, int column) const {
    const Bar shape = bar(row / tile_.rowStride, column / tile_.columnStride);
    return (shape.top[0] + shape.top[2]) / 2;
}

void BarTile::turnBy(double degrees) {
    azimuth_ = std::remainder(azimuth_ + degrees, 360);
    changed();
}

void BarTile::stretchBy(double factor) {
    stretch_ = std::clamp(stretch_ * factor, 0.25, 3.0);
    changed();
}

void BarTile::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    changed();
}

void BarTile::mousePressEvent(QMouseEvent* event) {
    pressed_ = last_ = event->position();
    turning_ = false;
    setFocus(Qt::MouseFocusReason);
}

void BarTile::mouseMoveEvent(QMouseEvent* event) {
    if (event->buttons() & (Qt::LeftButton | Qt::MiddleButton)) {
        if (!turning_ && (event->position() - pressed_).manhattanLength() < QApplication::startDragDistance())
            return;
        turning_ = true;
        setCursor(Qt::ClosedHandCursor);
        turnBy((event->position().x() - last_.x()) * 0.4);
        last_ = event->position();
        return;
    }
    const auto cell = cellAt(event->position());
    emit cellHovered(cell ? cell->row : -1, cell ? cell->column : -1);
}

void BarTile::mouseReleaseEvent(QMouseEvent* event) {
    setCursor(Qt::OpenHandCursor);
    if (std::exchange(turning_, false) || event->button() != Qt::LeftButton) return;
    if (const auto cell = cellAt(event->position())) emit cellChosen(cell->row, cell->column);
}

void BarTile::leaveEvent(QEvent* event) {
    QWidget::leaveEvent(event);
    emit cellHovered(-1, -1);
}

void BarTile::wheelEvent(QWheelEvent* event) {
    stretchBy(std::pow(1.1, event->angleDelta().y() / 120.0));
    event->accept();
}

void BarTile::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
    case Qt::Key_Left:
        return turnBy(-8);
    case Qt::Key_Right:
        return turnBy(8);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
    case Qt::Key_Up:
        return stretchBy(1.2);
    case Qt::Key_Minus:
    case Qt::Key_Down:
        return stretchBy(1 / 1.2);
    case Qt::Key_Home:
        azimuth_ = 32, stretch_ = 1;
        return changed();
    default:
        QWidget::keyPressEvent(event);
    }
}

} // namespace kurtoscope
