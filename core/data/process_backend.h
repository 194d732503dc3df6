// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kurtoscope {

// What several processes sum their gradients by: gloo (processor), nccl (a GPU for each of them), or the
// store that they meet in. `automatic`: nccl where every process has a GPU of its own, else gloo, else the
// store.
enum class ProcessBackend : unsigned char { automatic, gloo, nccl, store };

} // namespace kurtoscope
