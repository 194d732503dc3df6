// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/published_study.h"

#include <string>
#include <utility>
#include <vector>

namespace kurtoscope::commands {

// Parts of a study's page as HTML.
std::string tableHtml(const std::vector<std::string>& titles,
                      const std::vector<std::vector<std::string>>& rows);
std::string claimHtml(const std::vector<StudyClaim>& claims);
std::string factHtml(const std::vector<std::pair<std::string, std::string>>& facts);

} // namespace kurtoscope::commands
