// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/quantization/number_format.h"
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// 8-bit floating point, scaled so that the largest value of a range becomes the format's largest.
class Fp8 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "fp8",
            "FP8",
            "8-bit floating point with a float32 scale for each tensor, token or output channel",
            "Micikevicius et al. 2022, FP8 Formats for Deep Learning, arXiv 2209.05433",
            {choiceOf("format", "Format",
                      "of both sides: e4m3 reaches 448 with 3 bits of fraction, e5m2 57344 with 2", "e4m3",
                      {"e4m3", "e5m2"}),
             choiceOf("weight_format", "Weight format", "16 leaves weights in high precision", "same",
                      {"same", "e4m3", "e5m2", "16"}),
             choiceOf("activation_format", "Activation format", "16 leaves activations in high precision",
                      "same", {"same", "e4m3", "e5m2", "16"}),
             choiceOf("activation", "Activation scales", "what shares one scale: a whole tensor, or a token",
                      "per-tensor", {"per-tensor", "per-token"}),
             switchOf(
                 "dynamic", "Dynamic scales",
                 "scales from the values at run time; off: from calibration. Per-token is always dynamic",
                 false),
             choiceOf("weight", "Weight scales",
                      "what shares one scale: a whole weight, or an output channel", "per-channel",
                      {"per-tensor", "per-channel"})}};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        const auto format = [&](const std::string& side) {
            const std::string own = told.text(side);
            return own == "same" ? told.text("format") : own;
        };
        const auto firmly = [&](const std::vector<std::string>& ids) {
            return told.givenAny(ids) ? Plan::Claim::told : Plan::Claim::usual;
        };
        ActivationRule activation;
        activation.granularity =
            told.text("activation") == "per-token" ? Granularity::per_token : Granularity::per_tensor;
        if (activation.perToken() && told.given("dynamic") && !told.on("dynamic"))
            throw Error("activation=per-token with dynamic=off is not possible: tokens of the future have no "
                        "scale yet",
                        "", "Leave dynamic out, or use activation=per-tensor");
        activation.dynamic = activation.perToken() || told.on("dynamic");
        if (format("activation_format") == "16") {
            plan.claimActivations(info().id, Plan::Claim::aside, std::nullopt);
        } else {
            activation.format = formatFromName(format("activation_format"));
            plan.claimActivations(info().id, firmly({"activation_format", "activation", "dynamic"}),
                                  activation);
        }
        WeightRule weight;
        if (told.text("weight") == "per-tensor") weight.granularity = Granularity::per_tensor;
        if (format("weight_format") == "16") {
            plan.claimWeights(info().id, Plan::Claim::aside, std::nullopt);
        } else {
            weight.format = formatFromName(format("weight_format"));
            plan.claimWeights(info().id, firmly({"weight_format", "weight"}), weight);
        }
    }
};

const Registration<Scheme, Fp8> registration;

} // namespace
} // namespace kurtoscope
