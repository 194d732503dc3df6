// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/weights.h"
#include "core/quantization/scheme.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

namespace kurtoscope {

// What one regularizer does in one run. A penalty is a differentiable scalar before λ, undefined where the
// member has nothing to say. Activations come as rows of valid tokens, [row, channel].
class Penalty {
public:
    virtual ~Penalty() = default;
    virtual at::Tensor ofOutput(const Linear& linear, const at::Tensor& rows) const;
    virtual at::Tensor ofInput(Site site, const at::Tensor& rows) const;
    virtual at::Tensor ofWeight(const Linear& linear) const;
    // What the readers of a site get in place of x [.., channel] while training. `done` is the share of the
    // steps that are done. Validation and checkpoints are of the plain model.
    virtual at::Tensor reshaped(Site site, const at::Tensor& x, double done) const;
    virtual bool reshapes() const { return false; }
};

// A way to keep a model easy to quantize while it is trained. One file each, registered on its last line.
class Regularizer {
public:
    virtual ~Regularizer() = default;
    std::string_view id() const { return info().id; }
    virtual const SchemeInfo& info() const = 0;
    virtual std::unique_ptr<Penalty> make(const Told& told) const = 0;

    // λ and its schedule, which every member with a penalty offers: none before `start`, then rising over
    // `ramp`, both shares of the steps.
    static std::vector<ParameterInfo> weighted(const std::string& lambda,
                                               std::vector<ParameterInfo> more = {});
    static double lambdaAt(const Told& told, double done);
};

template <>
Registry<Regularizer>& Registry<Regularizer>::instance();

} // namespace kurtoscope
