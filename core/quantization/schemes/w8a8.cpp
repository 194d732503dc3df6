// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

const std::vector<std::string> bitChoices{"2", "3", "4", "5", "6", "7", "8", "16"};

// Uniform integers for weights and activations, min–max ranges (Jacob et al. 2018, arXiv 1712.05877).
class W8a8 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "w8a8",
            "W8A8",
            "uniform integers for weights and activations, min–max ranges",
            {{"activation",
              "Activation ranges",
              "one range for a whole tensor, or one for each token",
              "per-tensor",
              {"per-tensor", "per-token"},
              0,
              0},
             {"dynamic",
              "Dynamic ranges",
              "ranges from the values at run time; off: from calibration. Per-token is always dynamic",
              "off",
              {"on", "off"},
              0,
              0},
             {"symmetric",
              "Symmetric",
              "activation ranges around 0; off: from minimum to maximum with a zero point",
              "on",
              {"on", "off"},
              0,
              0},
             {"activation_bits", "Activation bits",
              "bits of an activation; 16 leaves activations in high precision", "8", bitChoices, 0, 0},
             {"weight",
              "Weight ranges",
              "one range for a whole weight, or one for each output channel",
              "per-channel",
              {"per-tensor", "per-channel"},
              0,
              0},
             {"weight_bits", "Weight bits", "bits of a weight; 16 leaves weights in high precision", "8",
              bitChoices, 0, 0}}};
        return info;
    }

    std::optional<ActivationRule> activations(const Recipe& recipe) const override {
        ActivationRule rule;
        rule.bits = integerParameter(info(), recipe, "activation_bits");
        rule.symmetric = parameter(info(), recipe, "symmetric") == "on";
        rule.perToken = parameter(info(), recipe, "activation") == "per-token";
        const auto asked = recipe.parameters.find("dynamic");
        if (rule.perToken && asked != recipe.parameters.end() && asked->second == "off")
            throw Error("activation=per-token with dynamic=off is not possible: tokens of the future have no "
                        "range yet",
                        "", "Leave dynamic out, or use activation=per-tensor");
        rule.dynamic = rule.perToken || parameter(info(), recipe, "dynamic") == "on";
        if (rule.bits == 16) return std::nullopt;
        return rule;
    }

    std::optional<WeightRule> weights(const Recipe& recipe) const override {
        const int bits = integerParameter(info(), recipe, "weight_bits");
        if (bits == 16) return std::nullopt;
        return WeightRule{bits, parameter(info(), recipe, "weight") == "per-channel"};
    }

    KernelTag kernels(const Recipe& recipe) const override {
        return activations(recipe) || weights(recipe) ? KernelTag::simulated : KernelTag::floating;
    }
};

const Registration<Scheme, W8a8> registration;

} // namespace
} // namespace kurtoscope
