// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plot/heat_map_plot.h"

#include <qcustomplot.h>

namespace kurtoscope {

// The picture of a heat map: pooled to at most one cell per pixel when the visible range or the size changes.
class HeatImage : public QCPAbstractItem {
public:
    HeatImage(QCustomPlot* plot, const HeatMap& map);
    void setRange(float low, float high);
    void invalidate() { image_ = QImage(); }
    int columns() const { return image_.width(); }
    int made() const { return made_; }
    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override;

private:
    void hatch(QCPPainter& painter) const;
    void make(const QCPRange& columns, const QCPRange& rows, const QSize& pixels);

    const HeatMap& map_;
    float low_ = 1, high_ = 10;
    QImage image_;
    QRectF covers_; // in cells
    QCPRange columns_, rows_;
    QSize pixels_;
    int made_ = 0;
};

// Everything above the picture: kept outlines, criterion marks, the cursor and the rubber band.
class HeatOverlay : public QCPAbstractItem {
public:
    explicit HeatOverlay(QCustomPlot* plot) : QCPAbstractItem(plot) {}
    struct Run {
        int column = 0, first = 0, last = 0; // rows, inclusive
    };
    static std::vector<Run> runs(const Marks& marks);

    std::vector<Run> kept, marked;
    int row = -1, column = -1;
    QRectF band; // pixels; null: none
    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override;

private:
    QRectF box(const Run& run) const;
};

} // namespace kurtoscope
