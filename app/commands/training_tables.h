// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/json_output.h"
#include "app/commands/terminal.h"
#include "core/data/emergence.h"
#include "core/data/precision_grid.h"
#include "core/data/training_run.h"

#include <string>
#include <vector>

namespace kurtoscope::commands {

// How training reads on the terminal and in a report.
std::string stepLine(const TrainingRecord& record);         // one record in one line
std::string cellName(const PrecisionGrid& grid, const GridCell& cell); // "W4A8 GPTQ"

// One row for each run and width of weights, one column for each width of activations, perplexities ± their
// standard errors.
Table gridTable(const std::vector<PrecisionGrid>& grids);
Json gridJson(const PrecisionGrid& grid);
// At each checkpoint the outlier channels, and the largest kurtosis and ratio over all sites.
Table emergenceTable(const std::vector<Emergence>& runs);
Json emergenceJson(const Emergence& run);

} // namespace kurtoscope::commands
