// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/channel_stats.h"
#include "core/data/diagnostics.h"
#include "core/data/recipe.h"

#include <set>
#include <vector>

namespace kurtoscope {

// What a path is drawn from: a site's channel magnitudes, and how noisy its readers' outputs are with no
// channel kept.
struct KeepCandidate {
    Site site;
    std::vector<float> absmax; // per channel, from calibration
    double noiseToSignal = 0;  // of the outputs, linear
};

// Channels in the order in which keeping them takes most predicted noise away per channel. Rounding noise
// goes with the square of the range, and the range with the largest channel not kept; where two of a site are
// equally large, they are taken together. Pinned channels come first, banned ones never.
struct KeepPath {
    struct Choice {
        Site site;
        int channel = 0;
        double predicted = 0; // noise left after it, relative to the noise with none kept
    };
    std::vector<Choice> choices;

    KURTOSCOPE_API std::map<Site, std::set<int>> first(std::size_t count) const; // the first choices as sets
};

// At most `most` choices. Deterministic.
KURTOSCOPE_API KeepPath keepPath(const std::vector<KeepCandidate>& candidates, const KeepGoal& goal, std::size_t most);

} // namespace kurtoscope
