// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/criterion.h"
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Outlier channels in high precision, the rest in integers: a fixed list, by a criterion over calibration or
// chosen by hand.
class Kept : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"kept", "Kept channels",
                                     "uniform integers, with the channels that a criterion marks as outliers "
                                     "kept in high precision",
                                     "after Dettmers et al. 2022, arXiv 2208.07339, with a fixed list",
                                     parameters()};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        const std::string criterion = told.text("criterion");
        const std::string threshold = told.text("threshold");
        Criterion kept = Criterion::parse(criterion + ":" + threshold);
        if (!told.given("threshold"))
            for (const CriterionKind& kind : criterionKinds())
                if (kind.kind == kept.kind) kept.value = kind.usual;
        plan.keep = kept.text();
        UniformParameters::claim(info().id, told, plan, Plan::Claim::usual);
    }

private:
    static std::vector<ParameterInfo> parameters() {
        auto all = UniformParameters::both();
        all.insert(
            all.begin(),
            {choiceOf(
                 "criterion", "Criterion",
                 "ratio: larger than R times the site's median channel; top: the K largest of each site; "
                 "magnitude: LLM.int8()'s rule; sigma: S standard deviations from the mean. A recipe's "
                 "own keep, or channels chosen by hand, stand in its place",
                 "ratio", {"ratio", "top", "magnitude", "sigma"}),
             realOf("threshold", "Threshold",
                    "the criterion's R, K, M or S; left out: 20 for ratio, 4 for top, 6 for the others", "20",
                    0, 1e9)});
        return all;
    }
};

const Registration<Scheme, Kept> registration;

} // namespace
} // namespace kurtoscope
