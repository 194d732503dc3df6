// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QColor>
#include <QWidget>

#include <vector>

class QCustomPlot;
class QCPItemLine;

namespace kurtoscope {

struct Curve {
    QString name;
    QColor colour;
    std::vector<double> x, y; // y ≤ 0 and NaN leave a gap on a log axis
    bool strong = false;      // drawn thicker and above the others
    bool dashed = false;
};

// Lines over an index or a value, on a log or linear axis. No legend of its own: see Legend.
class KURTOSCOPE_WIDGETS_API CurvePlot : public QWidget {
    Q_OBJECT
public:
    explicit CurvePlot(QWidget* parent = nullptr);

    void setCurves(std::vector<Curve> curves, const QString& xTitle, bool logarithmic,
                   bool asPercent = false);
    void setCurrent(double x);                                 // a thin vertical line; NaN: none
    void setValueAxis(bool on);                                // x holds values on a log axis, no indices
    void setUsualHeight(int pixels) { usualHeight_ = pixels; } // where nothing stretches it
    void applyTheme();

    const std::vector<Curve>& curves() const { return curves_; }
    double lowest() const { return low_; } // of the values drawn
    double highest() const { return high_; }
    QWidget* canvas() const;
    QPointF pixelOf(double x, double y) const;
    QSize sizeHint() const override { return {380, usualHeight_}; }
    QSize minimumSizeHint() const override { return {180, 110}; }

signals:
    void pointHovered(int curve, int index); // −1, −1: none near
    void pointClicked(int curve, int index);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    std::pair<int, int> nearest(QPointF pixel) const;

    QCustomPlot* plot_ = nullptr;
    QCPItemLine* current_ = nullptr;
    std::vector<Curve> curves_;
    double low_ = 0, high_ = 0;
    int usualHeight_ = 240;
    bool valueAxis_ = false;
    bool replotted_ = false; // a layer cannot be drawn alone before the whole plot was
};

} // namespace kurtoscope
