// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/training_spec.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace kurtoscope {

// A model that is still to be trained: config.json in Hugging Face's words, and how each tensor of its file
// begins.
struct ScratchModel {
    // normal: a Gaussian of deviation 0.02. stream: the same over √(2 · layers), for what writes the residual
    // stream (Radford et al. 2019, section 2.3).
    enum class Fill : unsigned char { zeros, ones, normal, stream };
    struct Tensor {
        std::string name;
        std::vector<std::int64_t> shape;
        Fill fill = Fill::normal;
    };
    nlohmann::ordered_json config;
    std::vector<Tensor> tensors;
};

} // namespace kurtoscope
