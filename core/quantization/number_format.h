// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/plan.h"

#include <ATen/core/Tensor.h>

#include <string_view>

namespace kurtoscope {

// What one value of a format can be. A block format adds a scale for each `block` channels in a row: a power
// of two in 8 bits (OCP Microscaling 1.0), or E4M3 times one float32 for the whole tensor (NVIDIA NVFP4).
struct NumberFormat {
    Format format;
    std::string_view name; // "e4m3", "mxfp4"
    int bits;              // of one value, the scale's part left out
    int fractionBits, minExponent, maxExponent;
    float largest;
    int block = 0; // channels that share a scale; 0 for none

    bool isScaled() const { return bits < 16; } // wide formats take values as they are
};
const NumberFormat& numberFormat(Format format); // not for Format::integer
Format formatFromName(std::string_view name);    // of a name that a scheme's parameters offer

// Every value to its nearest in the format, halves to even, below the smallest normal one in equal steps;
// float32, same shape. NaN stays NaN. Beyond the largest: fp16 and bf16 give ∞ as IEEE 754 does, all others
// their largest (saturating). Block formats: of one element, without a scale.
at::Tensor castTo(const at::Tensor& x, const NumberFormat& format);

// x [.., channel] in blocks of channels, each with its own scale from the finite `inliers` (kept channels set
// to zero there). `absmax`: of the whole tensor, for NVFP4; broadcasts against x.
at::Tensor castBlocks(const at::Tensor& x, const at::Tensor& inliers, const at::Tensor& absmax,
                      const NumberFormat& format);

// x / scale cast, times scale, where scale = absmax / the format's largest.
at::Tensor castScaled(const at::Tensor& x, const at::Tensor& absmax, const NumberFormat& format);

} // namespace kurtoscope
