// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/export_plan.h"
#include "core/export/export_format.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

inline constexpr const char* ownCheck = "kurtoscope";
inline constexpr const char* probeName = "kurtoscope_probe.safetensors"; // the simulation's answers
inline constexpr const char* answerName = "answer.";                     // a number follows
inline constexpr const char* byLibTorchName = "answer_by_libtorch.";     // by LibTorch's own operators

// What the model answers to one sequence under `arithmetic`, on the CPU: logits, else final hidden states.
at::Tensor answerTo(const std::vector<int>& ids, const ExportSubject& subject, c10::Device device,
                    const Arithmetic* arithmetic, const std::stop_token& stop);

// A few short sequences and what the recipe's simulation answers to each: logits, else final hidden states.
struct ExportProbe {
    std::vector<std::vector<int>> ids;
    std::vector<std::vector<std::int64_t>> shapes;
    std::vector<std::vector<float>> answers;
    // What the simulation answers by LibTorch's own operators to whole texts, calm or not; none where the
    // model is not on the CPU, or the export is an older one.
    std::vector<std::vector<int>> textIds;
    std::vector<std::vector<float>> byLibTorch;

    void write(ExportFolder& out) const;
};
ExportProbe makeProbe(const ExportSubject& subject, c10::Device device, std::uint64_t seed,
                      std::stop_token stop);
inline constexpr std::size_t longestProbe = 16;
// The text that is also compared layer by layer, where nothing depends on how calm it is.
std::vector<int> stepsIds(const ExportSubject& subject, std::uint64_t seed);

// Fills in the difference; infinite where an answer is missing, has another size or is not finite where the
// simulation's is.
void compare(const std::vector<std::vector<float>>& expected, const std::vector<std::vector<float>>& got,
             CheckResult& result);

// An export's report and probe, as they lie in its folder. Throws Error naming file and key.
struct ExportedFolder {
    std::filesystem::path path;
    std::vector<ExportCheck> checks;
    ExportProbe probe;
    std::filesystem::path steps; // the simulation's, layer by layer; empty where the export holds none
    static ExportedFolder open(const std::filesystem::path& folder);
};

// Runs verify_export.py with the interpreter `python` (a path, or a name to look for; "" for python3) and
// compares. A library that is missing skips the checks; throws Error where the script failed otherwise,
// Cancelled.
std::vector<CheckResult> runPython(const ExportedFolder& exported, const std::string& python,
                                   const std::vector<ExportCheck>& checks, std::stop_token stop);

// Adds results to the report, atomically; an earlier result of the same way goes.
void addChecks(const std::filesystem::path& report, const std::vector<CheckResult>& results);

} // namespace kurtoscope
