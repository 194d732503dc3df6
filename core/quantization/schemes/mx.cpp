// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/number_format.h"
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// Narrow floating point in blocks along the channels, each block with its own scale.
class Mx : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const std::vector<std::string> formats{"mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e3m2",
                                                      "mxfp6_e2m3", "mxfp4",      "nvfp4"};
        static const auto orElse = [] {
            std::vector<std::string> all{"same"};
            all.insert(all.end(), formats.begin(), formats.end());
            all.push_back("16");
            return all;
        }();
        static const SchemeInfo info{
            "mx",
            "MX",
            "blocks of 8, 6 or 4-bit floating point: a power of two for each 32 channels, or NVFP4's for "
            "each 16",
            "OCP Microscaling Formats 1.0, 2023; Rouhani et al. 2023, arXiv 2310.10537; NVIDIA NVFP4, 2025",
            {choiceOf("format", "Format", "of both sides", "mxfp8_e4m3", formats),
             choiceOf("weight_format", "Weight format", "16 leaves weights in high precision", "same",
                      orElse),
             choiceOf("activation_format", "Activation format", "16 leaves activations in high precision",
                      "same", orElse),
             choiceOf("tensor_scale", "Tensor scale",
                      "the float32 scale that nvfp4 activations have beside their blocks': from each "
                      "sequence, or from calibration; the other formats have none",
                      "dynamic", {"dynamic", "static"})}};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        const auto format = [&](const std::string& side) {
            const std::string own = told.text(side);
            return own == "same" ? told.text("format") : own;
        };
        const auto firmly = [&](const std::string& id) {
            return told.given(id) ? Plan::Claim::told : Plan::Claim::usual;
        };
        if (format("activation_format") == "16") {
            plan.claimActivations(info().id, Plan::Claim::aside, std::nullopt);
        } else {
            ActivationRule activation;
            activation.format = formatFromName(format("activation_format"));
            activation.dynamic = activation.format != Format::nvfp4 || told.text("tensor_scale") == "dynamic";
            plan.claimActivations(info().id, firmly("activation_format"), activation);
        }
        if (format("weight_format") == "16") {
            plan.claimWeights(info().id, Plan::Claim::aside, std::nullopt);
        } else {
            WeightRule weight;
            weight.format = formatFromName(format("weight_format"));
            weight.granularity = Granularity::per_tensor; // of NVFP4's outer scale
            plan.claimWeights(info().id, firmly("weight_format"), weight);
        }
    }
};

const Registration<Scheme, Mx> registration;

} // namespace
} // namespace kurtoscope
