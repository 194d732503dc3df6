// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/plan.h"

#include "core/base/error.h"
#include "core/quantization/transform.h"
#include "core/quantization/weight_solver.h"

namespace kurtoscope {
namespace {

// Whether the newcomer takes a side over from `earlier`.
bool takesOver(const std::optional<Plan::Claim>& earlier, Plan::Claim claim) {
    return !earlier || claim > *earlier ||
           (claim == *earlier && claim <= Plan::Claim::aside); // of two that do not insist the last stands
}

[[noreturn]] void refuse(const std::string& first, const std::string& second, const std::string& side) {
    throw Error(first + " and " + second + " both say how " + side + " are rounded", first + "+" + second,
                "Leave one out, or tell one of them to leave " + side + " alone with 16 bits");
}

} // namespace

void Plan::check(const Recipe& recipe) const {
    if (ablation && (rounds() || !transforms.empty()))
        throw Error("ablate cannot be combined with other schemes: it shows what channels carry in the model "
                    "as it is",
                    recipe.text(), "Evaluate the two recipes side by side");
    if (stored && (activations || weights || cache || !transforms.empty()))
        throw Error("stored cannot be combined with other schemes: the checkpoint has said how it is rounded",
                    recipe.text(), "Evaluate the two recipes side by side");
    if (stored && (recipe.scope != Scope::linear_inputs || !recipe.keep.empty() || !recipe.kept.empty()))
        throw Error("stored takes no scope and no kept channels: the checkpoint has chosen both",
                    recipe.text(), "Leave them out, or quantize anew with another scheme");
    if (head && !weights && !activations)
        throw Error("head says that the output head is rounded too, but no scheme says how", recipe.text(),
                    "Put it behind one that rounds linear layers: w8a8+head");
    if (head && weights && weights->solver)
        throw Error("the output head cannot be solved for: its weights are rounded one by one or not at all",
                    recipe.text(), "Leave head out, or use rtn or w8a8");
    const bool integer = activations && activations->format == Format::integer;
    if (!recipe.bits.empty() && !integer && !cache)
        throw Error("bits of single sites need a scheme that rounds activations to integers", recipe.text(),
                    "Leave \"bits\" out, or leave those sites in high precision");
    const bool plainRange = integer && !activations->dynamic && activations->range == RangeMethod::minmax &&
                            activations->granularity == Granularity::per_tensor &&
                            activations->embeddingGroups == 0 && transforms.empty() &&
                            recipe.scope == Scope::linear_inputs;
    if (!recipe.ranges.empty() && !plainRange)
        throw Error("given ranges are for static ranges per tensor of linear inputs, in a model that nothing "
                    "reshapes",
                    recipe.text(), "Leave \"ranges\" out, or use w8a8 with activation=per-tensor");
}

void Plan::claimActivations(const std::string& scheme, Claim claim, std::optional<ActivationRule> rule) {
    const auto earlier =
        activationsHolder_ ? std::optional(activationsHolder_->claim) : std::optional<Claim>();
    if (takesOver(earlier, claim)) {
        activations = std::move(rule);
        activationsHolder_ = Holder{scheme, claim};
    } else if (claim == *earlier) {
        refuse(activationsHolder_->scheme, scheme, "activations");
    }
}

void Plan::claimWeights(const std::string& scheme, Claim claim, std::optional<WeightRule> rule) {
    const auto earlier = weightsHolder_ ? std::optional(weightsHolder_->claim) : std::optional<Claim>();
    if (takesOver(earlier, claim)) {
        weights = std::move(rule);
        weightsHolder_ = Holder{scheme, claim};
    } else if (claim == *earlier) {
        refuse(weightsHolder_->scheme, scheme, "weights");
    }
}

void Plan::claimCast(const std::string& scheme, Format format) {
    ActivationRule activation;
    activation.format = format;
    activation.dynamic = true;
    claimActivations(scheme, Claim::usual, activation);
    WeightRule weight;
    weight.format = format;
    claimWeights(scheme, Claim::usual, weight);
}

bool Plan::needsCalibration() const {
    for (const auto& transform : transforms)
        if (transform->needsCalibration()) return true;
    const bool sorting = activations && activations->embeddingGroups > 0 && activations->permute;
    const bool range = (activations && !activations->dynamic && !rangesGiven) || sorting;
    const bool solver = weights && weights->solver;
    const bool mean = ablation && ablation->how != AblationRule::How::zero;
    return range || solver || mean || (cache && cache->fixed) || !keep.empty();
}

std::string Plan::transformsKey() const {
    std::string key;
    for (const auto& transform : transforms)
        key += transform->key(*this) + ";";
    return key;
}

std::string ActivationRule::key() const {
    std::string key;
    for (int part :
         {int(format), bits, int(symmetric), int(dynamic), int(granularity), group, tokenRun, int(range),
          embeddingGroups, int(permute), int(fullRange), int(reciprocal), int(outliersMeetRounded)})
        key += std::to_string(part) + "/";
    return key + std::to_string(percentile) + "/" + std::to_string(threshold);
}

std::string WeightRule::key() const {
    return std::to_string(int(format)) + "/" + std::to_string(bits) +
           (!symmetric  ? "a"
            : fullRange ? "f"
                        : "s") +
           (reciprocal ? "r" : "") + std::to_string(int(granularity)) + "/" + std::to_string(group) + "/" +
           std::to_string(int(range)) + (solver ? "/" + solver->key() : "");
}

} // namespace kurtoscope
