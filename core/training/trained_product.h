// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace kurtoscope {

// x wᵀ + bias [.., output] with gradients for all three, as at::linear gives them but for last bits. On
// processors with AVX-512 the three products go to oneDNN, which uses it whoever made the processor. `narrow`:
// both sides and the result rounded to bf16, float32 before and after.
at::Tensor trainedProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          bool narrow = false);

// Why a device should not be asked for narrow products; empty where it has the arithmetic. A GPU is not asked.
std::string bfloat16Refusal(c10::Device device);

} // namespace kurtoscope
