// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/site_figures.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace kurtoscope {

double median(std::span<const float> values) {
    if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::vector<float> sorted(values.begin(), values.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    if (sorted.size() % 2 == 1) return *middle;
    return (static_cast<double>(*middle) + static_cast<double>(*std::max_element(sorted.begin(), middle))) /
           2;
}

double topPercentEnergy(std::span<const double> energy) {
    const double all = std::accumulate(energy.begin(), energy.end(), 0.0);
    if (!(all > 0)) return 0;
    std::vector<double> sorted(energy.begin(), energy.end());
    const auto top = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() + 99) / 100);
    std::partial_sort(sorted.begin(), top, sorted.end(), std::greater<>());
    return std::accumulate(sorted.begin(), top, 0.0) / all;
}

SiteStats siteFigures(Site site, const ChannelMoments& moments) {
    SiteStats stats;
    stats.site = site;
    stats.channels = moments.channels();
    stats.magnitudeBar = moments.bar();
    const auto size = static_cast<std::size_t>(stats.channels);
    for (auto* figure : {&stats.min, &stats.max, &stats.absmax})
        figure->resize(size);
    for (auto* figure :
         {&stats.mean, &stats.variance, &stats.skewness, &stats.kurtosis, &stats.energy, &stats.shareAbove})
        figure->resize(size);
    const Moments whole = moments.whole();
    for (std::size_t c = 0; c < size; ++c) {
        const Moments channel = moments.at(static_cast<int>(c));
        const bool any = channel.count > 0;
        stats.min[c] = any ? channel.min : 0;
        stats.max[c] = any ? channel.max : 0;
        stats.absmax[c] = channel.absmax();
        stats.mean[c] = any ? channel.mean : std::numeric_limits<double>::quiet_NaN();
        stats.variance[c] = channel.variance();
        stats.skewness[c] = channel.skewness();
        stats.kurtosis[c] = channel.kurtosis();
        stats.energy[c] = channel.energy();
        stats.shareAbove[c] = any ? channel.above / channel.count : 0;
    }
    stats.nonfinite = static_cast<std::int64_t>(whole.nonfinite);
    stats.siteKurtosis = whole.kurtosis();
    stats.siteAbsmax = whole.absmax();
    stats.top1pctEnergy = topPercentEnergy(stats.energy);
    stats.maxToMedian =
        static_cast<double>(stats.siteAbsmax) / median(stats.absmax); // ∞ when most channels are 0
    return stats;
}

} // namespace kurtoscope
