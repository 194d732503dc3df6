// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/reading.h"

#include <string>
#include <vector>

namespace kurtoscope {

struct GridRequest {
    std::vector<int> weights{16, 8, 4, 3}, activations{16, 8, 4};
    bool gptq = false;    // weights by GPTQ, not to nearest levels
    int windows = 32;     // evaluated
    int calibration = 16; // windows that static ranges and GPTQ take
    std::string data;     // another text; empty: what the run held out

    GridRequest solved() const { // the same with GPTQ, where there is something to solve
        GridRequest other = *this;
        other.gptq = true;
        std::erase(other.weights, 16);
        return other;
    }
};

struct GridCell {
    int weightBits = 16, activationBits = 16;
    std::string recipe;
    Reading reading;
};

// What a trained model is worth at each width. Learned clipping values where the run has them, ranges from
// calibration where it has none.
struct PrecisionGrid {
    std::string run, data;
    int step = 0;
    bool gptq = false, learnedRanges = false;
    std::vector<GridCell> cells; // weights outer, activations inner

    const GridCell* find(int weightBits, int activationBits) const {
        for (const GridCell& cell : cells)
            if (cell.weightBits == weightBits && cell.activationBits == activationBits) return &cell;
        return nullptr;
    }
};

} // namespace kurtoscope
