// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/data_request.h"
#include "core/data/recipe.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kurtoscope {

// A target of export for lists, forms and help. `source` says what loads it: "transformers, vLLM".
struct ExportFormatInfo : SchemeInfo {
    // It can only be written for a recipe made ready: ranges calibrated, weights rounded.
    bool needsArithmetic = true;
};

// A linear layer that the recipe quantizes, and where the target will put it.
struct ExportedModule {
    std::string name;      // as the target will name it: "model.layers.3.mlp.down_proj"
    std::string group;     // the target's: "group_0"; empty where it falls through, which is an error
    std::string treatment; // "int8 weights per output channel, int8 activations per tensor, static"
    int keptChannels = 0;  // left in high precision beside it
};

// What of the choice a target cannot carry, and the nearest thing that it does instead. Without one the
// export is refused.
struct ExportLimit {
    std::string what, nearest;
    bool isRefused() const { return nearest.empty(); }
};

// What is known before a byte is written.
struct ExportPlan {
    std::vector<ExportLimit> limits;
    std::vector<ExportedModule> modules;
    std::vector<std::string> left;  // linear layers that stay in floating point, by the target's names
    std::vector<std::string> notes; // what a reader has to know to load it rightly
    std::string loading;            // how to load it, in Markdown, for the folder's README
    std::string expectedDifference; // between what is loaded and the recipe's simulation, one sentence
    std::int64_t bytes = 0;         // of all files, estimated
};

// "compressed-tensors" or "compressed-tensors:key=value,key=value". Throws Error for another form; ids and
// values are checked against the registry by core.
KURTOSCOPE_API RecipePart exportFormatFromText(const std::string& text);

struct ExportRequest {
    Recipe recipe;
    RecipePart format;       // a target's id with its parameters
    std::string folder;      // to be made
    DataRequest calibration; // ranges and kept channels; its path empty where nothing asks for data
    bool force = false;      // replaces an export that lies in `folder`
};

struct ExportResult {
    ExportPlan plan;
    Recipe recipe; // with the channels that its criterion chose
    std::string folder;
    std::vector<std::string> files; // relative to the folder, sorted
    std::int64_t bytes = 0;
};

} // namespace kurtoscope
