// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace kurtoscope {

// x wᵀ + bias [.., output] with gradients for all three, as at::linear gives them but for last bits. On
// processors with AVX-512 the three products go to oneDNN, which uses it whoever made the processor.
at::Tensor trainedProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

} // namespace kurtoscope
