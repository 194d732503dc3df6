// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/training_run.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view prefix = "step-";

// The step that a folder's name says; −1 for another name.
int stepOf(const std::string& name) {
    if (!name.starts_with(prefix)) return -1;
    int step = -1;
    const char* end = name.data() + name.size();
    const auto [last, code] = std::from_chars(name.data() + prefix.size(), end, step);
    return code == std::errc() && last == end && step >= 0 ? step : -1;
}

std::vector<TrainingRecord> readRecords(const fs::path& file) {
    std::vector<TrainingRecord> records;
    std::error_code code;
    if (!fs::exists(file, code)) return records;
    const std::string text = readFile(file);
    int line = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        ++line;
        const std::size_t end = text.find('\n', begin);
        if (end == std::string::npos) break; // it was being written
        records.push_back(TrainingRecord::fromJson(std::string_view(text).substr(begin, end - begin),
                                                   file.string() + ", line " + std::to_string(line)));
        begin = end + 1;
    }
    return records;
}

} // namespace

std::string checkpointName(int step) {
    char name[48];
    std::snprintf(name, sizeof name, "checkpoints/step-%06d", step);
    return name;
}

TrainingRun TrainingRun::read(const std::string& folder) {
    std::error_code code;
    if (!fs::is_directory(folder, code))
        throw Error("there is no such folder", folder, "Name a folder that `kurtoscope train --out` wrote");
    const fs::path spec = fs::path(folder) / "spec.json";
    if (!fs::exists(spec, code))
        throw Error("is no training run: it has no spec.json", folder,
                    "Name a folder that `kurtoscope train --out` wrote");
    TrainingRun run;
    run.path = folder;
    run.spec = TrainingSpec::fromJson(readFile(spec), spec.string());
    run.name = run.spec.name.empty() ? fs::weakly_canonical(folder, code).filename().string() : run.spec.name;
    run.records = readRecords(fs::path(folder) / "metrics.jsonl");
    for (fs::directory_iterator entry(fs::path(folder) / "checkpoints", code), end; !code && entry != end;
         entry.increment(code))
        if (const int step = stepOf(entry->path().filename().string()); step >= 0)
            run.checkpoints.emplace_back(step, entry->path().string());
    std::sort(run.checkpoints.begin(), run.checkpoints.end());
    run.finished = !run.checkpoints.empty() && run.checkpoints.back().first == run.spec.steps;
    return run;
}

} // namespace kurtoscope
