// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/round_activation.h"

#include <ATen/core/Tensor.h>

namespace kurtoscope {

// How inference rounds a site whose range is `low` … `high`: asymmetric, static, one range for the tensor.
SiteRounding clipRounding(double low, double high, int bits);

// x [sequence, .., channel] rounded with the learned clipping values clip = (c−, c+), bit for bit as
// clipRounding does. Gradients treat each rounding error as a constant: to x straight through between the
// ends and none beyond; to the ends those of what was clipped (Choi et al. 2018, PACT), and of the rounding
// error inside and of the rounded zero point (Esser et al. 2020, LSQ), and `pull` times that of
// Σ (rounded − x)² / Σ x², which reaches the ends alone. x float32, or float64 for tests.
at::Tensor fakeQuantize(const at::Tensor& x, const at::Tensor& clip, int bits, double pull = 0);

// The values of `rounded` with the gradient of x.
at::Tensor straightThrough(const at::Tensor& x, const at::Tensor& rounded);

} // namespace kurtoscope
