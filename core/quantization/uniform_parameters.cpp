// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Not a constant: schemes ask while the program's constants are still being made.
std::vector<std::string> bitChoices() {
    return {"2", "3", "4", "5", "6", "7", "8", "16"};
}

std::vector<ParameterInfo> offered(std::vector<ParameterInfo> all, const UniformParameters::Values& defaults,
                                   const UniformParameters::Values& settled) {
    std::erase_if(all, [&](const ParameterInfo& parameter) { return settled.contains(parameter.id); });
    for (auto& parameter : all)
        if (const auto found = defaults.find(parameter.id); found != defaults.end())
            parameter.defaultValue = found->second;
    return all;
}

// What a scheme was told of a uniform parameter, or has settled, or its default.
class Words {
public:
    Words(const Told& told, const UniformParameters::Values& settled, const std::vector<ParameterInfo>& all)
        : told_(told), settled_(settled), all_(all) {}

    std::string text(const std::string& id) const {
        if (const auto found = settled_.find(id); found != settled_.end()) return found->second;
        if (const std::string told = told_.text(id); !told.empty()) return told;
        for (const ParameterInfo& parameter : all_)
            if (parameter.id == id) return parameter.defaultValue;
        return "";
    }
    int integer(const std::string& id) const { return std::stoi(text(id)); }
    double real(const std::string& id) const { return numberOf(text(id)); }
    bool on(const std::string& id) const { return text(id) == "on"; }

private:
    const Told& told_;
    const UniformParameters::Values& settled_;
    const std::vector<ParameterInfo>& all_;
};

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

void claimSides(const std::string& scheme, const Told& told, Plan& plan, Plan::Claim usual,
                std::optional<ActivationRule> activation, std::optional<WeightRule> weight,
                const std::vector<std::string>& words) {
    static const auto activationIds = idsOf(UniformParameters::activations()),
                      weightIds = idsOf(UniformParameters::weights());
    const bool activationTold = told.givenAny(activationIds) || told.givenAny(words);
    const bool weightTold = told.givenAny(weightIds);
    // Told to leave a side alone, a scheme lets another speak for it.
    plan.claimActivations(scheme,
                          !activation      ? Plan::Claim::aside
                          : activationTold ? Plan::Claim::told
                                           : usual,
                          std::move(activation));
    plan.claimWeights(scheme,
                      !weight      ? Plan::Claim::aside
                      : weightTold ? Plan::Claim::told
                                   : usual,
                      std::move(weight));
}

} // namespace

std::vector<ParameterInfo> UniformParameters::activations(const Values& defaults, const Values& settled) {
    return offered(
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
         choiceOf(
             "levels", "Levels",
             "of a symmetric range: narrow has as many on both sides (±127 at 8 bit, in steps of absmax "
             "/ 127), "
             "full one more below (−128 … 127, absmax / 127.5), as compressed-tensors takes "
             "them at "
             "run time; full-reciprocal: as full, but multiplied by the scale's reciprocal and not divided "
             "by the scale (of any range), as torchao does, which takes values at the middle between two "
             "levels to the other one",
             "narrow", {"narrow", "full", "full-reciprocal"}),
         choiceOf("range", "Static range",
                  "how a static range is taken from calibration: all values, an average over windows, a "
                  "percentile, the least squared error, or the least divergence (entropy)",
                  "minmax", {"minmax", "moving-average", "percentile", "mse", "entropy"}),
         realOf("p", "Percentile", "of the values inside the range when range=percentile, in percent",
                "99.99", 50, 100),
         choiceOf("activation_bits", "Activation bits",
                  "bits of an activation; 16 leaves activations in high precision", "8", bitChoices())},
        defaults, settled);
}

