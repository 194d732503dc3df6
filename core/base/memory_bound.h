// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>

namespace kurtoscope {

// How much memory float32 weights may take before further ones lie in temporary files; half of the machine's
// where nobody said. One for the process, any thread.
KURTOSCOPE_API std::int64_t memoryBound();
KURTOSCOPE_API void setMemoryBound(std::int64_t bytes); // 0: half of the machine's again

} // namespace kurtoscope
