// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/clipping_trade.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kurtoscope {
namespace {

constexpr std::size_t thinned = 20'000;
constexpr double tailShare = 0.01;
constexpr double widestOverNarrowest = 100;

} // namespace

ClippingTrade::ClippingTrade(const SiteSample& sample, int levels, const std::set<int>& leftOut)
    : levels_(std::max(3, levels)) {
    std::vector<float> few;
    const auto rows = static_cast<std::size_t>(sample.rows()),
               channels = static_cast<std::size_t>(sample.channels);
    // A step that shares no factor with the row length meets every channel.
    std::size_t step = std::max<std::size_t>(1, sample.values.size() / thinned);
    while (step > 1 && std::gcd(step, std::max<std::size_t>(1, channels)) > 1)
        ++step;
    std::vector<char> out(channels, 0);
    for (const int channel : leftOut)
        if (channel >= 0 && static_cast<std::size_t>(channel) < channels)
            out[static_cast<std::size_t>(channel)] = 1;
    const auto take = [&](std::size_t at, std::vector<float>& into) {
        if (!out[at % channels] && std::isfinite(sample.values[at]))
            into.push_back(std::abs(sample.values[at]));
    };
    if (channels == 0 || rows == 0) return;
    for (std::size_t at = 0; at < sample.values.size(); at += step)
        take(at, few);
    if (few.empty()) return;
    std::vector<float> sorted = few;
    const auto cut = sorted.begin() +
                     static_cast<std::ptrdiff_t>((1 - tailShare) * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), cut, sorted.end());
    const float bar = *cut;
    std::size_t below = 0;
    for (std::size_t at = 0; at < sample.values.size(); ++at) {
        if (out[at % channels]) continue;
        const float x = std::abs(sample.values[at]);
        if (!std::isfinite(x)) continue;
        count_ += 1;
        energy_ += static_cast<double>(x) * static_cast<double>(x);
        largest_ = std::max(largest_, static_cast<double>(x));
        if (x > bar)
            tail_.push_back(x);
        else
            ++below;
    }
    for (const float x : few)
        if (x <= bar) bulk_.push_back(x);
    weight_ = bulk_.empty() ? 0 : static_cast<double>(below) / static_cast<double>(bulk_.size());
}

double ClippingTrade::errorOf(double x, double clip, double step) const {
    const double rounded = std::min(clip, std::nearbyint(x / step) * step);
    return (x - rounded) * (x - rounded);
}

ClippingCost ClippingTrade::at(double clip) const {
    ClippingCost cost;
    cost.clip = clip;
    if (empty() || clip <= 0) return cost;
    const double step = 2 * clip / (levels_ - 1);
    double clipped = 0;
    const auto add = [&](float value, double weight) {
        const double x = static_cast<double>(value), error = errorOf(x, clip, step);
        const bool beyond = x > clip * (1 + 1e-6); // a range is itself a float: its end is not clipped
        (beyond ? cost.clipping : cost.rounding) += weight * error;
        if (beyond) clipped += weight;
    };
    for (const float x : tail_)
        add(x, 1);
    for (const float x : bulk_)
        add(x, weight_);
    cost.clipping /= count_;
    cost.rounding /= count_;
    cost.clippedShare = clipped / count_;
    cost.sqnrDb = cost.total() > 0 ? 10 * std::log10(energy_ / count_ / cost.total())
                                   : std::numeric_limits<double>::infinity();
    return cost;
}

std::vector<ClippingCost> ClippingTrade::curve(int points) const {
    std::vector<ClippingCost> costs;
    if (empty()) return costs;
    for (int i = 0; i < points; ++i)
        costs.push_back(at(
            largest_ * std::pow(widestOverNarrowest, -1 + static_cast<double>(i) / std::max(1, points - 1))));
    return costs;
}

ClippingCost ClippingTrade::leastOf(const std::vector<ClippingCost>& costs) {
    ClippingCost least;
    for (const ClippingCost& cost : costs)
        if (least.clip == 0 || cost.total() < least.total()) least = cost;
    return least;
}

} // namespace kurtoscope