std::vector<ParameterInfo> UniformParameters::weights(const Values& defaults, const Values& settled) {
    return offered(
        {choiceOf(
             "weight", "Weight ranges",
             "what shares one scale: a whole weight, an output channel, or a group of an output's inputs",
             "per-channel", {"per-tensor", "per-channel", "per-group"}),
         integerOf("weight_group", "Weight group", "inputs that share a scale when per-group", 128, 2, 65536),
         choiceOf("weight_range", "Weight range",
                  "of the weights that share a scale: all values, or the range with the least squared error",
                  "minmax", {"minmax", "mse"}),
         choiceOf(
             "weight_levels", "Weight levels",
             "narrow: as many on both sides; full: one more below, as compressed-tensors' own tools take "
             "weights; full-reciprocal: the same by the scale's reciprocal, as torchao takes them",
             "narrow", {"narrow", "full", "full-reciprocal"}),
         choiceOf("weight_bits", "Weight bits", "bits of a weight; 16 leaves weights in high precision", "8",
                  bitChoices())},
        defaults, settled);
}

std::vector<ParameterInfo> UniformParameters::both(const Values& defaults, const Values& settled) {
    std::vector<ParameterInfo> all = activations(defaults, settled);
    for (auto& parameter : weights(defaults, settled))
        all.push_back(std::move(parameter));
    return all;
}

std::optional<ActivationRule> UniformParameters::activationRule(const Told& told, const Values& settled) {
    static const auto all = activations();
    const Words words(told, settled, all);
    ActivationRule rule;
    rule.bits = words.integer("activation_bits");
    rule.symmetric = words.on("symmetric");
    rule.fullRange = words.text("levels") != "narrow";
    rule.reciprocal = words.text("levels") == "full-reciprocal";
    rule.granularity = granularityOf(words.text("activation"));
    rule.group = words.integer("activation_group");
    rule.range = rangeOf(words.text("range"));
    rule.percentile = words.real("p");
    if (rule.perToken() && told.given("dynamic") && !told.on("dynamic"))
        throw Error("activation=per-token with dynamic=off is not possible: tokens of the future have no "
                    "range yet",
                    "", "Leave dynamic out, or use activation=per-tensor");
    rule.dynamic = rule.perToken() || words.on("dynamic");
    const std::string range = "range=" + words.text("range");
    if (rule.range != RangeMethod::minmax && rule.dynamic)
        throw Error(range + " with " + (rule.perToken() ? "activation=per-token" : "dynamic=on") +
                        " is not possible: it is for ranges from calibration",
                    "", "Leave range out, or use activation=per-tensor with dynamic=off");
    if (rule.range != RangeMethod::minmax && rule.granularity != Granularity::per_tensor)
        throw Error(range + " with activation=" + words.text("activation") +
                        " is not possible: it is for one range per tensor",
                    "", "Leave range out, or use activation=per-tensor");
    if (rule.range == RangeMethod::entropy && !rule.symmetric)
        throw Error("range=entropy with symmetric=off is not possible: it compares the distribution of |x|",
                    "", "Use symmetric=on, or range=mse");
    if (rule.bits == 16) return std::nullopt;
    return rule;
}

std::optional<WeightRule> UniformParameters::weightRule(const Told& told, const Values& settled) {
    static const auto all = weights();
    const Words words(told, settled, all);
    WeightRule rule;
    rule.bits = words.integer("weight_bits");
    rule.granularity = granularityOf(words.text("weight"));
    rule.group = words.integer("weight_group");
    rule.range = rangeOf(words.text("weight_range"));
    rule.fullRange = words.text("weight_levels") != "narrow";
    rule.reciprocal = words.text("weight_levels") == "full-reciprocal";
    if (rule.bits == 16) return std::nullopt;
    return rule;
}

void UniformParameters::claim(const std::string& scheme, const Told& told, Plan& plan, Plan::Claim usual,
                              const Values& settled) {
    claimSides(scheme, told, plan, usual, activationRule(told, settled), weightRule(told, settled), {});
}

void UniformParameters::claim(const std::string& scheme, const Told& told, Plan& plan,
                              std::optional<ActivationRule> activation, std::optional<WeightRule> weight,
                              const std::vector<std::string>& words) {
    claimSides(scheme, told, plan, Plan::Claim::usual, std::move(activation), std::move(weight), words);
}

} // namespace kurtoscope
