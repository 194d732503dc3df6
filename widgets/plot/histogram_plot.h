// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QColor>
#include <QWidget>

#include <vector>

class QCustomPlot;

namespace kurtoscope {

// Counts of one value set against another over the same equal bins.
struct ValueCounts {
    double low = 0, high = 0;
    std::vector<double> front, back; // counts per bin, equally long
    // Values that the bins do not reach, of front and back, at either end.
    struct Beyond {
        double front = 0, back = 0;
        double all() const { return front + back; }
    } below, above;
};

class GridTicks;
class EdgeCounts;
class ClipLines;

// Bars with a log count: `back` in grey, `front` in its colour above it; the levels of a quantization grid as
// ticks under the axis, thinned to what can be told apart. Values beyond the bins are counted at the edges.
class KURTOSCOPE_WIDGETS_API HistogramPlot : public QWidget {
    Q_OBJECT
public:
    explicit HistogramPlot(QWidget* parent = nullptr);

    void setHistogram(ValueCounts histogram, const QColor& front);
    void setGrid(std::vector<float> levels); // empty: no grid
    // Two lines at ±clip that can be dragged, and moved by arrows; 0: none. Where they lie beyond the bins
    // they stand at the edge.
    void setClip(double clip, double largest);
    double clip() const { return clip_; }
    QPointF clipHandle() const; // the right line's, on canvas()
    QWidget* canvas() const;
    void applyTheme();

    const ValueCounts& histogram() const { return histogram_; }
    int levelsInRange() const { return inRange_; }
    int levelsEvery() const { return every_; } // every nth level is drawn
    int levelsDrawn() const;
    QSize sizeHint() const override { return {280, 180}; }
    QSize minimumSizeHint() const override { return {160, 120}; }

signals:
    void thinningChanged();      // levelsEvery() or levelsDrawn() changed with the width
    void clipMoved(double clip); // by mouse or keyboard
    void clipReset();            // double click or Home: back to the recipe's own range

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void thin();
    void moveClip(double clip);

    QCustomPlot* plot_ = nullptr;
    GridTicks* ticks_ = nullptr;
    EdgeCounts* edges_ = nullptr;
    ClipLines* lines_ = nullptr;
    double clip_ = 0, largest_ = 0;
    bool dragging_ = false, replotted_ = false;
    ValueCounts histogram_;
    QColor front_;
    std::vector<float> levels_;
    int inRange_ = 0, every_ = 1;
};

} // namespace kurtoscope
