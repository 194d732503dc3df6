// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/heat_layers.h"

#include "widgets/theme.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kurtoscope {

HeatImage::HeatImage(QCustomPlot* plot, const HeatMap& map) : QCPAbstractItem(plot), map_(map) {}

void HeatImage::setRange(float low, float high) {
    low_ = low;
    high_ = high;
    invalidate();
}

void HeatImage::draw(QCPPainter* painter) {
    if (map_.rows == 0 || map_.columns == 0) return;
    const QCPAxis& x = *parentPlot()->xAxis;
    const QCPAxis& y = *parentPlot()->yAxis;
    const QSize pixels = parentPlot()->axisRect()->size();
    if (image_.isNull() || x.range() != columns_ || y.range() != rows_ || pixels != pixels_)
        make(x.range(), y.range(), pixels);
    const QPointF from(x.coordToPixel(covers_.left() - 0.5), y.coordToPixel(covers_.top() - 0.5));
    const QPointF to(x.coordToPixel(covers_.right() - 0.5), y.coordToPixel(covers_.bottom() - 0.5));
    painter->setRenderHint(QPainter::SmoothPixmapTransform, false);
    painter->drawImage(QRectF(from, to), image_);
    hatch(*painter);
}

// Nothing known is not zero: where there is room to tell, it is hatched.
void HeatImage::hatch(QCPPainter& painter) const {
    const QCPAxis& x = *parentPlot()->xAxis;
    const QCPAxis& y = *parentPlot()->yAxis;
    const double wide = std::abs(x.coordToPixel(1) - x.coordToPixel(0)),
                 tall = std::abs(y.coordToPixel(1) - y.coordToPixel(0));
    if (tall < 5) return;
    const int left = std::max(0, static_cast<int>(std::floor(x.range().lower))),
              right = std::min(map_.columns - 1, static_cast<int>(std::ceil(x.range().upper)));
    const int top = std::max(0, static_cast<int>(std::floor(y.range().lower))),
              bottom = std::min(map_.rows - 1, static_cast<int>(std::ceil(y.range().upper)));
    const QBrush lines(Theme::current().faint, Qt::BDiagPattern);
    for (int row = top; row <= bottom; ++row)
        for (int column = left; column <= right; ++column) {
            if (!std::isnan(map_.at(row, column))) continue;
            int last = column;
            while (last < right && std::isnan(map_.at(row, last + 1)))
                ++last;
            if (wide * (last - column + 1) < 5) continue;
            painter.fillRect(QRectF(QPointF(x.coordToPixel(column - 0.5), y.coordToPixel(row - 0.5)),
                                    QPointF(x.coordToPixel(last + 0.5), y.coordToPixel(row + 0.5))),
                             lines);
            column = last;
        }
}

void HeatImage::make(const QCPRange& columns, const QCPRange& rows, const QSize& pixels) {
    columns_ = columns;
    rows_ = rows;
    pixels_ = pixels;
    ++made_;
    struct Span {
        int first, count, stride;
    };
    const auto span = [](const QCPRange& range, int all, int room) {
        int first = std::clamp(static_cast<int>(std::floor(range.lower + 0.5)), 0, all - 1);
        const int last = std::clamp(static_cast<int>(std::ceil(range.upper + 0.5)), first + 1, all);
        const int stride = std::max(1, (last - first + std::max(1, room) - 1) / std::max(1, room));
        first -= first % stride; // bins stay where they are while panning, or the picture would flicker
        return Span{first, (last - first + stride - 1) / stride, stride};
    };
    const Span across = span(columns, map_.columns, pixels.width());
    const Span down = span(rows, map_.rows, pixels.height());
    covers_ = QRectF(across.first, down.first, across.count * across.stride, down.count * down.stride);

    const Theme& theme = Theme::current();
    std::array<QRgb, 256> palette;
    for (std::size_t i = 0; i < palette.size(); ++i)
        palette[i] = theme.heat(static_cast<double>(i) / 255).rgb();
    const QRgb nothing = theme.grid.rgb();
    const float scale = 255.0F / std::log(high_ / low_);

    image_ = QImage(across.count, down.count, QImage::Format_RGB32);
    std::vector<float> pooled(static_cast<std::size_t>(across.count));
    for (int bin = 0; bin < down.count; ++bin) {
        std::fill(pooled.begin(), pooled.end(), std::nanf(""));
        const int top = down.first + bin * down.stride, bottom = std::min(map_.rows, top + down.stride);
        for (int row = top; row < bottom; ++row) {
            const float* values =
                &map_.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(map_.columns)];
            for (int i = 0; i < across.count; ++i) {
                const int left = across.first + i * across.stride;
                const int right = std::min(map_.columns, left + across.stride);
                float& most = pooled[static_cast<std::size_t>(i)];
                for (int column = left; column < right; ++column)
                    if (!(values[column] <= most) && !std::isnan(values[column])) most = values[column];
            }
        }
        auto* line = reinterpret_cast<QRgb*>(image_.scanLine(bin));
        for (int i = 0; i < across.count; ++i) {
            const float value = pooled[static_cast<std::size_t>(i)];
            const float at = value > low_ ? std::log(value / low_) * scale : 0.0F;
            line[i] =
                std::isnan(value) ? nothing : palette[static_cast<std::size_t>(std::clamp(at, 0.0F, 255.0F))];
        }
    }
}

