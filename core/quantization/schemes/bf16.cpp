// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

class Bf16 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"bf16",
                                     "BF16",
                                     "bfloat16: both sides cast, float32's range with 8 bits of precision",
                                     "Kalamkar et al. 2019, arXiv 1905.12322",
                                     {}};
        return info;
    }
    void plan(const Told&, Plan& plan) const override { plan.claimCast(info().id, Format::bf16); }
};

const Registration<Scheme, Bf16> registration;

} // namespace
} // namespace kurtoscope
