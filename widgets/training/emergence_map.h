// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDateTime> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/emergence.h"
#include "widgets/view.h"

#include <memory>

class QComboBox;

namespace kurtoscope {

class HeatMapPlot;

// Outlier channels of one training run as they emerge: checkpoints × channels of a linear input, or
// checkpoints × linear inputs. GUI thread.
class KURTOSCOPE_WIDGETS_API EmergenceMap : public View {
    Q_OBJECT
public:
    explicit EmergenceMap(QWidget* parent = nullptr);

    // Null or without a checkpoint: `waiting` says why.
    void setRun(const QString& name, std::shared_ptr<const Emergence> seen, const QString& waiting);
    void setCurrent(int step); // of the checkpoint that is chosen
    void applyTheme() { show(nothing_, Change::theme); }

signals:
    void stepChosen(int step);

protected:
    QString description() const override;
    ViewTable numbers() const override;
    void refresh(Changes what) override;

private:
    void offerSites();
    void draw();
    void choose(int row);
    int site() const; // that is drawn by channel; below 0: all of them, by a figure
    QString verdict() const;
    QString sentence(int row, int column) const;

    Workspace nothing_; // a run is all it draws
    QString name_, waiting_;
    std::shared_ptr<const Emergence> seen_;
    int step_ = -1;
    bool chose_ = false; // the person did; else the site with the largest ratio
    QComboBox* what_ = nullptr;
    QLabel* verdict_ = nullptr;
    HeatMapPlot* plot_ = nullptr;
};

} // namespace kurtoscope
