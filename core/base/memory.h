// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstddef>
#include <cstdint>

namespace kurtoscope {

// What the machine, or the control group this program runs in, could still give; the cache of files counts as
// free.
KURTOSCOPE_API std::int64_t availableBytes();
KURTOSCOPE_API std::int64_t residentBytes();     // of this program, now
KURTOSCOPE_API std::int64_t peakResidentBytes(); // at most since it began or since forgetPeak()
KURTOSCOPE_API bool forgetPeak();                // false: the kernel does not let us

} // namespace kurtoscope
