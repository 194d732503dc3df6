// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/quantization/plan.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

// Numbers on their way to a GPU's kernels.
namespace kurtoscope::gpu {

inline constexpr std::int64_t whole =
    16; // what tensor cores take at once, in bytes of inputs, outputs and rows
inline constexpr std::int64_t fewestRows = 32;

inline std::int64_t padded(std::int64_t count, std::int64_t to = whole) {
    return (count + to - 1) / to * to;
}

template <class Value>
at::Tensor uploaded(const std::vector<Value>& values, at::IntArrayRef shape, at::ScalarType type,
                    at::Device device) {
    return at::from_blob(const_cast<Value*>(values.data()), shape, type).clone().to(device);
}

inline bool isWide(Format format) {
    return format == Format::fp16 || format == Format::bf16;
}

inline at::ScalarType storedAs(Format format) {
    return format == Format::fp16 ? at::kHalf : format == Format::bf16 ? at::kBFloat16 : at::kChar;
}

inline const float* floats(const at::Tensor& tensor) {
    return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}
inline const std::int32_t* integers(const at::Tensor& tensor) {
    return tensor.defined() ? tensor.const_data_ptr<std::int32_t>() : nullptr;
}

// Throws Error where a kernel gave a reason.
inline void demand(const char* reason, const char* what) {
    if (reason)
        throw Error("a CUDA kernel failed (" + std::string(what) + "): " + reason, "",
                    "Use --kernels simulated or --device cpu");
}

} // namespace kurtoscope::gpu
