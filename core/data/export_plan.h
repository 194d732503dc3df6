// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/data_request.h"
#include "core/data/recipe.h"

#include <cmath>
#include <cstdint>
#include <optional>
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

// A way to run an export that must answer as the recipe's simulation does: "kurtoscope" (opened again), or
// one of those that verify_export.py knows. `tolerance` is of the difference's size, relative to the
// answers'; ∞ where the target carries less than the recipe, so that the difference is told and not judged.
struct ExportCheck {
    std::string way;
    double tolerance = 1e-5;
};

// One text layer by layer: every quantized linear layer is given the simulation's own input, so that no value
// is rounded to another level because a sum before it was taken in another order.
struct StepsResult {
    double difference = 0; // the largest ‖theirs − simulation‖ / ‖simulation‖ of a layer's own input, of what
    std::string where;        // it makes of the simulation's, and of the answer; and whose it is
    std::int64_t tensors = 0; // that were compared
    // Of the values that are rounded before these layers: those that their own input, which differs in its
    // last bits, takes to another level. 0 of 0 where it was not counted.
    std::int64_t tipped = 0, rounded = 0;
};

// What such a check found: ‖answers − simulation‖ / ‖simulation‖, and the largest single difference.
struct CheckResult {
    ExportCheck check;
    std::string versions; // "kurtoscope 0.1.0", "torch 2.11.0, transformers 5.23.0"
    std::string skipped;  // why it did not run; empty where it did
    double difference = 0, largest = 0;
    std::optional<StepsResult> steps; // where it was run layer by layer too
    // The first of them against the simulation by LibTorch's own operators, where the software runs on
    // LibTorch: then sums are in the same order, and no last bit takes a value to another level.
    std::optional<double> byLibTorch = std::nullopt;
    bool ran() const { return skipped.empty(); }
    // Run freely, a deep model's answers are those of the simulation only where sums are in the same order,
    // or no value lies at the middle between two levels; layer by layer they must be in any case.
    bool passedFreely() const {
        return difference <= check.tolerance || (byLibTorch && *byLibTorch <= check.tolerance);
    }
    bool passed() const {
        return ran() && std::isfinite(difference) &&
               (passedFreely() || (steps && steps->difference <= check.tolerance));
    }
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
    // What proves it afterwards, and what the checking script needs to know beside the ids, as a JSON object.
    std::vector<ExportCheck> checks;
    std::string checkWords = "{}";
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
    std::vector<std::string> files;  // relative to the folder, sorted
    std::vector<CheckResult> checks; // those that could be made at once
    std::int64_t bytes = 0;
};

} // namespace kurtoscope
