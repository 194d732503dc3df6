// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/plan.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// A rounded weight as integers: value = (q − zero) · scale, exactly. Columns that are kept have q = zero.
struct WeightLevels {
    std::int64_t outputs = 0, inputs = 0;
    std::int64_t rowScales = 1; // 1: one scale for the whole weight; else one row of scales for each output
    std::int64_t groups = 1;    // scales in a row
    std::vector<std::int8_t> q; // [output, input], in −2^(bits−1) … 2^(bits−1)−1
    std::vector<float> scales;  // [rowScales, groups]
    std::vector<std::int8_t> zeros; // the same shape; empty when symmetric

    void spread(); // one scale for the whole weight as one for each output
};

// The integers of `rounded` [out, in] float32, whichever way its levels were found (nearest, searched or
// solved for): for each set of weights that shares a scale, the scale that gives every one of them back bit
// for bit. Throws Error naming the layer where there is none, which would be a fault of the rounding.
WeightLevels levelsOf(const at::Tensor& rounded, const WeightRule& rule, const std::set<int>& kept,
                      const std::string& name);

} // namespace kurtoscope
