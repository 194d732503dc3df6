// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/plan.h"

#include <ATen/core/Tensor.h>

#include <string>

namespace kurtoscope {

// Values as the bytes of OCP 8-bit E4M3, to nearest, saturating at 448; any shape.
std::string e4m3Bytes(const at::Tensor& values);
std::string floatBytes(const at::Tensor& values); // float32

// A weight [out, in] in MXFP4 or NVFP4, as castBlocks() rounds it. Two values in a byte, the even column in
// the low half.
struct Fp4Weight {
    std::string values, scales; // scales: E8M0 (MXFP4) or E4M3 (NVFP4)
    float globalScale = 1;      // NVFP4: what the stored scales were multiplied with
};
Fp4Weight fp4Bytes(const at::Tensor& weight, Format format);

} // namespace kurtoscope
