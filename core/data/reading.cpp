// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/reading.h"

namespace kurtoscope {

std::string_view kernelTagName(KernelTag tag) {
    switch (tag) {
    case KernelTag::floating:
        return "float";
    case KernelTag::simulated:
        return "simulated";
    case KernelTag::integer:
        return "integer";
    }
    return "";
}

std::optional<ScoreDifference> differenceBetween(const Reading& a, const Reading& b) {
    if (a.windowsDone != b.windowsDone || a.windowsTotal != b.windowsTotal || a.metric != b.metric)
        return std::nullopt;
    ScoreDifference found{a.score - b.score, a.differenceError + b.differenceError, false};
    if (a.pulls.empty() || a.pulls.size() != b.pulls.size()) return found;
    double squares = 0;
    for (std::size_t i = 0; i < a.pulls.size(); ++i)
        squares += (a.pulls[i] - b.pulls[i]) * (a.pulls[i] - b.pulls[i]);
    found.error = std::sqrt(squares);
    found.paired = true;
    return found;
}

} // namespace kurtoscope
