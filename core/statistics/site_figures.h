// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/channel_stats.h"
#include "core/statistics/moments.h"

#include <span>

namespace kurtoscope {

// The derived figures of a site, from its accumulators; `peaks` and `tokens` are left to the caller. A
// channel without a finite value has extremes 0 and moments NaN; skewness and kurtosis are also NaN where
// nothing varies (a screen draws a gap, JSON writes null).
KURTOSCOPE_API SiteStats siteFigures(Site site, const ChannelMoments& moments);

// Middle value; the mean of the two middle ones for an even number; NaN for none.
KURTOSCOPE_API double median(std::span<const float> values);

// Share of Σ energy in the ⌈1 %⌉ of channels that have most; 0 when there is no energy at all.
KURTOSCOPE_API double topPercentEnergy(std::span<const double> energy);

} // namespace kurtoscope
