// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"
#include "core/export/tensor_writer.h"

#include <nlohmann/json.hpp>

namespace kurtoscope {

// A linear layer in compressed-tensors' words: the arguments of its weights and of its input activations
// (null: floating point), and how its weight is stored.
struct CompressedLinear {
    const Linear* linear = nullptr;
    nlohmann::ordered_json weights, activations;
    std::string format; // "int-quantized", "pack-quantized", …
    WeightRule weightRule;
    const SiteRounding* input = nullptr; // null: activations in floating point
    const at::Tensor* rounded = nullptr; // null: weights in floating point
    std::set<int> kept;                  // columns in high precision beside it
    std::string treatment;               // in words
};

// How weights are stored: "auto" packs what fits exactly, "int8" takes a byte for each.
enum class Packing : unsigned char { automatic, int8 };

// Every linear layer that the recipe quantizes, in the model's order; `limits` gets what of their treatment
// the format cannot carry.
std::vector<CompressedLinear> compressedLinears(const ExportSubject& subject, Packing packing,
                                                std::vector<ExportLimit>& limits);

// An ExportLimit's words.
inline constexpr const char* reciprocalInputs =
    "inputs multiplied by their scale's reciprocal (levels=full-reciprocal)";

// What is stored for it: weight (or weight_packed), scales, zero points, input_scale … and no bias.
std::vector<PlannedTensor> compressedTensors(const CompressedLinear& one);

} // namespace kurtoscope
