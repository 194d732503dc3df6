// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/channel_stats.h"
#include "core/statistics/outliers.h"

#include <optional>
#include <vector>

namespace kurtoscope {

// What a newcomer's eye is led to.
struct FirstLook {
    Site site;
    int channel = -1;

    bool operator==(const FirstLook&) const = default;
};

// The Place where one of the `kept` channels runs through most layers: a line down the map says more than
// many scattered marks. Where runs are equally long, the Place with most kept channels. There the layer with
// the largest max-to-median ratio, and its largest kept channel. Without kept channels, the linear input with
// the largest ratio. Empty when nothing was observed.
std::optional<FirstLook> firstLook(const std::vector<SiteStats>& sites, const ChannelSets& kept);

// The channel with the largest absmax; −1 where there is none.
int largestChannel(const SiteStats& stats);

} // namespace kurtoscope
