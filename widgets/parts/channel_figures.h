// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"
#include "widgets/parts/fact_list.h"
#include "widgets/parts/token_strip.h"
#include "widgets/plot/histogram_plot.h"
#include "widgets/workspace.h"

namespace kurtoscope {

// What the channel panel says of one channel, computed from plain values so that tests need no window.

// The channel's values (front) and all others' of the site (back). Rows are thinned evenly above about four
// million values; `every` says to which (every nth token). Where a few massive values would press all others
// into one bin, the bins end at four times the site's 99.9th percentile of |x| (or where the channel's own
// bulk does) and the rest is counted as beyond.
struct ChannelHistogram {
    ValueCounts histogram;
    int every = 1;
    std::size_t notFinite = 0; // left out
    float furthest = 0;        // the value beyond the bins that is largest in size; 0: none
};
KURTOSCOPE_WIDGETS_API ChannelHistogram channelHistogram(const SiteSample& sample, int channel, int bins);

KURTOSCOPE_WIDGETS_API std::vector<FactList::Fact> channelFacts(const SiteStats& stats, int channel);

// Up to `most` tokens in running order, around the largest |x| of the channel (or around `token` when ≥ 0).
KURTOSCOPE_WIDGETS_API std::vector<TokenStrip::Entry> tokensAround(const SiteSample& sample, int channel,
                                                                   int token, int most);

} // namespace kurtoscope