std::vector<HeatOverlay::Run> HeatOverlay::runs(const Marks& marks) {
    std::map<int, std::vector<int>> rowsOf;
    for (const auto& [row, columns] : marks)
        for (const int column : columns)
            rowsOf[column].push_back(row);
    std::vector<Run> found;
    for (const auto& [column, rows] : rowsOf)
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (i > 0 && rows[i] == rows[i - 1] + 1)
                found.back().last = rows[i];
            else
                found.push_back({column, rows[i], rows[i]});
        }
    return found;
}

QRectF HeatOverlay::box(const Run& run) const {
    const QCPAxis& x = *parentPlot()->xAxis;
    const QCPAxis& y = *parentPlot()->yAxis;
    QRectF area(QPointF(x.coordToPixel(run.column - 0.5), y.coordToPixel(run.first - 0.5)),
                QPointF(x.coordToPixel(run.column + 0.5), y.coordToPixel(run.last + 0.5)));
    // A hairline column still needs an outline that can be seen, with the column's colour inside it.
    const double wider = std::max(0.0, 8 - area.width()) / 2, taller = std::max(0.0, 5 - area.height()) / 2;
    return area.adjusted(-wider, -taller, wider, taller);
}

void HeatOverlay::draw(QCPPainter* painter) {
    const Theme& theme = Theme::current();
    painter->setAntialiasing(false);
    painter->setBrush(Qt::NoBrush);
    const QRectF seen = QRectF(clipRect()).adjusted(-8, -8, 8, 8);
    const auto outline = [&](const std::vector<Run>& list, const QPen& under, const QPen& over) {
        QList<QRectF> inner, outer;
        for (const Run& run : list)
            if (const QRectF area = box(run); seen.intersects(area)) {
                inner.append(area);
                outer.append(area.adjusted(-1, -1, 1, 1));
            }
        painter->setPen(under);
        painter->drawRects(outer);
        painter->setPen(over);
        painter->drawRects(inner);
    };
    QPen dashes(QColor(255, 255, 255), 1, Qt::CustomDashLine);
    if (marked.size() < 500)
        dashes.setDashPattern({3, 2});
    else
        dashes.setStyle(Qt::SolidLine); // thousands of dashed boxes cost more than a frame
    outline(marked, QPen(QColor(0, 0, 0, 120), 1), dashes);
    outline(kept, QPen(QColor(0, 0, 0, 110), 1), QPen(theme.kept, 2));

    if (row >= 0 && column >= 0) {
        const QRectF area = box({column, row, row}).adjusted(-2, -2, 2, 2);
        painter->setPen(QPen(QColor(0, 0, 0, 200), 3));
        painter->drawRect(area);
        painter->setPen(QPen(Qt::white, 1));
        painter->drawRect(area);
        // Carets at the edges find the cursor again on a map of thousands of columns.
        painter->setAntialiasing(true);
        painter->setClipping(false);
        const QRectF rect = clipRect();
        const QPointF at = area.center();
        painter->setPen(Qt::NoPen);
        painter->setBrush(theme.text);
        if (at.x() >= rect.left() && at.x() <= rect.right())
            painter->drawPolygon(QPolygonF(
                {{at.x() - 4, rect.top() - 7}, {at.x() + 4, rect.top() - 7}, {at.x(), rect.top() - 1}}));
        if (at.y() >= rect.top() && at.y() <= rect.bottom())
            painter->drawPolygon(QPolygonF({{rect.right() + 8, at.y() - 4},
                                            {rect.right() + 8, at.y() + 4},
                                            {rect.right() + 2, at.y()}}));
    }
    if (!band.isNull()) {
        QColor fill = theme.kept;
        fill.setAlpha(50);
        painter->setAntialiasing(false);
        painter->setPen(QPen(theme.kept, 1));
        painter->setBrush(fill);
        painter->drawRect(band);
    }
}

} // namespace kurtoscope
