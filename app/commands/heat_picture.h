// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/png.h"
#include "core/data/channel_stats.h"
#include "core/data/recipe.h"

#include <string>
#include <vector>

namespace kurtoscope::commands {

// Layer × channel of one Place as a picture: largest magnitude on a logarithmic scale, wide tensors pooled by
// maximum, kept channels outlined in orange.
struct HeatPicture {
    Picture picture{1, 1};
    double low = 0, high = 0;                 // magnitudes at the two ends of the colours
    int layers = 0, channels = 0, pooled = 1; // channels per column of pixels
    int kept = 0;
};
// `sites` are those of one Place with equal numbers of channels, by layer.
HeatPicture drawHeatPicture(const std::vector<const SiteStats*>& sites, const Recipe* keeping);

Colour viridis(double share);  // 0…1
std::string viridisGradient(); // as a CSS gradient, for the colour bar

} // namespace kurtoscope::commands
