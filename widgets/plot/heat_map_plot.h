// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QPointF>
#include <QStringList>
#include <QWidget>

#include <map>
#include <optional>
#include <set>
#include <vector>

class QCustomPlot;
class QCPColorScale;

namespace kurtoscope {

struct HeatMap {
    int rows = 0, columns = 0;
    std::vector<float> values;                 // [row, column], magnitudes ≥ 0; NaN: nothing known there
    std::vector<float> beside;                 // of a map elsewhere that shares the colour bar; empty: none
    QString rowTitle, columnTitle, valueTitle; // the last stands beside the colour bar
    QStringList rowLabels, columnLabels;       // empty: numbers

    float at(int row, int column) const {
        return values[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
                      static_cast<std::size_t>(column)];
    }
};

using Marks = std::map<int, std::set<int>>; // row → columns

class HeatImage;
class HeatOverlay;

// A heat map in log colour with a colour bar; cells of which nothing is known are hatched. The picture is
// max-pooled to the pixels once per zoom, so that no outlier falls between pixels; marks and the cursor lie
// on a layer of their own, which repaints alone. Mouse: click and Ctrl+click or right click, left drag for a
// block, wheel zooms columns (with Shift: rows), middle drag or Shift+drag pans. Keys: arrows, Space or K,
// Home, + and −.
class KURTOSCOPE_WIDGETS_API HeatMapPlot : public QWidget {
    Q_OBJECT
public:
    explicit HeatMapPlot(QWidget* parent = nullptr);
    ~HeatMapPlot() override;

    void setMap(HeatMap map); // keeps the zoom when the shape stays
    void setKept(Marks kept);
    void setMarked(Marks marked);
    void setCurrent(int row, int column); // −1: none
    void resetZoom();
    void applyTheme();
    void setBlocks(bool on) { blocks_ = on; } // whether a left drag draws a block

    const HeatMap& map() const { return map_; }
    float lowest() const { return low_; } // of the colour bar: values below it share its darkest colour
    float highest() const { return high_; }
    int drawnColumns() const; // after pooling
    int keptRuns() const;     // outlines drawn: marks one above the other share one
    int imagesMade() const;   // how often the picture was pooled
    // The cell that a pixel of canvas() stands for: where columns are thinner than 3 px, the largest within 2
    // px.
    struct Cell {
        int row = -1, column = -1;
    };
    std::optional<Cell> cellAt(QPointF pixel) const;
    QPointF pixelOf(int row, int column) const; // the centre of a cell on canvas()
    QWidget* canvas() const;
    QSize sizeHint() const override { return {760, 380}; }
    QSize minimumSizeHint() const override { return {220, 140}; }

signals:
    void cellHovered(int row, int column); // −1, −1: left
    void cellChosen(int row, int column, bool toggle);
    void blockChosen(int firstRow, int lastRow, int firstColumn, int lastColumn);
    void currentMoved(int row, int column); // by keyboard

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void press(QMouseEvent& event);
    void move(QMouseEvent& event);
    void release(QMouseEvent& event);
    void zoom(QPointF about, double columnsBy, double rowsBy);
    void setVisibleRange(double left, double right, double top, double bottom);
    void moveCurrent(int rows, int columns);
    void chooseRange();
    void updateTicks();
    void updateRowTicks();
    void updateColumnTicks();
    void replotOverlay();

    HeatMap map_;
    Marks kept_, marked_;
    float low_ = 1, high_ = 10;
    QCustomPlot* plot_ = nullptr;
    QCPColorScale* bar_ = nullptr;
    HeatImage* image_ = nullptr;
    HeatOverlay* overlay_ = nullptr;
    int row_ = -1, column_ = -1;
    int columnLabelEvery_ = -1;
    int labelEvery_ = -1; // every nth row label is drawn; 0: numbers; −1: not chosen yet
    bool blocks_ = true, replotted_ = false;
    enum class Drag { none, pending, block, pan } drag_ = Drag::none;
    QPointF dragStart_, dragLast_;
};

} // namespace kurtoscope
