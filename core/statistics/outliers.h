// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/channel_sets.h"
#include "core/data/channel_stats.h"

#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

// A stated rule for which channels count as outliers. Text form "ratio:20", "top:4", "magnitude:6",
// "sigma:6"; "auto" is ratio:20. ratio: absmax > R × the site's median channel absmax. top: the K largest
// absmax of each site. sigma: absmax > S standard deviations of the site's values from their mean. magnitude:
// |x| ≥ M in ≥ 6 % of tokens of at least 25 % of the layers that have that Place (Dettmers et al. 2022,
// LLM.int8()).
struct Criterion {
    enum class Kind : unsigned char { ratio, top, magnitude, sigma } kind = Kind::ratio;
    double value = 20;

    KURTOSCOPE_API static Criterion parse(std::string_view text); // throws Error naming the kinds there are
    KURTOSCOPE_API std::string text() const;
};

// Channels that `criterion` marks at each of `sites` (those with none are left out). magnitude throws Error
// when the statistics were counted from another bar than M.
KURTOSCOPE_API ChannelSets outlierChannels(const std::vector<SiteStats>& sites, const Criterion& criterion);

// Of `marked`, those that are outliers only through the first token of a sequence: marked over all tokens and
// not without the first (massive activations, Sun et al. 2024). The rest are persistent channels.
KURTOSCOPE_API ChannelSets firstTokenOnly(const Observation& observation, const Criterion& criterion);

} // namespace kurtoscope
