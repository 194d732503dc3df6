// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"
#include "core/engine/transformer.h"

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

class CalibrationSet;

// What happens to a linear layer's input at run time, in order, before it is rounded: x → x / divisor, or
// x → x · rotation.
struct OnlineStep {
    at::Tensor divisor;  // [channel]
    at::Tensor rotation; // [channel, channel], orthogonal
};
at::Tensor applySteps(const std::vector<OnlineStep>& steps, const at::Tensor& x); // [.., channel]

// A model on its way to being quantized: a copy whose weights transforms may replace, the base's left as they
// are, and the steps that could not be folded into weights. In exact arithmetic it answers as the base does.
class Workpiece {
public:
    explicit Workpiece(const Transformer& base) : base_(base) {}

    const Transformer& model() const { return own_ ? *own_ : base_; }
    Transformer& own(); // a copy that shares every tensor, made at the first call
    const std::vector<OnlineStep>& online(Site input) const;
    const std::map<Site, std::vector<OnlineStep>>& online() const { return online_; }
    std::vector<std::shared_ptr<Linear>>
    readers(Site input) const;        // linear layers that read it, heads left out
    std::vector<Site> inputs() const; // of those layers, in forward order

    // x → x / divisor at a linear input and W → W · divisor in its readers. Folded into what makes x where
    // the architecture does that exactly, else a step at run time; true when folded.
    bool divideInput(Site input, const at::Tensor& divisor);
    // x → x · rotation at a linear input, at run time, and W → W · rotation in its readers.
    void rotateInput(Site input, const at::Tensor& rotation);

private:
    const Transformer& base_;
    std::unique_ptr<Transformer> own_;
    std::map<Site, std::vector<OnlineStep>> online_;
};

// A change of a model that leaves its answers as they are and makes it easier to quantize.
class Transform {
public:
    virtual ~Transform() = default;
    virtual std::string key() const = 0; // equal keys do the same to equal models
    virtual bool needsCalibration() const = 0;
    // `calibration` is null where none is needed; `shapedKey` names what was done to the piece before, for
    // its cache. Throws Error when the model's family cannot carry it, Cancelled.
    virtual void apply(Workpiece& piece, CalibrationSet* calibration, const std::string& shapedKey,
                       std::stop_token stop, const OnProgress& progress) const = 0;
};

} // namespace kurtoscope
