// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/training_tables.h"

#include "app/commands/figures.h"

#include <algorithm>

namespace kurtoscope::commands {

std::string cellName(const PrecisionGrid& grid, const GridCell& cell) {
    return "W" + std::to_string(cell.weightBits) + "A" + std::to_string(cell.activationBits) +
           (cell.weightBits == 16 ? "" : grid.gptq ? " GPTQ" : " RTN");
}

std::string stepLine(const TrainingRecord& record) {
    std::string line = "step " + std::to_string(record.step) + "/" + std::to_string(record.steps) +
                       "  loss " + figure(record.loss) + "  rate " + figure(record.learningRate, 3) +
                       "  |g| " + figure(record.gradientNorm, 3) + "  " +
                       countText(static_cast<std::int64_t>(record.tokensPerSecond)) + " tokens/s";
    if (record.penalty != 0) line += "  penalty " + figure(record.penalty, 3);
    if (record.validationLoss) {
        line += "  validation " + figure(*record.validationLoss);
        if (record.validationError) line += " ± " + figure(*record.validationError, 2);
        if (record.validationScore) line += ", score " + figure(*record.validationScore);
    }
    if (!record.checkpoint.empty()) line += "  → " + record.checkpoint;
    if (!record.event.empty()) line += "\n  " + record.event;
    return line;
}

Table gridTable(const std::vector<PrecisionGrid>& grids) {
    std::vector<int> activations;
    for (const PrecisionGrid& grid : grids)
        for (const GridCell& cell : grid.cells)
            if (std::find(activations.begin(), activations.end(), cell.activationBits) == activations.end())
                activations.push_back(cell.activationBits);
    std::vector<Table::Column> columns{{"run", false}, {"weights", false}};
    for (const int bits : activations)
        columns.push_back({"A" + std::to_string(bits)});
    Table table(std::move(columns));
    for (const PrecisionGrid& grid : grids) {
        std::vector<int> weights;
        for (const GridCell& cell : grid.cells)
            if (std::find(weights.begin(), weights.end(), cell.weightBits) == weights.end())
                weights.push_back(cell.weightBits);
        for (const int bits : weights) {
            std::vector<std::string> row{grid.run, "W" + std::to_string(bits) +
                                                       (bits < 16 ? grid.gptq ? " GPTQ" : " RTN" : "")};
            for (const int activationBits : activations) {
                const GridCell* cell = grid.find(bits, activationBits);
                row.push_back(cell ? figure(cell->reading.score) + " ± " +
                                         figure(cell->reading.standardError, 2)
                                   : "–");
            }
            table.add(std::move(row));
        }
    }
    return table;
}

Json gridJson(const PrecisionGrid& grid) {
    Json cells = Json::array();
    for (const GridCell& cell : grid.cells)
        cells.push_back({{"weight_bits", cell.weightBits},
                         {"activation_bits", cell.activationBits},
                         {"recipe", cell.recipe},
                         {"perplexity", number(cell.reading.score)},
                         {"stderr", number(cell.reading.standardError)},
                         {"difference", number(cell.reading.difference)},
                         {"difference_stderr", number(cell.reading.differenceError)},
                         {"kernels", kernelTagName(cell.reading.kernels)}});
    return {{"run", grid.run},
            {"step", grid.step},
            {"data", grid.data},
            {"weights", grid.gptq ? "gptq" : "rtn"},
            {"learned_ranges", grid.learnedRanges},
            {"cells", cells}};
}

Table emergenceTable(const std::vector<Emergence>& runs) {
    Table table({{"run", false},
                 {"step"},
                 {"outlier channels"},
                 {"kurtosis, largest"},
                 {"max/median, largest"},
                 {"weight kurtosis, largest"},
                 {"RTN-4 weight error"}});
    for (const Emergence& run : runs)
        for (const EmergenceStep& step : run.steps) {
            const EmergenceTotals all = totals(step);
            table.add({run.run, std::to_string(step.step), std::to_string(all.outliers), figure(all.kurtosis),
                       figure(all.maxToMedian, 3), figure(all.weightKurtosis, 3),
                       figure(all.weightError, 3)});
        }
    return table;
}

Json emergenceJson(const Emergence& run) {
    Json steps = Json::array();
    for (const EmergenceStep& step : run.steps) {
        Json sites = Json::array();
        for (const EmergenceSite& site : step.sites)
            sites.push_back({{"site", site.site.name()},
                             {"outliers", site.outliers},
                             {"kurtosis", number(site.kurtosis)},
                             {"max_to_median", number(site.maxToMedian)},
                             {"output_kurtosis", number(site.outputKurtosis)},
                             {"weight_kurtosis", number(site.weightKurtosis)},
                             {"weight_error", number(site.weightError)},
                             {"magnitude", numbers(site.magnitude)}});
        steps.push_back({{"step", step.step}, {"sites", sites}});
    }
    return {{"run", run.run}, {"windows", run.windows}, {"length", run.length}, {"steps", steps}};
}

} // namespace kurtoscope::commands
