// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"

#include <string>
#include <vector>

namespace kurtoscope {

// A linear layer with what calibration saw at its input.
struct LinearStatistics {
    const Linear* linear = nullptr;
    const SiteStats* input = nullptr;
    int kept = 0; // channels that the recipe leaves in high precision
};

// Heads are left out. `seen` must outlive what is returned.
std::vector<LinearStatistics> linearStatistics(const ExportSubject& subject, const Observation& seen);

// The name that llama.cpp gives a linear layer's weight: "blk.3.ffn_down.weight"; empty for one it has no
// name for.
std::string ggufName(const Linear& linear);

// Says in the plan that statistics need a text, where there is none.
void needText(const ExportSubject& subject, ExportPlan& plan);

// A file of numbers says nothing of the choice but which channels are kept.
inline constexpr const char* onlyNumbers = "none: these are the statistics that the window shows";

} // namespace kurtoscope
