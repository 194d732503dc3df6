// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/terminal.h"
#include "core/data/model_info.h"
#include "core/data/reading.h"

#include <optional>
#include <string>
#include <vector>

namespace kurtoscope::commands {

// How figures read, on the terminal and in the report alike. What is absent is "–", never 0.
std::string figure(double value, int significant = 4);
std::string figure(const std::optional<double>& value, int significant = 4);
std::string percent(const std::optional<double>& share, int decimals = 1); // 0.5 → "50.0 %"
std::string byteText(std::int64_t bytes);                                  // "134.5 MB"
std::string countText(std::int64_t count);                                 // "134.5 M"
std::string
modelSummary(const ModelInfo& model); // "LLaMA · 30 layers × 576 · 134.5 M parameters · stored as Q4_1"

// The comparison of recipes as text: one row per reading, one title per column. Titles carry their unit.
struct ReadingCells {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> rows;
    static constexpr std::size_t differenceColumn = 2;
    std::vector<int> verdicts; // per row: 1 better than FP32 beyond the error, −1 worse, 0 neither
};
ReadingCells readingCells(const std::vector<std::string>& names, const std::vector<Reading>& readings);
Table readingTable(const ReadingCells& cells);

} // namespace kurtoscope::commands
