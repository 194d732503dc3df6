// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

class Percentile : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"percentile", "Percentile ranges",
                                     "uniform integers whose static ranges hold p percent of the values",
                                     "Wu et al. 2020, Integer Quantization, arXiv 2004.09602",
                                     UniformParameters::both({}, settled())};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        UniformParameters::claim(info().id, told, plan, Plan::Claim::usual, settled());
    }

private:
    static UniformParameters::Values settled() {
        return {{"range", "percentile"},
                {"activation", "per-tensor"},
                {"activation_group", "64"},
                {"dynamic", "off"}};
    }
};

const Registration<Scheme, Percentile> registration;

} // namespace
} // namespace kurtoscope
