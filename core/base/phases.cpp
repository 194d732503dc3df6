// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/phases.h"

namespace kurtoscope {

PhaseClock*& PhaseClock::listening() {
    static thread_local PhaseClock* clock = nullptr;
    return clock;
}

} // namespace kurtoscope
