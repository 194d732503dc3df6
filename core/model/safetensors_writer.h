// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kurtoscope {

struct TensorToWrite {
    std::string name;
    std::vector<std::int64_t> shape; // row-major
    std::span<const float> values;
};

// Writes float32 tensors as a .safetensors file, atomically; data begins at a multiple of 8 bytes, in the
// order given. Throws Error when a shape does not fit its values or the file cannot be written. Format:
// https://github.com/huggingface/safetensors#format
KURTOSCOPE_API void writeSafetensors(const std::filesystem::path& file,
                                     const std::vector<TensorToWrite>& tensors);

} // namespace kurtoscope
