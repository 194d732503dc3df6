// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transforms/activation_scale.h"
#include "core/quantization/weight_parameters.h"

namespace kurtoscope {
namespace {

class Awq : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info = [] {
            SchemeInfo made{"awq", "AWQ",
                            "weights that meet large activations scaled up, then to nearest levels",
                            "Lin et al. 2024, AWQ, arXiv 2306.00978", WeightParameters::all(false)};
            made.parameters.push_back(
                switchOf("search", "Search α",
                         "for each linear input the α of 0, 0.05 … 0.95 with the least output error", true));
            made.parameters.push_back(realOf("alpha", "Strength α",
                                             "the power of mean |x| that scales a channel, with search=off",
                                             "0.5", 0, 1));
            return made;
        }();
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        if (told.on("search") && told.given("alpha"))
            throw Error("alpha=" + told.text("alpha") + " is not possible while a search finds α", "",
                        "Leave it out, or use search=off");
        plan.transforms.push_back(std::make_shared<ActivationScale>(
            told.on("search") ? std::optional<double>() : told.real("alpha")));
        WeightParameters::claim(info().id, told, plan, WeightParameters::rule(told));
    }
};

const Registration<Scheme, Awq> registration;

} // namespace
} // namespace kurtoscope
