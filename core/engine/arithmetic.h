// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/activation.h"
#include "core/engine/batch.h"
#include "core/engine/weights.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace kurtoscope {

// A norm over the last dimension: LayerNorm, or without a bias RMS norm.
struct NormStep {
    const at::Tensor& weight;
    const at::Tensor* bias = nullptr;
    double epsilon = 0;
};

// What attention multiplies: queries, keys, values and softmax's result as they are, cast to bfloat16 and
// multiplied in float32, or multiplied as bfloat16 where the device does that.
enum class AttentionNumbers : unsigned char { float32, castToBf16, bf16 };

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
    // Keys or values (`site`) as a cache holds them and attention reads them: keys after a rotary embedding.
    virtual at::Tensor cached(Site /*site*/, const at::Tensor& x, const Batch& /*batch*/) const { return x; }
    virtual AttentionNumbers attention(int /*layer*/) const { return AttentionNumbers::float32; }
    // Whether operand() is asked for what a language model's output head multiplies, too.
    virtual bool roundsHead() const { return false; }
    // What operand() rounds: x, or what a step at run time makes of it.
    virtual at::Tensor reshaped(Site /*input*/, const at::Tensor& x) const { return x; }
    // norm(x), where a kernel makes in the same go what the linear layers of `input` multiply; else
    // undefined. `alone`: they are all who read it, so that the values themselves may be left unwritten.
    virtual at::Tensor normed(Site /*input*/, const at::Tensor& /*x*/, const NormStep& /*norm*/,
                              bool /*alone*/, const Batch& /*batch*/) const {
        return {};
    }
    virtual bool treats(Site site) const = 0; // whether value() changes anything there
    virtual at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const = 0;
    // The same with something done to the result at once.
    virtual at::Tensor linearThen(const Linear& layer, const at::Tensor& x, const Batch& batch,
                                  const Then& then) const {
        return then.applied(linear(layer, x, batch));
    }
    // linear() of several layers that read one tensor, which may be multiplied in one go.
    virtual std::vector<at::Tensor> linears(const std::vector<const Linear*>& layers, const at::Tensor& x,
                                            const Batch& batch) const {
        std::vector<at::Tensor> made;
        for (const Linear* layer : layers)
            made.push_back(linearThen(*layer, x, batch, {}));
        return made;
    }
    // Whether value() must be asked at `site` at all; where not, operators around it may run as one.
    virtual bool looksAt(Site) const { return true; }
    // Whether each row fares the same whatever rows are beside it, so that those of padding may be left out.
    virtual bool takesRowsAlone() const { return false; }
};

} // namespace kurtoscope
