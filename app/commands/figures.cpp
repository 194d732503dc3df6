// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/figures.h"

#include "core/data/stored_recipe.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace kurtoscope::commands {
namespace {

std::string formatted(const char* format, double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), format, digits, value);
    return text.data();
}

std::string scaled(double value, const char* const (&units)[5]) {
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < std::size(units); ++unit)
        value /= 1000;
    return (unit == 0 ? formatted("%.*f", value, 0) : formatted("%.*f", value, value < 99.5 ? 1 : 0)) +
           units[unit];
}

std::string grouped(std::size_t count) { // "149,760"
    std::string digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3;)
        digits.insert(at -= 3, 1, ',');
    return digits;
}

std::string differenceText(const Reading& reading) {
    if (reading.difference == 0) return "0";
    return (reading.difference > 0 ? "+" : "−") + figure(std::abs(reading.difference), 3) + " ± " +
           figure(reading.differenceError, 2);
}

} // namespace

std::string figure(double value, int significant) {
    if (std::isnan(value)) return "–";
    if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
    const double size = std::abs(value);
    if (size >= 1e7 || (size > 0 && size < 1e-4)) return formatted("%.*e", value, significant - 1);
    if (size == 0) return "0";
    // As many digits as wanted, wherever the first one stands.
    const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
    return formatted("%.*f", value, std::max(0, significant - before));
}

std::string figure(const std::optional<double>& value, int significant) {
    return value ? figure(*value, significant) : "–";
}

std::string percent(const std::optional<double>& share, int decimals) {
    return share && std::isfinite(*share) ? formatted("%.*f", *share * 100, decimals) + " %" : "–";
}

std::string byteText(std::int64_t bytes) {
    return scaled(static_cast<double>(bytes), {" B", " kB", " MB", " GB", " TB"});
}

std::string countText(std::int64_t count) {
    return scaled(static_cast<double>(count), {"", " k", " M", " G", " T"});
}

std::string modelSummary(const ModelInfo& model) {
    const std::string recipe = storedRecipeText(model);
    return model.architectureTitle + " · " + std::to_string(model.layers) + " layers × " +
           std::to_string(model.hidden) + " · " + countText(model.parameters) + " parameters · stored as " +
           model.storedPrecision + (recipe.empty() ? "" : " · nearest recipe " + recipe);
}

ReadingCells readingCells(const std::vector<std::string>& names, const std::vector<Reading>& readings) {
    ReadingCells cells;
    const std::string metric = readings.empty() ? "score" : readings.front().metric;
    cells.titles = {"recipe",        metric + " ± error", "vs FP32",  "KL (nats)", "same top 1",
                    "SQNR (dB)",     "latency p50 (ms)",  "p99 (ms)", "weights",   "bits",
                    "kept channels", "arithmetic"};
    for (std::size_t i = 0; i < readings.size(); ++i) {
        const Reading& r = readings[i];
        cells.rows.push_back(
            {names[i], figure(r.score) + " ± " + figure(r.standardError, 2), differenceText(r),
             figure(r.klMean, 3), percent(r.top1Agreement), figure(r.sqnrDb, 3), figure(r.latencyP50Ms, 3),
             figure(r.latencyP99Ms, 3), byteText(r.weightBytes), figure(r.effectiveBits, 3),
             r.keptChannels == 0 ? "–" : grouped(r.keptChannels) + " of " + grouped(r.keptOf),
             std::string(kernelTagName(r.kernels))});
        const bool better = (r.difference < 0) == r.lowerIsBetter;
        cells.verdicts.push_back(!r.differs() ? 0 : better ? 1 : -1);
    }
    return cells;
}

Table readingTable(const ReadingCells& cells) {
    std::vector<Table::Column> columns;
    for (const auto& title : cells.titles)
        columns.push_back({title, !columns.empty()});
    columns.back().figures = false;
    Table table(std::move(columns));
    for (const auto& row : cells.rows)
        table.add(row);
    return table;
}

} // namespace kurtoscope::commands
