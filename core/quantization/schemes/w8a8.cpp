// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Uniform integers for weights and activations (Jacob et al. 2018, arXiv 1712.05877).
class W8a8 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"w8a8", "W8A8", "uniform integers for weights and activations",
                                     "Jacob et al. 2018, arXiv 1712.05877", UniformParameters::both()};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        UniformParameters::claim(info().id, told, plan, Plan::Claim::usual);
    }
};

const Registration<Scheme, W8a8> registration;

} // namespace
} // namespace kurtoscope
