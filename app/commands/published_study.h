// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/command.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kurtoscope::commands {

// A published study that `reproduce` runs: declares its own options, measures, and sets what it finds beside
// what was published. One file each in studies/, registered on its last line.
class PublishedStudy : public Command {};

// What a paper says, its figures, and ours in words with figures. Each is judged by a rule with its bar in
// the code.
struct StudyClaim {
    std::string claim;
    std::string published;
    std::string measured;
    bool holds = false;
};

} // namespace kurtoscope::commands

namespace kurtoscope {

template <>
Registry<commands::PublishedStudy>& Registry<commands::PublishedStudy>::instance();

} // namespace kurtoscope
