// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// What engines do around integer products: attention in bfloat16, where its two products take half the time.
class Attention : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "attention",
            "BF16 attention",
            "queries, keys, values and softmax's result cast to bfloat16 for attention's two products, sums and "
            "softmax in float32; all else left to other schemes: w8a8+attention",
            "Kalamkar et al. 2019, arXiv 1905.12322",
            {}};
        return info;
    }
    void plan(const Told&, Plan& plan) const override { plan.bf16Attention = true; }
};

const Registration<Scheme, Attention> registration;

} // namespace
} // namespace kurtoscope
