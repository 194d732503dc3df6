// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/channel_stats.h"
#include "widgets/export.h"

#include <set>
#include <vector>

namespace kurtoscope {

// What a symmetric range ±clip with so many levels costs a site's values: mean squared errors of those beyond
// it and of those inside.
struct ClippingCost {
    double clip = 0, clipping = 0, rounding = 0;
    double clippedShare = 0; // 0…1
    double sqnrDb = 0;
    double total() const { return clipping + rounding; }
};

// Asks that for many ranges, fast enough for a line that is dragged: the largest percent of the values are
// kept one by one, the rest are thinned.
class KURTOSCOPE_WIDGETS_API ClippingTrade {
public:
    ClippingTrade() = default;
    ClippingTrade(const SiteSample& sample, int levels,
                  const std::set<int>& leftOut); // channels not on the grid

    ClippingCost at(double clip) const;
    std::vector<ClippingCost>
    curve(int points) const; // from a hundredth of the largest |x| to it, even in log
    static ClippingCost leastOf(const std::vector<ClippingCost>& costs); // the least total
    double largest() const { return largest_; }
    int levels() const { return levels_; }
    bool empty() const { return largest_ <= 0; }

private:
    double errorOf(double x, double clip, double step) const;

    std::vector<float> tail_, bulk_; // |x|
    double weight_ = 1;              // values that each of bulk_ stands for
    double count_ = 0, energy_ = 0;
    double largest_ = 0;
    int levels_ = 255;
};

} // namespace kurtoscope
