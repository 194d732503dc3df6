// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <string>

namespace kurtoscope {

// Which of the processes that torchrun, mpirun or srun started on this machine this one is: 0 for a process
// alone. Throws Error where the environment says something else than a number.
KURTOSCOPE_API int localRank();
// What the GPU is called on this machine that this process sees as its `index`th: by CUDA_VISIBLE_DEVICES
// every process may see another one as its first.
KURTOSCOPE_API std::string visibleGpu(int index);

} // namespace kurtoscope
