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
class Plan;

// What happens to a linear layer's input at run time, in order, before it is rounded: x → x / divisor, or
// x → x · rotation.
struct OnlineStep {
    at::Tensor divisor;  // [channel]
    at::Tensor rotation; // [channel, channel], orthogonal
    double bytes = 0;    // to store what it takes; a tensor that several steps share counts once
};
at::Tensor applySteps(const std::vector<OnlineStep>& steps, const at::Tensor& x); // [.., channel]

// A model on its way to being quantized: a copy whose weights transforms may replace, the base's left as they
// are, and the steps that could not be folded into weights. In exact arithmetic it answers as the base does.
class Workpiece {
public:
    explicit Workpiece(const Transformer& base) : base_(base) {}

    const Transformer& base() const { return base_; } // as it was opened
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
    // `perChannel` [channel], positive, made such that a divisor of it folds: channels that only one scale
    // can serve (query heads that read one value head) get their largest.
    at::Tensor foldable(Site input, const at::Tensor& perChannel) const;
    // x → x · rotation at a linear input, at run time, and W → W · rotation in its readers. `bytes` to store
    // the rotation.
    void rotateInput(Site input, const at::Tensor& rotation, double bytes);
    // Transformer::rotateStream; false too when a step at run time already stands behind a norm.
    bool rotateStream(const at::Tensor& rotation, double bytes);
    double streamBytes() const { return streamBytes_; } // to store what turns the stream at its two ends

private:
    const Transformer& base_;
    std::unique_ptr<Transformer> own_;
    std::map<Site, std::vector<OnlineStep>> online_;
    double streamBytes_ = 0;
};

// A change of a model that leaves its answers as they are and makes it easier to quantize.
class Transform {
public:
    virtual ~Transform() = default;
    // Equal keys do the same to equal models under equal calibration. `plan` is complete: a search may ask
    // how values will be rounded.
    virtual std::string key(const Plan& plan) const = 0;
    virtual bool needsCalibration() const = 0;
    virtual bool scalesChannels() const { return false; } // one by one: a rotation after it would undo that
    // `calibration` is null where none is needed; `shapedKey` names what was done to the piece before, for
    // its cache. Throws Error when the model's family cannot carry it, Cancelled.
    virtual void apply(Workpiece& piece, const Plan& plan, CalibrationSet* calibration,
                       const std::string& shapedKey, std::stop_token stop,
                       const OnProgress& progress) const = 0;
};

} // namespace kurtoscope
