// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/site.h"

#include <cstddef>
#include <map>
#include <set>

namespace kurtoscope {

using ChannelSets = std::map<Site, std::set<int>>;

inline std::size_t channelCount(const ChannelSets& sets) {
    std::size_t count = 0;
    for (const auto& [site, channels] : sets)
        count += channels.size();
    return count;
}

} // namespace kurtoscope
