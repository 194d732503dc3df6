// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace kurtoscope {

// Mean over rows of each row's Pearson kurtosis m₄ / (m₂² + ε), population moments; a Gaussian has 3. A
// differentiable scalar of rows [row, n], float32 or float64. ε keeps a constant row at 0.
at::Tensor meanKurtosis(const at::Tensor& rows);

} // namespace kurtoscope
