// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/training_progress.h"
#include "core/data/training_spec.h"

#include <string>
#include <utility>
#include <vector>

namespace kurtoscope {

// A folder that training wrote: spec.json, metrics.jsonl, and checkpoints as model folders, each named by its
// step.
struct TrainingRun {
    std::string path, name; // name: the spec's, or the folder's where it has none
    TrainingSpec spec;
    std::vector<TrainingRecord> records;                  // in order of steps
    std::vector<std::pair<int, std::string>> checkpoints; // step and folder, in order
    bool finished = false;                                // the last checkpoint is the last step's

    // Throws Error: no such folder, no spec.json, a damaged one. A last line that was not written to its end
    // is left out.
    KURTOSCOPE_API static TrainingRun read(const std::string& folder);
};

// Names inside a run's folder.
KURTOSCOPE_API std::string checkpointName(int step); // "checkpoints/step-000200"

} // namespace kurtoscope
