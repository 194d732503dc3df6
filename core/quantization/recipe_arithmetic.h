// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/reading.h"
#include "core/quantization/calibration_set.h"
#include "core/quantization/real_linears.h"
#include "core/quantization/round_activation.h"
#include "core/quantization/round_weight.h"
#include "core/quantization/scheme.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace kurtoscope {

struct Storage {
    std::int64_t bytes = 0; // all parameters as the recipe would store them, scales and kept columns included
    double effectiveBits = 32; // per weight of the linear layers, heads left out
    double activationBits =
        32;                // per value that a linear layer multiplies, kept channels at 32, scales included
    double cacheBits = 32; // per value of attention's keys and values
};

// Kept columns over the linear layers' inputs, a site counted once for each layer that reads it.
struct KeptCount {
    std::size_t kept = 0, of = 0;
};

// A model reshaped by a plan's transforms, and kept with the data whose calibration shaped it.
struct ShapedModel {
    std::string key;     // Plan::transformsKey
    std::string weights; // names its weights in a WeightStore: the key, and the text that shaped them
    Workpiece piece;
};
std::shared_ptr<const ShapedModel> shape(const Transformer& base, const Plan& plan,
                                         CalibrationSet* calibration, std::stop_token stop,
                                         const OnProgress& progress);

// A recipe made ready for one transformer: the model it runs, rules per site, rounded weights. Simulated,
// quantize–dequantize in float32, but for withRealKernels().
class RecipeArithmetic : public Arithmetic {
public:
    // `recipe` with every keep criterion resolved. `calibration` may be null where nothing asks for it.
    // `store` outlives it. Throws Error; Cancelled between linear layers.
    RecipeArithmetic(std::shared_ptr<const ShapedModel> shaped, const Recipe& recipe, Plan plan,
                     CalibrationSet* calibration, WeightStore& store, std::stop_token stop = {},
                     const OnProgress& progress = {});

    const Transformer& model() const { return shaped_->piece.model(); } // what a pass must run

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override;
    AttentionNumbers attention(int layer) const override;
    bool roundsHead() const override { return roundsHead_; } // a language model's
    at::Tensor normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                      const Batch& batch) const override;
    bool treats(Site site) const override { return atValue_.contains(site) || ablated_.contains(site); }
    bool looksAt(Site site) const override { return treats(site); }
    bool takesRowsAlone() const override;
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override {
        return linearThen(linear, x, batch, {});
    }
    at::Tensor linearThen(const Linear& linear, const at::Tensor& x, const Batch& batch,
                          const Then& then) const override;
    std::vector<at::Tensor> linears(const std::vector<const Linear*>& layers, const at::Tensor& x,
                                    const Batch& batch) const override;

    // What the recipe keeps of the tensor that `site` names, under whichever of its names it was chosen.
    std::set<int> keptOf(const Recipe& recipe, Site site) const;
    const at::Tensor* roundedWeight(const Linear& linear) const; // null where it is left as it is
    // Sites whose linear layers read the tensor only after a step at run time.
    const std::map<Site, std::vector<OnlineStep>>& online() const { return shaped_->piece.online(); }
    bool isReshaped() const { return !shaped_->key.empty(); }

    at::Tensor reshaped(Site input, const at::Tensor& x) const override {
        return applySteps(shaped_->piece.online(input), x);
    }
    bool hasSteps(Site input) const { return online().contains(input); }

    // Everything that a pass does at one step beside the model's own part of it, as text: what two recipes
    // say alike they do alike, bit for bit. "" is the open model in float32.
    std::string deedsAt(Step step) const;

    KernelTag kernels() const { return real_ ? real_->tag() : kernels_; }
    // Why a part of it is simulated that was asked to be real; empty where nothing is, or nothing to say.
    std::string shortfall() const;
    // Kernels and shortfall are those of passes from now on. Not between runs that read each other's states.
    void beginAnew() const {
        if (real_) real_->beginAnew();
    }
    // The numbers that linear layers are really multiplied in; empty: float32.
    std::optional<Format> realFormat() const { return real_ ? real_->format() : std::nullopt; }
    Storage storage() const { return storage_; }
    KeptCount keptCount() const { return kept_; }
    // How a site is rounded, null where it is left as it is: the operand's rounding under linear-inputs.
    const SiteRounding* rounding(Site site) const;
    // How a tensor is rounded where it is made, whatever its readers do to it; null where it is not.
    const SiteRounding* valueRounding(Site site) const;
    // How keys or values are rounded as attention reads them; null where they are not.
    const SiteRounding* cacheRounding(Site site) const;
    // The same ranges and the same rounded weights, but for the further sites that `recipe`, otherwise this
    // one's, leaves in high precision, and for the weights that read them. Storage and counts stay this
    // one's.
    std::shared_ptr<const RecipeArithmetic> without(const Recipe& recipe) const;

    // The same with its integers or bfloat16 really multiplied, on a CPU whose instructions do that fast;
    // null where a part of the recipe has no such kernel. `recipe` and `plan` are this one's.
    std::shared_ptr<const RecipeArithmetic> withRealKernels(const Recipe& recipe, const Plan& plan,
                                                            PackedWeights& store) const;

    // The weights it made, by address: what it holds beside the model itself.
    std::map<const void*, std::int64_t> heldBytes() const;

    // Sites whose tensors the recipe puts on a grid, in forward order.
    static std::vector<Site> quantizedSites(const Transformer& transformer, const Recipe& recipe);

