// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/first_look.h"

#include "app/window/choice.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kurtoscope {
namespace {

std::optional<Place> placeOfLongestRuns(const ChannelSets& kept) {
    std::map<Place, std::map<int, int>> layers; // that keep a channel
    for (const auto& [site, channels] : kept)
        for (const int channel : channels)
            ++layers[site.place][channel];
    std::optional<Place> best;
    std::pair<int, int> most{0, 0}; // layers of the longest run, then channels in all
    for (const auto& [place, counts] : layers) {
        std::pair<int, int> weight{0, 0};
        for (const auto& [channel, count] : counts)
            weight = {std::max(weight.first, count), weight.second + count};
        if (weight > most) best = place, most = weight;
    }
    return best;
}

} // namespace

int largestChannel(const SiteStats& stats) {
    if (stats.absmax.empty()) return -1;
    return static_cast<int>(std::ranges::max_element(stats.absmax) - stats.absmax.begin());
}

std::optional<FirstLook> firstLook(const std::vector<SiteStats>& sites, const ChannelSets& kept) {
    const auto place = placeOfLongestRuns(kept);
    const auto isCandidate = [&](const SiteStats& stats) {
        if (stats.empty()) return false;
        return place ? stats.site.place == *place && kept.contains(stats.site)
                     : isLinearInput(stats.site.place);
    };
    const SiteStats* best = nullptr;
    for (const auto& stats : sites)
        if (isCandidate(stats) && (!best || stats.maxToMedian > best->maxToMedian)) best = &stats;
    if (!best) {
        if (sites.empty()) return std::nullopt;
        return FirstLook{sites.front().site, largestChannel(sites.front())};
    }
    if (!place) return FirstLook{best->site, largestChannel(*best)};
    int channel = -1;
    for (const int candidate : kept.at(best->site)) {
        if (candidate < 0 || candidate >= best->channels) continue;
        const auto size = [best](int c) { return best->absmax[static_cast<std::size_t>(c)]; };
        if (channel < 0 || size(candidate) > size(channel)) channel = candidate;
    }
    return FirstLook{best->site, channel};
}

} // namespace kurtoscope
