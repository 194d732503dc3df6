// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

class Fp16 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "fp16",
            "FP16",
            "IEEE half precision: both sides cast, values beyond 65504 become infinite",
            "IEEE 754-2019, binary16",
            {}};
        return info;
    }
    void plan(const Told&, Plan& plan) const override { plan.claimCast(info().id, Format::fp16); }
};

const Registration<Scheme, Fp16> registration;

} // namespace
} // namespace kurtoscope
