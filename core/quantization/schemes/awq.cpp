// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/solvers/clip_search.h"
#include "core/quantization/transforms/activation_scale.h"
#include "core/quantization/weight_parameters.h"

namespace kurtoscope {
namespace {

class Awq : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info = [] {
            SchemeInfo made{
                "awq", "AWQ",
                "weights that meet large activations scaled up, ranges clipped where that errs less",
                "Lin et al. 2024, AWQ, arXiv 2306.00978", WeightParameters::all(false)};
            made.parameters.push_back(
                switchOf("search", "Search α",
                         "for each linear input the α of 0, 0.05 … 0.95 with the least output error", true));
            made.parameters.push_back(realOf("alpha", "Strength α",
                                             "the power of mean |x| that scales a channel, with search=off",
                                             "0.5", 0, 1));
            made.parameters.push_back(
                switchOf("clip", "Search clipping",
                         "for each range of weights the share of 1, 0.95 … 0.55 with the least output error; "
                         "queries and keys stay whole",
                         true));
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
        WeightRule rule = WeightParameters::rule(told);
        if (told.on("clip")) rule.solver = std::make_shared<ClipSearch>();
        WeightParameters::claim(info().id, told, plan, std::move(rule));
    }
};

const Registration<Scheme, Awq> registration;

} // namespace
} // namespace kurtoscope
