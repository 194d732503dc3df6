// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDateTime> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/emergence.h"
#include "widgets/view.h"

#include <memory>

class QComboBox;

namespace kurtoscope {

class CurvePlot;
class ScatterPlot;

// Whether difficulty moves from activations into weights while runs train: activation kurtosis against a
// figure of the weights, a point for each checkpoint, both over steps, and how they correlate. GUI thread.
class KURTOSCOPE_WIDGETS_API MigrationPlot : public View {
    Q_OBJECT
public:
    struct Run {
        QString name;
        QColor colour;
        std::shared_ptr<const Emergence> seen; // null: nothing yet
    };
    explicit MigrationPlot(QWidget* parent = nullptr);

    void setRuns(std::vector<Run> runs, int chosen, const QString& waiting); // `waiting`: while all are empty
    void setCurrent(int step);                                               // of the run that is chosen
    void applyTheme() { show(nothing_, Change::theme); }

signals:
    void stepChosen(int run, int step);

protected:
    QString description() const override;
    ViewTable numbers() const override;
    void refresh(Changes what) override;

private:
    QString correlations() const;
    QString sentence(int point) const;
    struct Point {
        int run = 0, step = 0;
        EmergenceTotals totals;
    };

    Workspace nothing_; // runs are all it draws
    std::vector<Run> runs_;
    std::vector<Point> points_; // as drawn
    int chosen_ = -1, step_ = -1;
    QString waiting_;
    QComboBox* weights_ = nullptr;
    QLabel* says_ = nullptr;
    ScatterPlot* against_ = nullptr;
    CurvePlot *activations_ = nullptr, *overSteps_ = nullptr;
};

} // namespace kurtoscope
