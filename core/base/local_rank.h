// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

namespace kurtoscope {

// Which of the processes that torchrun, mpirun or srun started on this machine this one is: 0 for a process
// alone. Throws Error where the environment says something else than a number.
KURTOSCOPE_API int localRank();

} // namespace kurtoscope
