// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace kurtoscope {

// Patterns in the form that compressed-tensors matches module names with ("re:" and a regular expression,
// matched from the name's beginning): all of `members` and none of the other `names`. Layers are gathered:
// one pattern for each module of a block. They fit whatever prefix the loading class puts in front ("bert.",
// "model.").
std::vector<std::string> modulePatterns(const std::vector<std::string>& members,
                                        const std::vector<std::string>& names);

// Whether a target matches a module as the loader does it: an exact name, or "re:…" from the beginning.
bool targetMatches(const std::string& target, const std::string& module);

void checkTarget(const std::string& target, const std::string& where); // throws Error for what is no pattern

// Which of several lists of targets a module lands in: −1 for none. An exact name goes before a pattern; of
// equals the first stands.
int landsIn(const std::string& module, const std::vector<std::vector<std::string>>& targets);

} // namespace kurtoscope
