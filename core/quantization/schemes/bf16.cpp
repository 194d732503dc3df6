// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

class Bf16 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"bf16",
                                     "BF16",
                                     "bfloat16: both sides cast, float32's range with 8 bits of precision",
                                     "Kalamkar et al. 2019, arXiv 1905.12322",
                                     {}};
        return info;
    }
    void plan(const Told&, Plan& plan) const override {
        ActivationRule activation;
        activation.format = Format::bf16;
        activation.dynamic = true; // a cast needs no range
        plan.claimActivations(info().id, Plan::Claim::usual, activation);
        WeightRule weight;
        weight.format = Format::bf16;
        plan.claimWeights(info().id, Plan::Claim::usual, weight);
    }
};

const Registration<Scheme, Bf16> registration;

} // namespace
} // namespace kurtoscope
