// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"
#include "core/data/site.h"
#include "core/model/model_folder.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

// A linear layer y = x Wᵀ + b with the sites it reads and makes. `weight` is [out, in] float32.
struct Linear {
    std::string name; // Hugging Face's module name: "model.layers.3.mlp.down_proj"
    Site input, output;
    at::Tensor weight, bias; // bias undefined when there is none
    bool head = false;       // output heads and poolers stay in high precision
};

// Reads weights by Hugging Face's names as float32 tensors. Stored F32 is used in place, out of the memory
// map. Every load checks the shape; what it throws names file, tensor, got and expected.
class Weights {
public:
    Weights(const ModelFolder& folder, std::stop_token stop, const OnProgress& progress);

    bool has(const std::string& name) const { return folder_.find(name) != nullptr; }
    std::vector<std::int64_t> shapeOf(const std::string& name) const; // throws Error when absent
    at::Tensor load(const std::string& name, at::IntArrayRef shape);
    at::Tensor loadIf(const std::string& name, at::IntArrayRef shape); // undefined when absent
    // The rows of a LLaMA query or key weight in Hugging Face's order, whatever the file's.
    at::Tensor loadRotary(const std::string& name, at::IntArrayRef shape, std::int64_t heads);
    std::shared_ptr<Linear> linear(const std::string& name, Site input, Site output, std::int64_t in,
                                   std::int64_t out);

    std::int64_t parameters() const { return parameters_; }
    const std::vector<std::string>& warnings() const { return warnings_; }

private:
    const ModelFolder& folder_;
    std::stop_token stop_;
    const OnProgress& progress_;
    std::int64_t parameters_ = 0, loadedBytes_ = 0;
    std::vector<std::string> warnings_;
};

} // namespace kurtoscope
