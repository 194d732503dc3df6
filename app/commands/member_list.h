// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/json_output.h"
#include "core/data/recipe.h"

namespace kurtoscope::commands {

// A scheme or an export format with what it can be told, for those who program and those who read.
Json memberJson(const SchemeInfo& member);
void printMember(std::ostream& out, const SchemeInfo& member);

} // namespace kurtoscope::commands
