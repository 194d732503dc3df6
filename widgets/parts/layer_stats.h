// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/workspace.h"

#include <vector>

namespace kurtoscope {

// What was observed of a Place in each layer, null where nothing was; in one pass, since a deep model has a
// thousand sites, and a search for each layer would read them as often.
inline std::vector<const SiteStats*> layerStats(const Workspace& workspace, Place place) {
    std::vector<const SiteStats*> layers(
        static_cast<std::size_t>(workspace.model ? workspace.model->layers : 0));
    const Observation* seen = workspace.baseline();
    if (!seen) return layers;
    for (const SiteStats& stats : workspace.skipFirstToken ? seen->withoutFirstToken : seen->sites)
        if (stats.site.place == place && stats.site.layer >= 0 && !stats.empty() &&
            stats.site.layer < static_cast<int>(layers.size()))
            layers[static_cast<std::size_t>(stats.site.layer)] = &stats;
    return layers;
}

} // namespace kurtoscope
