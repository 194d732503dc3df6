// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/diagnostics.h"

#include <map>
#include <vector>

namespace kurtoscope {

// What a recipe's rounding does to every site and channel that it puts on a grid, the model around it in
// float32.
struct RoundingErrors {
    Recipe recipe;                // with its criterion resolved
    std::vector<SiteError> sites; // in forward order
    // Σ (x − x')² / Σ x² of each channel; NaN for a channel that is 0 throughout. Where a step at run time
    // mixes channels before rounding (a rotation), the mixed ones. attn_probs has no fixed channels.
    std::map<Site, std::vector<float>> noiseToSignal;
    int windows = 0;

    const SiteError* find(Site site) const {
        for (const SiteError& error : sites)
            if (error.site == site) return &error;
        return nullptr;
    }
};

} // namespace kurtoscope
