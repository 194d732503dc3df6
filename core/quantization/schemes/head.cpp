// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// The output head is the largest matrix of a small language model. Recipes leave it in high precision, as
// loaders do, unless this is put behind them.
class Head : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"head",
                                     "Output head",
                                     "a decoder's output head rounded as the other linear layers are; "
                                     "how, other schemes say: w8a8+head",
                                     "",
                                     {}};
        return info;
    }
    void plan(const Told&, Plan& plan) const override { plan.head = true; }
};

const Registration<Scheme, Head> registration;

} // namespace
} // namespace kurtoscope
