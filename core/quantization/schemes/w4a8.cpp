// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

class W4a8 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "w4a8", "W4A8", "4-bit weights in groups of 128 inputs and 8-bit activations by token",
            "the setting of Lin et al. 2024, QServe, arXiv 2405.04532",
            UniformParameters::both(
                {{"weight_bits", "4"}, {"weight", "per-group"}, {"activation", "per-token"}}, settled())};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        UniformParameters::claim(info().id, told, plan, Plan::Claim::usual, settled());
    }

private:
    static UniformParameters::Values settled() { return {{"range", "minmax"}, {"p", "99.99"}}; }
};

const Registration<Scheme, W4a8> registration;

} // namespace
} // namespace kurtoscope
