// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/statistics/moments.h"

#include <ATen/core/Tensor.h>

namespace kurtoscope {

// Moments of all values of a tensor as one set, in double; extremes are left out.
Moments momentsOf(const at::Tensor& x);

// The largest channel's magnitude over the median channel's; 0 where the median is 0.
double maxToMedianOf(const at::Tensor& magnitude); // [channel]

} // namespace kurtoscope
