// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

class Fp32 : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "fp32", "FP32", "float32 everywhere: what the others are measured against", "", {}};
        return info;
    }
    void plan(const Told&, Plan&) const override {}
};

const Registration<Scheme, Fp32> registration;

} // namespace
} // namespace kurtoscope
