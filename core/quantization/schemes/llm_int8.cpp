// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Channels that reach the threshold anywhere in a sequence stay out of its rounding and meet the weight as it
// was (in bitsandbytes, which keeps no other, the rounded one); which ones is found at run time, so their
// weights are counted in no size.
class LlmInt8 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"llm-int8", "LLM.int8()",
                                     "per-token and per-channel integers; channels over a threshold found in "
                                     "each sequence and multiplied in high precision",
                                     "Dettmers et al. 2022, LLM.int8(), arXiv 2208.07339", parameters()};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        auto activation = UniformParameters::activationRule(told, settled());
        if (activation) {
            activation->threshold = told.real("threshold");
            activation->outliersMeetRounded = told.text("outliers") == "bitsandbytes";
        }
        const auto weight = UniformParameters::weightRule(told, settled());
        UniformParameters::claim(info().id, told, plan, activation, weight, {"threshold", "outliers"});
    }

private:
    static UniformParameters::Values settled() {
        return {{"activation", "per-token"}, {"activation_group", "64"}, {"dynamic", "on"},
                {"symmetric", "on"},         {"range", "minmax"},        {"p", "99.99"}};
    }
    static std::vector<ParameterInfo> parameters() {
        auto all = UniformParameters::both({}, settled());
        all.insert(
            all.begin(),
            {realOf("threshold", "Threshold", "|x| from which on a channel stays out", "6", 0.001, 1e9),
             choiceOf("outliers", "Channels over it",
                      "paper: left out of each token's range, and multiplied by the weight as it was; "
                      "bitsandbytes: as that library does, what lies below the threshold in them counts "
                      "in a token's range, and they meet the rounded weight",
                      "paper", {"paper", "bitsandbytes"})});
        return all;
    }
};

const Registration<Scheme, LlmInt8> registration;

} // namespace
} // namespace kurtoscope
