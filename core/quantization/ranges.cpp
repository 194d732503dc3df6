// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/ranges.h"

#include "core/quantization/calibration_set.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

// ∫ of the squared distance to the nearest integer, from 0 to t.
double distanceTo(double t) {
    const double whole = std::nearbyint(t), rest = t - whole;
    return whole / 12 + rest * rest * rest / 3;
}

// The squared error that a grid makes of the histogram's values, taken as evenly spread within each bin.
double squaredError(const Histogram& histogram, const Grid& grid) {
    const auto& counts = histogram.counts();
    const double step = double(grid.scale), width = histogram.binWidth();
    const double low = double(grid.low - grid.zero) * step, high = double(grid.high - grid.zero) * step;
    const auto cube = [](double t) { return t * t * t; };
    double sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        const double from = histogram.low() + double(i) * width, to = from + width;
        const double left = std::clamp(from, low, high), right = std::clamp(to, low, high);
        const double inside = cube(step) * (distanceTo(right / step) - distanceTo(left / step));
        const double below = (cube(low - std::min(from, low)) - cube(low - std::min(to, low))) / 3;
        const double above = (cube(std::max(to, high) - high) - cube(std::max(from, high) - high)) / 3;
        sum += double(counts[i]) * (inside + below + above) / width;
    }
    return sum;
}

// The range whose grid makes the least squared error: ends shrunk by steps of 2 %, then a tenth of that
// around the best; asymmetric ones in turn.
Extent leastErrorExtent(const Histogram& histogram, const Extent& whole, const ActivationRule& rule) {
    if (histogram.total() == 0 || histogram.binWidth() == 0) return whole;
    constexpr int steps = 300; // down to 0.2 % of the whole
    const auto errorOf = [&](const Extent& extent) {
        return squaredError(histogram,
                            Grid::over(extent.min, extent.max, rule.bits, rule.symmetric, rule.fullRange));
    };
    const float bound = std::max(-whole.min, whole.max);
    const Extent start = rule.symmetric ? Extent{-bound, bound} : whole;
    const auto search = [&](Extent best, bool low, bool high) {
        Extent tried{low ? start.min : best.min, high ? start.max : best.max};
        double least = errorOf(best);
        for (int i = 0; i < steps; ++i) {
            const double error = errorOf(tried);
            if (error > 100 * least) break; // clipping has long taken over
            if (error < least) least = error, best = tried;
            if (low) tried.min *= 0.98F;
            if (high) tried.max *= 0.98F;
        }
        const Extent coarse = best;
        for (int i = -10; i <= 10; ++i) {
            const float by = 1 + 0.002F * static_cast<float>(i);
            tried = {low ? std::max(start.min, coarse.min * by) : coarse.min,
                     high ? std::min(start.max, coarse.max * by) : coarse.max};
            if (const double error = errorOf(tried); error < least) least = error, best = tried;
        }
        return best;
    };
    Extent best = search(start, true, true);
    if (rule.symmetric) return best;
    for (int round = 0; round < 2; ++round) {
        best = search(best, false, true);
        best = search(best, true, false);
    }
    return best;
}

// Kullback–Leibler divergence of `counts` cut off after `kept` bins, what lies beyond added to the last one,
// from the same in `levels` levels, each spread over its non-empty bins. ∞ where a level is lost.
double divergence(const std::vector<double>& counts, std::size_t kept, double beyond, std::size_t levels) {
    double total = beyond, spread = 0;
    for (std::size_t i = 0; i < kept; ++i)
        total += counts[i], spread += counts[i];
    if (beyond > 0 && counts[kept - 1] == 0) return std::numeric_limits<double>::infinity();
    double sum = 0;
    for (std::size_t level = 0; level < levels; ++level) {
        const std::size_t from = level * kept / levels, to = (level + 1) * kept / levels;
        double mass = 0, filled = 0;
        for (std::size_t i = from; i < to; ++i)
            mass += counts[i], filled += counts[i] > 0;
        for (std::size_t i = from; i < to; ++i) {
            if (counts[i] == 0) continue;
            const double p = (counts[i] + (i + 1 == kept ? beyond : 0)) / total, q = mass / filled / spread;
            sum += p * std::log(p / q);
        }
    }
    return sum;
}

// Migacz 2017, "8-bit Inference with TensorRT": the bound whose cut-off distribution of |x| survives the
// levels of one sign best.
Extent entropyExtent(const Histogram& histogram, const Extent& whole, const ActivationRule& rule) {
    if (histogram.total() == 0 || histogram.binWidth() == 0) return whole;
    const auto& both = histogram.counts();
    const std::size_t bins = both.size() / 2, levels = std::size_t{1} << (rule.bits - 1);
    std::vector<double> counts(bins);
    double total = 0;
    for (std::size_t i = 0; i < bins; ++i)
        total += counts[i] = double(both[bins + i] + both[bins - 1 - i]);
    std::size_t last = bins;
    while (last > 1 && counts[last - 1] == 0)
        --last;
    double within = 0, least = std::numeric_limits<double>::infinity();
    std::size_t best = last;
    for (std::size_t kept = 1; kept <= last; ++kept) {
        within += counts[kept - 1];
        if (kept < levels) continue;
        const double here = divergence(counts, kept, std::max(0.0, total - within), levels);
        if (here <= least) least = here, best = kept;
    }
    const auto bound = static_cast<float>(double(best) * histogram.binWidth());
    const float largest = std::max(-whole.min, whole.max); // a bin's edge may lie beyond it
    return {-std::min(bound, largest), std::min(bound, largest)};
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
        return leastErrorExtent(*seen.histogram, whole, rule);
    case RangeMethod::entropy:
        return entropyExtent(*seen.histogram, whole, rule);
    }
    return whole;
}

} // namespace kurtoscope
