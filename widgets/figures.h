// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/channel_stats.h"
#include "widgets/export.h"

#include <QString>

namespace kurtoscope {

// Numbers as a person reads them, the same everywhere in the window. A true minus sign, no locale surprises.
KURTOSCOPE_WIDGETS_API QString figure(double value,
                                      int digits = 3); // "11.6", "428", "23.5k", "∞", "–" for NaN
KURTOSCOPE_WIDGETS_API QString fixed(double value, int decimals);       // "33.22", "−0.02"
KURTOSCOPE_WIDGETS_API QString signedFixed(double value, int decimals); // "+1.39", "−0.02", "0.00"
KURTOSCOPE_WIDGETS_API QString grouped(std::int64_t value);             // "149,760"
KURTOSCOPE_WIDGETS_API QString percent(double share, int decimals = 0); // "88 %"
KURTOSCOPE_WIDGETS_API QString bytes(std::int64_t count);  // "269 MB" (decimal, as files are sold)
KURTOSCOPE_WIDGETS_API QString placeText(Place place);     // "attn_input"
KURTOSCOPE_WIDGETS_API QString siteText(const Site& site); // "layers.12.attn_input"

// A token as a word on screen: its blank marks dropped, an empty one shown as "␣", a line end as "⏎".
KURTOSCOPE_WIDGETS_API QString tokenText(const std::string& token);

// How far a site is from harmless, 0 to 3: the worse of its kurtosis (10, 50, 500) and of its largest channel
// against the median one (6, 20, 100). A rule of thumb for a coloured dot, nothing is computed from it.
KURTOSCOPE_WIDGETS_API int severity(const SiteStats& stats);

// What a statistic is, in one or two lines with its formula, for tooltips.
KURTOSCOPE_WIDGETS_API QString kurtosisHelp();
KURTOSCOPE_WIDGETS_API QString energyHelp();
KURTOSCOPE_WIDGETS_API QString ratioHelp();
KURTOSCOPE_WIDGETS_API QString absmaxHelp();

} // namespace kurtoscope
