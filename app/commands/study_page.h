// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/outlier_study.h"
#include "core/workbench.h"

#include <string>
#include <utility>
#include <vector>

namespace kurtoscope::commands {

struct Study {
    ModelInfo model;
    DataInfo data;
    std::vector<StudyRow> rows;
    std::vector<Reading> readings;
    std::vector<int> groups; // numbers of embedding groups, those of the rows
    std::vector<StudyClaim> claims;
    Observation plain; // under FP32
    std::vector<std::pair<std::string, std::string>> settings;
};

// The study's table beside the published one: titles, then rows of text.
std::vector<std::string> studyTitles(const Study& study);
std::vector<std::vector<std::string>> studyCells(const Study& study);

std::string studyPage(const Study& study); // one HTML file that needs nothing else

} // namespace kurtoscope::commands
