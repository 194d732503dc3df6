// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>

namespace kurtoscope {

// Of each of `rows` rows of `count` log-probabilities, KL(p ‖ q) = Σ p (log p − log q) in nats, not below 0,
// into `kl`. Returns in how many rows both have the same likeliest entry, the first where several are. Equal
// rows give exactly 0; a NaN gives NaN. The same on any number of threads.
KURTOSCOPE_API std::int64_t compareDistributions(const float* p, const float* q, std::int64_t rows,
                                                 std::int64_t count, float* kl);

} // namespace kurtoscope
