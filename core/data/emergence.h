// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/site.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// How one linear input looks at one checkpoint, and the weights of the layers that read it.
struct EmergenceSite {
    Site site;
    std::vector<float> magnitude; // mean |x| of each channel
    std::set<int> outliers;       // channels whose mean |x| is over 6 × the site's mean |x|
    double kurtosis = 0;          // Pearson's, over all values
    double maxToMedian = 0;       // largest channel's mean |x| over the median channel's
    double weightKurtosis = 0;    // Pearson's, mean over the layers that read the site
    double weightError = 0; // ‖RTN₄(W) − W‖² / ‖W‖², by output channel, mean over those layers
    double outputKurtosis = 0; // Pearson's, over all values of those layers' outputs
};

struct EmergenceStep {
    int step = 0;
    std::vector<EmergenceSite> sites; // in forward order, the same at every step
};

// Outlier channels along training: when and where they appear, and whether difficulty moves into weights.
struct Emergence {
    std::string run; // its name
    std::vector<EmergenceStep> steps;
    int windows = 0, length = 0; // of text looked at
    std::string data;
};

inline constexpr double emergenceBar = 6; // × the site's mean |x|

// Over all sites of one checkpoint.
struct EmergenceTotals {
    std::size_t outliers = 0;
    double kurtosis = 0, maxToMedian = 0, weightKurtosis = 0; // the largest
    double weightError = 0;                                   // the mean
};
KURTOSCOPE_API EmergenceTotals totals(const EmergenceStep& step);

// Pearson's correlation over a run's checkpoints, the untrained first left out, of the largest activation
// kurtosis and a figure of the weights: below 0 where one grows easy as the other grows hard. NaN where one
// of them does not vary.
KURTOSCOPE_API double migrationCorrelation(const Emergence& emergence,
                                           double EmergenceTotals::*weights = &EmergenceTotals::weightError);

// Channels that stand out at the last checkpoint, of those the ones at the sites that arXiv 2404.03605 names:
// the first layer's attention projection and the other layers' QKV inputs.
struct Whereabouts {
    std::size_t outliers = 0, named = 0;
};
KURTOSCOPE_API Whereabouts whereabouts(const Emergence& emergence);

} // namespace kurtoscope