private:
    struct Ablation {
        at::Tensor chosen; // [channel] bool
        at::Tensor mean;   // [channel]
        float bound = 0;
        AblationRule rule;
    };
    void planSites(const Recipe& recipe, const Plan& plan, CalibrationSet* calibration, std::stop_token stop,
                   const OnProgress& progress);
    void planCache(const Recipe& recipe, const Plan& plan, const CalibratedModel* seen);
    void planStored(const Recipe& recipe);
    void planAblation(const Recipe& recipe, const Plan& plan, const CalibratedModel* seen);
    void roundWeights(const Recipe& recipe, const Plan& plan, WeightStore& store);
    void solveWeights(const Recipe& recipe, const Plan& plan, CalibrationSet& calibration, WeightStore& store,
                      std::stop_token stop, const OnProgress& progress);
    void count(const Recipe& recipe, const Plan& plan);
    // Whether LibTorch's operators are asked for, and the library whose levels these are multiplies integers.
    bool scalesBehind(Site input) const;
    bool staysWhole(const Recipe& recipe, Site site) const;
    std::set<int> layersLeftWhole(const Recipe& recipe) const; // by their probabilities

    std::shared_ptr<const ShapedModel> shaped_;
    KernelTag kernels_ = KernelTag::simulated;
    mutable std::string shortfall_; // found when real kernels were asked for
    double threshold_ = 0;          // LLM.int8()
    bool outliersMeetRounded_ = false, roundsHead_ = false, bf16Attention_ = false, reallyAttends_ = false;
    std::set<int> wholeAttention_; // layers whose probabilities are left in high precision
    std::unordered_map<Site, SiteRounding> atValue_, atOperand_, atCache_;
    std::unordered_map<Site, Ablation> ablated_;
    // Made when a pass first multiplies by it: real integers never do.
    struct RoundedWeight {
        RoundedWeight(std::string family, std::set<int> kept);

        std::string family; // in the store: of equal families are made alike, but for what is kept
        std::string name;   // of equal names are equal
        std::set<int> kept;
        mutable std::shared_ptr<const at::Tensor> tensor;
    };
    const at::Tensor& made(const Linear& linear, const RoundedWeight& weight) const;
    // What a float32 product multiplies x by, and nothing is done beside; else null.
    const at::Tensor* plainWeight(const Linear& linear) const;
    std::unordered_map<const Linear*, RoundedWeight> weights_;
    std::optional<WeightRule> weightRule_;
    WeightStore* store_ = nullptr;
    std::shared_ptr<const RealLinears> real_; // null: simulated
    Storage storage_;
    KeptCount kept_;
};

} // namespace kurtoscope
