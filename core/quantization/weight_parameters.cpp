// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/weight_parameters.h"

namespace kurtoscope {

std::vector<ParameterInfo> WeightParameters::all(bool symmetric, bool nearest) {
    std::vector<std::string> levels{"narrow", "full"};
    if (nearest) levels.push_back("full-reciprocal");
    return {
        choiceOf("bits", "Weight bits", "bits of a weight", "4", {"2", "3", "4", "5", "6", "7", "8"}),
        integerOf("group", "Group", "inputs of an output that share a scale; 0: all of them", 128, 0, 65536),
        switchOf("symmetric", "Symmetric",
                 "weight ranges around 0; off: from minimum to maximum with a zero point", symmetric),
        choiceOf("levels", "Levels",
                 "of a symmetric range: narrow has as many on both sides (±7 at 4 bit, in steps of absmax / "
                 "7), full "
                 "one more below (−8 … 7, absmax / 7.5), as compressed-tensors' own tools take weights" +
                     std::string(nearest
                                     ? "; full-reciprocal: the same by the scale's reciprocal, as torchao "
                                       "takes them"
                                     : ""),
                 "narrow", std::move(levels)),
        choiceOf("activation_bits", "Activation bits",
                 "bits of an activation, each token with its own range; 16 leaves activations in high "
                 "precision, or to another scheme of the recipe",
                 "16", {"2", "3", "4", "5", "6", "7", "8", "16"})};
}

WeightRule WeightParameters::rule(const Told& told) {
    WeightRule rule;
    rule.bits = told.integer("bits");
    rule.group = told.integer("group");
    rule.granularity = rule.group > 0 ? Granularity::per_group : Granularity::per_channel;
    rule.symmetric = told.on("symmetric");
    rule.fullRange = rule.symmetric && told.text("levels") != "narrow";
    rule.reciprocal = rule.symmetric && told.text("levels") == "full-reciprocal";
    return rule;
}

void WeightParameters::claim(const std::string& scheme, const Told& told, Plan& plan, WeightRule rule) {
    plan.claimWeights(scheme, Plan::Claim::told, std::move(rule));
    if (!told.given("activation_bits")) return;
    std::optional<ActivationRule> activations;
    if (const int bits = told.integer("activation_bits"); bits < 16) {
        activations.emplace();
        activations->bits = bits;
        activations->dynamic = true;
        activations->granularity = Granularity::per_token;
    }
    // Told to leave activations alone, it does not stand in the way of another scheme.
    plan.claimActivations(scheme, activations ? Plan::Claim::told : Plan::Claim::aside, activations);
}

} // namespace kurtoscope
