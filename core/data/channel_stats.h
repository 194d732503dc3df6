// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/site.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kurtoscope {

// A token that holds one of a site's largest magnitudes.
struct TokenPeak {
    float absmax = 0;
    int channel = 0;
    int window = 0;    // index in the data's window order
    int position = 0;  // in the window, from 0
    std::string text;  // the token as a person reads it
};

// Statistics of one site over all counted tokens (padding and, when asked, first tokens left out). Per-channel vectors
// have `channels` entries. Non-finite values are counted in `nonfinite` and enter nothing else.
struct SiteStats {
    Site site;
    int channels = 0;
    std::int64_t tokens = 0;    // rows seen
    std::int64_t nonfinite = 0; // NaN and ±∞ values seen

    std::vector<float> min, max, absmax;
    std::vector<double> mean, variance, skewness, kurtosis; // population moments; kurtosis is Pearson's (Gaussian 3)
    std::vector<double> energy;                             // Σ x² over tokens
    std::vector<double> shareAbove; // share (0…1) of tokens with |x| ≥ magnitudeBar
    float magnitudeBar = 6;         // LLM.int8's threshold unless another was asked for

    double siteKurtosis = 0;   // Pearson's, over all values of the site
    float siteAbsmax = 0;
    double top1pctEnergy = 0;  // share (0…1) of Σ x² in the ⌈1 %⌉ of channels with most energy
    double maxToMedian = 0;    // largest channel absmax / median channel absmax
    std::vector<TokenPeak> peaks; // largest first, at most one per token

    bool empty() const { return tokens == 0; }
};

// One pass over data: every tapped site's statistics, over all tokens and without the first token of each sequence
// (massive first-token activations and persistent channels are told apart by comparing the two).
struct Observation {
    std::vector<SiteStats> sites;             // in forward order
    std::vector<SiteStats> withoutFirstToken; // the same sites
    std::int64_t tokens = 0;
    int windows = 0, windowsTotal = 0; // progressive: the pass is complete when equal
    std::string dataName;
    double seconds = 0;

    const SiteStats* find(Site site, bool skipFirstToken = false) const {
        for (const auto& stats : skipFirstToken ? withoutFirstToken : sites)
            if (stats.site == site) return &stats;
        return nullptr;
    }
};

// The values of one site over some text, kept whole: a histogram, a token × channel map and values along the text come
// from it. values[token * channels + channel].
struct SiteSample {
    Site site;
    int channels = 0;
    std::vector<std::string> tokens; // as a person reads them
    std::vector<float> values;
    int rows() const { return static_cast<int>(tokens.size()); }
    float at(int token, int channel) const {
        return values[static_cast<std::size_t>(token) * static_cast<std::size_t>(channels) +
                      static_cast<std::size_t>(channel)];
    }
};

} // namespace kurtoscope
