// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/workbench.h"

#include <string>
#include <utility>
#include <vector>

namespace kurtoscope::commands {

// What one report says: gathered by the command, written out by reportPage().
struct ReportColumn {
    std::string name; // the recipe as it was asked for
    Recipe recipe;    // its kept channels resolved
    Observation observation;
    Reading reading;
};
struct Report {
    ModelInfo model;
    DataInfo data;
    std::vector<ReportColumn> columns;
    std::vector<std::pair<std::string, std::string>> settings; // name, value
};

std::string reportPage(const Report& report); // one HTML file that needs nothing else

} // namespace kurtoscope::commands
