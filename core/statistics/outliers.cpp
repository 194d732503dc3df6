// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/outliers.h"

#include "core/base/error.h"
#include "core/statistics/moments.h"
#include "core/statistics/site_figures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace kurtoscope {
namespace {

using Kind = Criterion::Kind;

constexpr double tokenShare = 0.06, layerShare = 0.25; // LLM.int8()'s

// Rounding must not turn 6 of 100 tokens into less than 6 %.
bool reaches(double share, double bar) {
    return share >= bar * (1 - 1e-9);
}

std::set<int> channelsWhere(const SiteStats& stats, const std::function<bool(std::size_t)>& holds) {
    std::set<int> marked;
    for (int c = 0; c < stats.channels; ++c)
        if (holds(static_cast<std::size_t>(c))) marked.insert(c);
    return marked;
}

std::set<int> byTop(const SiteStats& stats, double value) {
    std::vector<int> order(static_cast<std::size_t>(stats.channels));
    std::iota(order.begin(), order.end(), 0);
    const auto count = static_cast<std::size_t>(std::min(value, static_cast<double>(stats.channels)));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](int a, int b) {
                          const float x = stats.absmax[static_cast<std::size_t>(a)],
                                      y = stats.absmax[static_cast<std::size_t>(b)];
                          return x != y ? x > y : a < b;
                      });
    return {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count)};
}

// The site's mean and deviation from its channels'. How many values a channel has (attention's keys differ)
// follows from its energy n (σ² + μ²); a channel of zeros alone has as many as there are tokens.
std::set<int> bySigma(const SiteStats& stats, double value) {
    Moments site;
    for (std::size_t c = 0; c < static_cast<std::size_t>(stats.channels); ++c) {
        if (!std::isfinite(stats.mean[c])) continue;
        const double square = stats.variance[c] + stats.mean[c] * stats.mean[c];
        Moments channel;
        channel.count = square > 0 ? std::round(stats.energy[c] / square) : static_cast<double>(stats.tokens);
        channel.mean = stats.mean[c];
        channel.m2 = stats.variance[c] * channel.count;
        site.merge(channel);
    }
    const double bar = value * std::sqrt(site.variance());
    return channelsWhere(stats, [&](std::size_t c) {
        if (!std::isfinite(stats.mean[c])) return false;
        return std::max(std::abs(static_cast<double>(stats.max[c]) - site.mean),
                        std::abs(static_cast<double>(stats.min[c]) - site.mean)) > bar;
    });
}

// A channel must reach the bar in enough layers; it is then marked in those layers where it does.
ChannelSets byMagnitude(const std::vector<SiteStats>& sites, double value) {
    std::map<Place, std::map<int, int>> layersOf; // place → channel → layers where it reaches the bar
    std::map<Place, int> layers;
    ChannelSets reached;
    for (const SiteStats& stats : sites) {
        if (stats.empty()) continue;
        if (stats.magnitudeBar != static_cast<float>(value))
            throw Error("the statistics counted values from |x| ≥ " + std::to_string(stats.magnitudeBar) +
                            ", not " + Criterion{Kind::magnitude, value}.text(),
                        stats.site.name(), "Observe again with this magnitude");
        ++layers[stats.site.place];
        reached[stats.site] =
            channelsWhere(stats, [&](std::size_t c) { return reaches(stats.shareAbove[c], tokenShare); });
        for (const int channel : reached[stats.site])
            ++layersOf[stats.site.place][channel];
    }
    for (auto& [site, channels] : reached) {
        const Place place = site.place; // clang before 16 lets no lambda see a structured binding
        std::erase_if(channels, [&](int channel) {
            return !reaches(static_cast<double>(layersOf[place][channel]) / layers[place], layerShare);
        });
    }
    return reached;
}

} // namespace

ChannelSets outlierChannels(const std::vector<SiteStats>& sites, const Criterion& criterion) {
    ChannelSets marked;
    if (criterion.kind == Kind::magnitude) marked = byMagnitude(sites, criterion.value);
    for (const SiteStats& stats : sites) {
        if (stats.empty()) continue;
        if (criterion.kind == Kind::ratio) {
            const double bar = criterion.value * median(stats.absmax);
            marked[stats.site] = channelsWhere(
                stats, [&](std::size_t c) { return static_cast<double>(stats.absmax[c]) > bar; });
        } else if (criterion.kind == Kind::top) {
            marked[stats.site] = byTop(stats, criterion.value);
        } else if (criterion.kind == Kind::sigma) {
            marked[stats.site] = bySigma(stats, criterion.value);
        }
    }
    std::erase_if(marked, [](const auto& entry) { return entry.second.empty(); });
    return marked;
}

ChannelSets firstTokenOnly(const Observation& observation, const Criterion& criterion) {
    ChannelSets marked = outlierChannels(observation.sites, criterion);
    const ChannelSets persistent = outlierChannels(observation.withoutFirstToken, criterion);
    for (auto& [site, channels] : marked)
        if (const auto found = persistent.find(site); found != persistent.end())
            std::erase_if(channels, [&](int channel) { return found->second.contains(channel); });
    std::erase_if(marked, [](const auto& entry) { return entry.second.empty(); });
    return marked;
}

} // namespace kurtoscope
