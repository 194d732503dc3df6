// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>

namespace kurtoscope {

// An option of `kurtoscope [MODEL] …`: what the window reads and both helps list. Without Qt, for a build
// without it.
struct WindowOption {
    const char *name, *value, *byDefault, *help;
};

inline constexpr std::array<WindowOption, 11> windowOptions{{
    {"data", "FILE", "", "text (.txt) or table (.tsv, .csv) to run over; default: a short text of its own"},
    {"windows", "N", "0", "windows to run; 0: 8 of a text, every row of a table"},
    {"length", "TOKENS", "256", "tokens per window"},
    {"device", "D", "auto", "auto, cpu or cuda"},
    {"threads", "N", "0", "threads on the CPU; 0: one per physical core"},
    {"state-memory", "MIB", "",
     "MiB for hidden states, kept so that a click runs only what comes after it; default: 1024, or a quarter "
     "of what "
     "is free"},
    {"seed", "N", "1", "order of the windows"},
    {"theme", "THEME", "", "light, dark or system; default: as remembered"},
    {"recipe", "R", "", "a column beside FP32: scheme[:key=value,…] or a recipe file; may be repeated"},
    {"screenshot", "FILE.png", "", "save the window once every result stands, and leave"},
    {"size", "WxH", "", "size of the window in pixels"},
}};

} // namespace kurtoscope
