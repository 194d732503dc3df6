// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "widgets/export.h"
#include "widgets/parts/aside.h"
#include "widgets/parts/clipping_trade.h"

#include <memory>
#include <set>
#include <vector>

class QLabel;

namespace kurtoscope {

class CurvePlot;
class Heading;
class Legend;

// What a range costs a site's values: clipping, rounding and both as curves over the range, and the chosen
// range in words. Starts at the recipe's own.
class KURTOSCOPE_WIDGETS_API ClippingPanel : public QWidget {
    Q_OBJECT
public:
    explicit ClippingPanel(QWidget* parent = nullptr);

    // `grid`: the recipe's levels, empty where it has none; `leftOut`: channels that are not on it. Hides
    // itself without values.
    void setValues(std::shared_ptr<const SiteSample> sample, const std::vector<float>& grid,
                   const std::set<int>& leftOut);
    void finish() { weighing_.finish(); } // millions of values are weighed aside
    void setClip(double clip);            // a range to look at, as the line is dragged
    void resetClip();                     // the recipe's own
    void applyTheme();
    double clip() const { return clip_; } // 0: no values
    double ownClip() const { return ownClip_; }
    const ClippingCost& best() const { return best_; }
    double largest() const { return trade_.largest(); }
    QString sentence() const;
    CurvePlot* curve() const { return curve_; }

signals:
    void clipChanged(double clip); // for the line to follow

private:
    struct Weighed {
        ClippingTrade trade;
        std::vector<ClippingCost> costs; // along the range
    };
    void take(Weighed weighed);
    void draw();

    Heading* heading_ = nullptr;
    CurvePlot* curve_ = nullptr;
    Legend* legend_ = nullptr;
    QLabel* note_ = nullptr;
    ClippingTrade trade_;
    std::vector<ClippingCost> costs_;
    ClippingCost best_;
    std::shared_ptr<const SiteSample> sample_; // with what trade_ was made
    std::set<int> leftOut_;
    int levels_ = 0;
    float widest_ = -1;
    double clip_ = 0, ownClip_ = 0;
    Aside weighing_; // last: what it hands over goes to the above
};

} // namespace kurtoscope
