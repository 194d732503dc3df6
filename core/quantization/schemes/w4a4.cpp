// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

class W4a4 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "w4a4", "W4A4", "4-bit weights by output channel and 4-bit activations by token",
            "the setting of Ashkboos et al. 2024, QuaRot, arXiv 2404.00456",
            UniformParameters::both(
                {{"weight_bits", "4"}, {"activation_bits", "4"}, {"activation", "per-token"}}, settled())};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        UniformParameters::claim(info().id, told, plan, Plan::Claim::usual, settled());
    }

private:
    static UniformParameters::Values settled() { return {{"range", "minmax"}, {"p", "99.99"}}; }
};

const Registration<Scheme, W4a4> registration;

} // namespace
} // namespace kurtoscope
