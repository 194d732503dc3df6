// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QColor>
#include <QWidget>

#include <optional>
#include <vector>

class QCustomPlot;

namespace kurtoscope {

struct ScatterPoint {
    QString label;
    double count = 0; // x, from 0
    double score = 0, error = 0;
    QColor colour;
    bool strong = false; // larger, its label bold
    bool faint = false;  // a ring without a whisker
};

class PointLabels;

// Score against a count on an axis that holds 0 and then runs in decades, or against a plain value; one
// dashed reference line; whiskers for the errors; a stepped line along the best; labels where there is room
// for them.
class KURTOSCOPE_WIDGETS_API ScatterPlot : public QWidget {
    Q_OBJECT
public:
    explicit ScatterPlot(QWidget* parent = nullptr);

    void setPoints(std::vector<ScatterPoint> points, const QString& xTitle, const QString& yTitle);
    void setDecades(bool on);               // of x; else linear
    void setFront(std::vector<int> points); // from left to right: none is better in both; empty: no line
    void setReference(std::optional<double> score, const QString& name);
    void applyTheme();
    const std::vector<ScatterPoint>& points() const { return points_; }
    const std::vector<int>& front() const { return front_; }
    QPointF pixelOf(int point) const;
    QWidget* canvas() const;
    int labelsDrawn() const;
    QStringList scoreTicks() const; // as last drawn
    QSize sizeHint() const override { return {300, 240}; }
    QSize minimumSizeHint() const override { return {160, 110}; }

signals:
    void pointHovered(int point); // −1: none near
    void pointClicked(int point);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void rebuild();
    int nearest(QPointF pixel) const;

    QCustomPlot* plot_ = nullptr;
    PointLabels* labels_ = nullptr;
    std::vector<ScatterPoint> points_;
    std::vector<int> front_;
    bool decades_ = true;
    std::optional<double> reference_;
    QString referenceName_;
};

} // namespace kurtoscope
