// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// What a quantized checkpoint says of itself. Its weights are rounded already when it is opened.
class Stored : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "stored",
            "As stored",
            "for quantized checkpoints: activations rounded as the file says, with its own scales",
            "",
            {}};
        return info;
    }
    void plan(const Told&, Plan& plan) const override { plan.stored = true; }
};

const Registration<Scheme, Stored> registration;

} // namespace
} // namespace kurtoscope
