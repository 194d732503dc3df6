// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/solvers/gptq.h"
#include "core/quantization/weight_parameters.h"

namespace kurtoscope {
namespace {

class GptqScheme : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info = [] {
            SchemeInfo made{"gptq", "GPTQ",
                            "weights rounded so that later columns make good earlier ones' errors",
                            "Frantar et al. 2023, GPTQ, arXiv 2210.17323", WeightParameters::all(true)};
            made.parameters.push_back(
                switchOf("act_order", "Act order",
                         "columns of the largest inputs first, with each group's scale fixed before", false));
            made.parameters.push_back(
                realOf("damping", "Damping", "added to the diagonal, as a share of its mean", "0.01", 0, 1));
            return made;
        }();
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        WeightRule rule = WeightParameters::rule(told);
        rule.solver = std::make_shared<Gptq>(told.real("damping"), told.on("act_order"));
        WeightParameters::claim(info().id, told, plan, std::move(rule));
    }
};

const Registration<Scheme, GptqScheme> registration;

} // namespace
} // namespace kurtoscope
