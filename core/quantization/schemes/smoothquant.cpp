// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transforms/smooth.h"
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

class SmoothQuant : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info = [] {
            SchemeInfo made{
                "smoothquant",
                "SmoothQuant",
                "outliers moved from activations into weights, channel by channel",
                "Xiao et al. 2023, SmoothQuant, arXiv 2211.10438",
                {realOf("alpha", "Strength α",
                        "how far outliers are moved: 0 leaves activations uneven, 1 makes them even", "0.5",
                        0, 1),
                 switchOf("search", "Search α",
                          "for each linear input the α of 0, 0.1 … 1 with the least output error", false)}};
            for (auto& parameter : UniformParameters::both({{"activation", "per-token"}}))
                made.parameters.push_back(std::move(parameter));
            return made;
        }();
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        if (told.on("search") && told.given("alpha"))
            throw Error("alpha=" + told.text("alpha") + " with search=on is not possible: the search finds α",
                        "", "Leave one of them out");
        plan.transforms.push_back(std::make_shared<Smooth>(told.real("alpha"), told.on("search")));
        UniformParameters::claim(info().id, told, plan, Plan::Claim::fallback);
    }
};

const Registration<Scheme, SmoothQuant> registration;

} // namespace
} // namespace kurtoscope
