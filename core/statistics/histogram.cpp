// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/histogram.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace kurtoscope {

Histogram::Histogram(int bins) {
    if (bins < 2 || bins % 2 != 0)
        throw Error("a histogram of " + std::to_string(bins) + " bins was asked for", "",
                    "Ask for an even number");
    counts_.resize(static_cast<std::size_t>(bins));
}

void Histogram::add(std::span<const float> values) {
    float largest = 0;
    for (const float x : values)
        if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    // The smallest power of two above the value: frexp gives largest = f × 2^e with f in [½, 1).
    if (int exponent = 0; static_cast<double>(largest) >= range_ && largest > 0) {
        std::frexp(static_cast<double>(largest), &exponent);
        widen(std::ldexp(1.0, exponent));
    }
    const auto middle = static_cast<double>(counts_.size() / 2);
    const double scale = range_ > 0 ? middle / range_ : 0;
    for (const float x : values) {
        if (!std::isfinite(x)) {
            ++nonfinite_;
            continue;
        }
        ++total_;
        ++counts_[static_cast<std::size_t>(std::floor(static_cast<double>(x) * scale) + middle)];
    }
}

// Bin i holds floor(x / width) = i − middle, and halving rounds down once more, so joined bins are the ones
// that the wider grid would have counted from the start.
void Histogram::widen(double range) {
    const auto middle = static_cast<std::ptrdiff_t>(counts_.size() / 2);
    if (range_ == 0) range_ = range; // only zeros so far, in the middle bin of any range
    for (; range_ < range; range_ *= 2) {
        std::vector<std::int64_t> joined(counts_.size());
        for (std::ptrdiff_t i = 0; i < 2 * middle; ++i) {
            const std::ptrdiff_t below = i - middle;
            joined[static_cast<std::size_t>(middle + (below >> 1))] += counts_[static_cast<std::size_t>(i)];
        }
        counts_ = std::move(joined);
    }
}

void Histogram::merge(const Histogram& other) {
    if (other.counts_.size() != counts_.size())
        throw Error("histograms of " + std::to_string(counts_.size()) + " and " +
                        std::to_string(other.counts_.size()) + " bins cannot be merged",
                    "", "Make both with the same number of bins");
    Histogram wide = other;
    const double range = std::max(range_, other.range_);
    if (range > 0) {
        widen(range);
        wide.widen(range);
    }
    std::transform(counts_.begin(), counts_.end(), wide.counts_.begin(), counts_.begin(), std::plus<>());
    total_ += other.total_;
    nonfinite_ += other.nonfinite_;
}

} // namespace kurtoscope
