// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"
#include "widgets/plot/heat_map_plot.h"

#include <QPixmap>
#include <QPolygonF>
#include <QWidget>

#include <array>
#include <optional>
#include <vector>

namespace kurtoscope {

// A map made small enough to draw: each cell holds the largest of a block, and where in the block it lies.
struct KURTOSCOPE_WIDGETS_API PooledTile {
    int rows = 0, columns = 0, rowStride = 1, columnStride = 1;
    std::vector<float> values; // [row, column]; NaN where the whole block is unknown
    std::vector<HeatMapPlot::Cell> peaks;
    float highest = 0;

    static PooledTile of(const HeatMap& map, int mostRows, int mostColumns);
};

// The tile as bars in space, drawn by plain painting so that it needs no graphics card and prints as lines.
// Height is linear, colour is the map's. Drag turns it, arrows too; wheel, + and − make bars taller; a click
// picks the cell that the bar stands for.
class KURTOSCOPE_WIDGETS_API BarTile : public QWidget {
    Q_OBJECT
public:
    static constexpr int mostRows = 48, mostColumns = 96;
    explicit BarTile(QWidget* parent = nullptr);

    void setMap(const HeatMap& map, float low, float high); // of the colours
    void setCurrent(int row, int column);                   // in the map's own cells; −1: none
    void applyTheme();
    const PooledTile& tile() const { return tile_; }
    double turn() const { return azimuth_; } // degrees
    std::optional<HeatMapPlot::Cell> cellAt(QPointF pixel) const;
    QPointF topOf(int row, int column) const; // of the bar that holds a cell
    int picturesMade() const { return made_; }
    QSize sizeHint() const override { return {760, 380}; }
    QSize minimumSizeHint() const override { return {220, 140}; }

signals:
    void cellChosen(int row, int column);
    void cellHovered(int row, int column); // −1, −1: none

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    struct Bar {
        std::array<QPointF, 4> foot, top; // corners: (0,0), (1,0), (1,1), (0,1) in column, row
    };
    QPointF project(double column, double row, double height) const;
    Bar bar(int row, int column) const;
    std::vector<std::pair<int, int>> backToFront() const;
    void draw(QPainter& painter) const;
    void drawFloor(QPainter& painter) const;
    void turnBy(double degrees);
    void stretchBy(double factor);
    void changed();

    PooledTile tile_;
    QStringList rowLabels_;
    QString rowTitle_, columnTitle_;
    int sourceRows_ = 0, sourceColumns_ = 0;
    float low_ = 1, high_ = 10;
    double azimuth_ = 32, stretch_ = 1;
    int row_ = -1, column_ = -1;
    QPixmap picture_;
    int made_ = 0;
    QPointF pressed_, last_;
    bool turning_ = false;
};

} // namespace kurtoscope
