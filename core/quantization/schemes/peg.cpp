// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Per-embedding-group: channels sorted by range and cut into groups of equal size, each with its own range.
class Peg : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "peg", "Per-embedding-group",
            "uniform integers with one activation range for each of K groups of channels",
            "Bondarenko et al. 2021, arXiv 2109.12948", parameters()};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        auto activation = UniformParameters::activationRule(told, settled());
        if (activation) {
            activation->embeddingGroups = told.integer("groups");
            activation->permute = told.on("permute");
        }
        const auto weight = UniformParameters::weightRule(told, settled());
        UniformParameters::claim(info().id, told, plan, activation, weight, {"groups", "permute"});
    }

private:
    static UniformParameters::Values settled() {
        return {
            {"activation", "per-tensor"}, {"activation_group", "64"}, {"range", "minmax"}, {"p", "99.99"}};
    }
    static std::vector<ParameterInfo> parameters() {
        auto all = UniformParameters::both({}, settled());
        all.insert(
            all.begin(),
            {integerOf("groups", "Groups",
                       "K, the number of ranges along the channels of sites as wide as the embedding; the "
                       "others keep one",
                       4, 1, 65536),
             switchOf("permute", "Permute",
                      "channels sorted by their calibrated range first; off: neighbours go together", true)});
        return all;
    }
};

const Registration<Scheme, Peg> registration;

} // namespace
} // namespace kurtoscope
