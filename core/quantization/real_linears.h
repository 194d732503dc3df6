// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/activation.h"
#include "core/engine/weights.h"
#include "core/quantization/plan.h"

#include <cstdint>
#include <map>
#include <vector>

namespace kurtoscope {

// A recipe's linear layers multiplied in its own numbers, instead of a float32 product of rounded values.
// Weights are packed once; activations are turned into those numbers when a layer reads them, once for all
// that read the same tensor. CPU; one pass at a time.
class RealLinears {
public:
    virtual ~RealLinears() = default;
    virtual Format format() const = 0;
    virtual bool has(const Linear& linear) const = 0;
    virtual bool reads(Site input) const = 0;
    // x [sequence, …, input], not yet rounded → [sequence, …, output], then what `then` says. `lengths`:
    // valid positions per sequence.
    virtual at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                                const Then& then) const = 0;
    virtual std::map<const void*, std::int64_t> heldBytes() const = 0; // of each packed weight
};

} // namespace kurtoscope
