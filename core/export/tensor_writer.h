// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_folder.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kurtoscope {

// A tensor that is made when its turn to be written comes, so that one at a time is in memory.
struct PlannedTensor {
    std::string name, type; // safetensors' words: "F32", "I8", "F8_E4M3"
    std::vector<std::int64_t> shape;
    std::function<std::string()> make; // its bytes, little-endian and row-major

    std::int64_t bytes() const; // from type and shape
};

inline constexpr std::int64_t shardBytes = 5'000'000'000; // Hugging Face's own limit

// One .safetensors file. `done` of `total` bytes were written before.
void writeTensors(std::vector<PlannedTensor> tensors, const std::string& name, ExportFolder& out,
                  std::int64_t& done, std::int64_t total);
// model.safetensors, or model-00001-of-0000N.safetensors where there is more than `largest`, and
// model.safetensors.index.json. Throws Error where the disk is full or a tensor has not the size of its shape;
// Cancelled between tensors.
void writeCheckpoint(const std::vector<PlannedTensor>& tensors, std::int64_t largest, ExportFolder& out);

} // namespace kurtoscope
