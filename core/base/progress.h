// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace kurtoscope {

// How far a long job is. `total` 0 means unknown; `secondsLeft` < 0 means not yet estimated.
struct Progress {
    std::string phase; // "Loading weights", "Observing", …
    std::int64_t done = 0;
    std::int64_t total = 0;
    double secondsLeft = -1;
};

using OnProgress = std::function<void(const Progress&)>; // called on the thread that does the work

} // namespace kurtoscope
