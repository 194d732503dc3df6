// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/ranges.h"

#include "core/quantization/calibration_set.h"

namespace kurtoscope {
namespace {

Extent wholeExtent(const SiteStats& stats, const std::set<int>& kept) {
    Extent extent;
    for (int channel = 0; channel < stats.channels; ++channel) {
        if (kept.contains(channel)) continue;
        extent.min = std::min(extent.min, stats.min[static_cast<std::size_t>(channel)]);
        extent.max = std::max(extent.max, stats.max[static_cast<std::size_t>(channel)]);
    }
    return extent;
}

// The ends between which p percent of the values lie: of |x| when symmetric, half of the rest left out at
// each end otherwise. Linear inside a bin.
Extent percentileExtent(const Histogram& histogram, double percent, bool symmetric) {
    const auto& counts = histogram.counts();
    const double total = double(histogram.total()), width = histogram.binWidth();
    const std::size_t bins = counts.size();
    if (total == 0 || width == 0) return {};
    if (symmetric) {
        const double wanted = total * percent / 100;
        double seen = 0;
        for (std::size_t i = 0; i < bins / 2; ++i) {
            const double here = double(counts[bins / 2 + i]) + double(counts[bins / 2 - 1 - i]);
            if (seen + here >= wanted && here > 0) {
                const double bound = (double(i) + (wanted - seen) / here) * width;
                return {static_cast<float>(-bound), static_cast<float>(bound)};
            }
            seen += here;
        }
        return {static_cast<float>(histogram.low()), static_cast<float>(histogram.high())};
    }
    const auto at = [&](double wanted) {
        double seen = 0;
        for (std::size_t i = 0; i < bins; ++i) {
            const double here = double(counts[i]);
            if (seen + here >= wanted && here > 0)
                return histogram.low() + (double(i) + (wanted - seen) / here) * width;
            seen += here;
        }
        return histogram.high();
    };
    const double out = (100 - percent) / 200 * total;
    return {static_cast<float>(std::min(0.0, at(out))), static_cast<float>(std::max(0.0, at(total - out)))};
}

} // namespace

Extent staticExtent(const ActivationRule& rule, const CalibratedSite& seen, const std::set<int>& kept) {
    const Extent whole = wholeExtent(seen.stats, kept);
    switch (rule.range) {
    case RangeMethod::minmax:
        return whole;
    case RangeMethod::moving_average:
        return {seen.averageMin, seen.averageMax};
    case RangeMethod::percentile: {
        const Extent inner = percentileExtent(*seen.histogram, rule.percentile, rule.symmetric);
        // A bin's edge may lie beyond the largest value in it.
        const float bound = std::max(-whole.min, whole.max);
        return rule.symmetric ? Extent{std::max(inner.min, -bound), std::min(inner.max, bound)}
                              : Extent{std::max(inner.min, whole.min), std::min(inner.max, whole.max)};
    }
    case RangeMethod::mse:
    case RangeMethod::entropy:
        break;
    }
    return whole;
}

} // namespace kurtoscope
