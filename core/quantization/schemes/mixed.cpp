// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

// Mixed precision: the tensors that suffer most get 16 bits. The papers' choice is the residual sum after the
// feed-forward part, which only scope=all-activations puts on a grid.
class Mixed : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"mixed", "Mixed precision",
                                     "uniform integers, with more bits (16) for single sites",
                                     "Bondarenko et al. 2021, arXiv 2109.12948", parameters()};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        const std::string sites = told.text("sites");
        const int bits = told.integer("site_bits");
        for (std::size_t begin = 0; begin <= sites.size();) {
            const std::size_t end = std::min(sites.find('/', begin), sites.size());
            const std::string name = sites.substr(begin, end - begin);
            if (!placeFromName(name)) checkSite(name);
            plan.siteBits[name] = bits;
            begin = end + 1;
        }
        UniformParameters::claim(info().id, told, plan, Plan::Claim::usual);
    }

private:
    static std::vector<ParameterInfo> parameters() {
        auto all = UniformParameters::both();
        all.insert(all.begin(),
                   choiceOf("site_bits", "Bits of those sites", "bits of an activation at the chosen sites",
                            "16", {"2", "3", "4", "5", "6", "7", "8", "16"}));
        all.insert(
            all.begin(),
            textOf("sites", "Sites of other bits",
                   "places or single sites with a slash between them, such as "
                   "mlp_residual/layers.3.mlp_output; those outside the recipe's scope are never rounded",
                   "mlp_residual/mlp_output"));
        return all;
    }
    static void checkSite(const std::string& name) {
        try {
            Site::fromName(name);
        } catch (const Error&) {
            std::string places;
            for (Place place : allPlaces())
                places.append(places.empty() ? "" : ", ").append(placeName(place));
            throw Error("mixed: no place or site is called \"" + name + "\"", "sites",
                        "Give places or sites with a slash between them: " + places +
                            "; a site is layers.N.PLACE");
        }
    }
};

const Registration<Scheme, Mixed> registration;

} // namespace
} // namespace kurtoscope
