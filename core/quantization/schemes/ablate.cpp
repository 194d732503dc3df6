// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// Not quantization: the recipe's chosen channels of one place are changed, to see what they carry.
class Ablate : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "ablate",
            "Ablate channels",
            "no quantization: chosen channels of one place zeroed, clamped or set to their mean",
            "Kovaleva et al. 2021, arXiv 2105.06990; Sun et al. 2024, Massive Activations, arXiv 2402.17762",
            {choiceOf(
                 "how", "How",
                 "zero; clamp: to the largest |x| of the channels not chosen; mean: to the channel's mean "
                 "over calibration",
                 "zero", {"zero", "clamp", "mean"}),
             textOf(
                 "place", "Place",
                 "whose channels; the recipe's keep or chosen channels say which, left out: the largest of "
                 "each layer",
                 "mlp_residual"),
             choiceOf("tokens", "Tokens", "all, or the first of each sequence, where massive activations sit",
                      "all", {"all", "first"})}};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        const std::string name = told.text("place");
        const auto place = placeFromName(name);
        std::string known;
        for (Place one : allPlaces())
            if (hasChannels(one)) known.append(known.empty() ? "" : ", ").append(placeName(one));
        if (!place || !hasChannels(*place))
            throw Error("ablate has no place \"" + name + "\"", "place", "Possible: " + known);
        AblationRule rule;
        if (told.text("how") == "clamp") rule.how = AblationRule::How::clamp;
        if (told.text("how") == "mean") rule.how = AblationRule::How::mean;
        rule.firstTokenOnly = told.text("tokens") == "first";
        rule.place = name;
        plan.ablation = rule;
        plan.keep = "top:1";
    }

private:
    // Of attn_probs the channels are positions; the model's output is never changed.
    static bool hasChannels(Place place) {
        return place != Place::attn_probs && place != Place::final_norm && place != Place::logits;
    }
};

const Registration<Scheme, Ablate> registration;

} // namespace
} // namespace kurtoscope
