// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/channel_sets.h"
#include "core/data/channel_stats.h"
#include "core/data/criterion.h"

#include <vector>

namespace kurtoscope {

// Channels that `criterion` marks at each of `sites` (those with none are left out). magnitude throws Error
// when the statistics were counted from another bar than M.
KURTOSCOPE_API ChannelSets outlierChannels(const std::vector<SiteStats>& sites, const Criterion& criterion);

// Of `marked`, those that are outliers only through the first token of a sequence: marked over all tokens and
// not without the first (massive activations, Sun et al. 2024). The rest are persistent channels.
KURTOSCOPE_API ChannelSets firstTokenOnly(const Observation& observation, const Criterion& criterion);

} // namespace kurtoscope
