// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/batch.h"
#include "core/engine/weights.h"

#include <ATen/core/Tensor.h>

namespace kurtoscope {

// What a recipe does inside a forward pass. Without one, a pass is plain float32. Immutable while a pass
// runs.
class Arithmetic {
public:
    virtual ~Arithmetic() = default;
    // The tensor that every reader of `site` gets (scope all-activations), and the one that only linear
    // layers get (scope linear-inputs). Both return x itself where nothing is to be done. x is [sequence, …,
    // channel].
    virtual at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const = 0;
    virtual at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const = 0;
    // What operand() rounds: x, or what a step at run time makes of it.
    virtual at::Tensor reshaped(Site /*input*/, const at::Tensor& x) const { return x; }
    virtual bool treats(Site site) const = 0; // whether value() changes anything there
    virtual at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const = 0;
};

} // namespace kurtoscope
