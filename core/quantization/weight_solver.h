// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/weights.h"
#include "core/quantization/plan.h"

#include <ATen/core/Tensor.h>

#include <set>
#include <stop_token>
#include <string>

namespace kurtoscope {

// Rounds a weight so that the layer's output, not the weight itself, comes out right: it is told how the
// layer's inputs go together. Layers are solved block by block, each from what the rounded ones before it
// make of the calibration text.
class WeightSolver {
public:
    virtual ~WeightSolver() = default;
    virtual std::string key() const = 0; // equal keys solve alike
    // Of a layer that makes `output`; weights that it does not take go to nearest levels.
    virtual bool takes(Place /*output*/) const { return true; }
    // `weight` [out, in]; `gram` [in, in] = Σ xᵀx / rows over calibration inputs, float32. `kept` columns
    // stay as they are. Returns the rounded weight, same shape. Throws Error when the system has no solution;
    // Cancelled.
    virtual at::Tensor solve(const at::Tensor& weight, const at::Tensor& gram, const WeightRule& rule,
                             const std::set<int>& kept, std::stop_token stop = {}) const = 0;
};

} // namespace kurtoscope
