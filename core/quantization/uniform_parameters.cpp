// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Not a constant: schemes ask while the program's constants are still being made.
std::vector<std::string> bitChoices() {
    return {"2", "3", "4", "5", "6", "7", "8", "16"};
}

std::vector<ParameterInfo> withDefaults(std::vector<ParameterInfo> all,
                                        const std::map<std::string, std::string>& defaults) {
    for (auto& parameter : all)
        if (const auto found = defaults.find(parameter.id); found != defaults.end())
            parameter.defaultValue = found->second;
    return all;
}

Granularity granularityOf(const std::string& text) {
    if (text == "per-token") return Granularity::per_token;
    if (text == "per-channel") return Granularity::per_channel;
    if (text == "per-group") return Granularity::per_group;
    return Granularity::per_tensor;
}

RangeMethod rangeOf(const std::string& text) {
    if (text == "moving-average") return RangeMethod::moving_average;
    if (text == "percentile") return RangeMethod::percentile;
    if (text == "mse") return RangeMethod::mse;
    if (text == "entropy") return RangeMethod::entropy;
    return RangeMethod::minmax;
}

std::vector<std::string> idsOf(const std::vector<ParameterInfo>& parameters) {
    std::vector<std::string> ids;
    for (const auto& parameter : parameters)
        ids.push_back(parameter.id);
    return ids;
}

} // namespace

std::vector<ParameterInfo>
UniformParameters::activations(const std::map<std::string, std::string>& defaults) {
    return withDefaults(
        {choiceOf("activation", "Activation ranges",
                  "what shares one scale: a whole tensor, a token, a channel (simulated only: no integer "
                  "product can "
                  "carry it), or a group of channels",
                  "per-tensor", {"per-tensor", "per-token", "per-channel", "per-group"}),
         integerOf("activation_group", "Activation group", "channels that share a scale when per-group", 64,
                   2, 65536),
         switchOf("dynamic", "Dynamic ranges",
                  "ranges from the values at run time; off: from calibration. Per-token is always dynamic",
                  false),
         switchOf("symmetric", "Symmetric",
                  "activation ranges around 0; off: from minimum to maximum with a zero point", true),
         choiceOf("range", "Static range",
                  "how a static range is taken from calibration: all values, an average over windows, or a "
                  "percentile",
                  "minmax", {"minmax", "moving-average", "percentile"}),
         realOf("p", "Percentile", "of the values inside the range when range=percentile, in percent",
                "99.99", 50, 100),
         choiceOf("activation_bits", "Activation bits",
                  "bits of an activation; 16 leaves activations in high precision", "8", bitChoices())},
        defaults);
}

std::vector<ParameterInfo> UniformParameters::weights(const std::map<std::string, std::string>& defaults) {
    return withDefaults(
        {choiceOf(
             "weight", "Weight ranges",
             "what shares one scale: a whole weight, an output channel, or a group of an output's inputs",
             "per-channel", {"per-tensor", "per-channel", "per-group"}),
         integerOf("weight_group", "Weight group", "inputs that share a scale when per-group", 128, 2, 65536),
         choiceOf("weight_bits", "Weight bits", "bits of a weight; 16 leaves weights in high precision", "8",
                  bitChoices())},
        defaults);
}

std::vector<ParameterInfo> UniformParameters::both(const std::map<std::string, std::string>& defaults) {
    std::vector<ParameterInfo> all = activations(defaults);
    for (auto& parameter : weights(defaults))
        all.push_back(std::move(parameter));
    return all;
}

std::optional<ActivationRule> UniformParameters::activationRule(const Told& told) {
    ActivationRule rule;
    rule.bits = told.integer("activation_bits");
    rule.symmetric = told.on("symmetric");
    rule.granularity = granularityOf(told.text("activation"));
    rule.group = told.integer("activation_group");
    rule.range = rangeOf(told.text("range"));
    rule.percentile = told.real("p");
    if (rule.perToken() && told.given("dynamic") && !told.on("dynamic"))
        throw Error("activation=per-token with dynamic=off is not possible: tokens of the future have no "
                    "range yet",
                    "", "Leave dynamic out, or use activation=per-tensor");
    rule.dynamic = rule.perToken() || told.on("dynamic");
    if (rule.range != RangeMethod::minmax && rule.dynamic)
        throw Error("range=" + told.text("range") +
                        " with dynamic ranges is not possible: it is for ranges "
                        "from calibration",
                    "", "Leave range out, or use dynamic=off");
    if (rule.range != RangeMethod::minmax && rule.granularity != Granularity::per_tensor)
        throw Error("range=" + told.text("range") + " with activation=" + told.text("activation") +
                        " is not possible: it is for one range per tensor",
                    "", "Leave range out, or use activation=per-tensor");
    if (rule.bits == 16) return std::nullopt;
    return rule;
}

std::optional<WeightRule> UniformParameters::weightRule(const Told& told) {
    WeightRule rule;
    rule.bits = told.integer("weight_bits");
    rule.granularity = granularityOf(told.text("weight"));
    rule.group = told.integer("weight_group");
    if (rule.bits == 16) return std::nullopt;
    return rule;
}

void UniformParameters::claim(const std::string& scheme, const Told& told, Plan& plan, Plan::Claim usual) {
    static const auto activationIds = idsOf(activations()), weightIds = idsOf(weights());
    const auto side = [&](const std::vector<std::string>& ids) {
        return told.givenAny(ids) ? Plan::Claim::told : usual;
    };
    // Told to leave a side alone, a scheme lets another speak for it.
    const auto activation = activationRule(told);
    plan.claimActivations(scheme, activation ? side(activationIds) : Plan::Claim::fallback, activation);
    const auto weight = weightRule(told);
    plan.claimWeights(scheme, weight ? side(weightIds) : Plan::Claim::fallback, weight);
}

} // namespace kurtoscope
