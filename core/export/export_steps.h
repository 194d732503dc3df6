// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/export_plan.h"
#include "core/export/export_format.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

inline constexpr const char* stepsName = "kurtoscope_steps.safetensors";

// One text as the simulation computes it: what each quantized linear layer reads before it is rounded, what
// it makes of it, and the answer. Given the same inputs, other software must make the same of them.
struct ExportSteps {
    struct Values {
        std::vector<std::int64_t> shape;
        std::vector<float> values;
    };
    std::vector<int> ids;
    std::map<std::string, std::string> reads; // a layer, and the site that it reads
    std::map<std::string, Values> tensors;    // "read.SITE", "made.LAYER", "answer"

    void write(ExportFolder& out) const;
    nlohmann::ordered_json json() const; // all but the tensors
};

// Runs `ids` under the recipe. Throws Error, Cancelled.
ExportSteps makeSteps(const ExportSubject& subject, const std::vector<ExportedModule>& modules,
                      const std::vector<int>& ids, c10::Device device, std::stop_token stop);
// Of files about what to expect; tokens of `ids` are at most so many.
std::int64_t stepsBytes(const ExportSubject& subject, const std::vector<ExportedModule>& modules,
                        std::size_t tokens);

// Two such files: what an export holds, and what other software made of it. A tensor that is missing there,
// or has another size, differs by ∞.
StepsResult compareSteps(const std::filesystem::path& expected, const std::filesystem::path& got);

} // namespace kurtoscope
