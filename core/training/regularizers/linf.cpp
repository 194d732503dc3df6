// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/regularizer.h"

namespace kurtoscope {
namespace {

class LargestPenalty : public Penalty {
public:
    at::Tensor ofOutput(const Linear&, const at::Tensor& rows) const override {
        return rows.abs().amax(-1).mean();
    }
};

class Largest : public Regularizer {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"linf", "ℓ∞ of outputs",
                                     "the largest magnitude of each token in every linear layer's output", "",
                                     weighted("0.0001")};
        return info;
    }
    std::unique_ptr<Penalty> make(const Told&) const override { return std::make_unique<LargestPenalty>(); }
};

const Registration<Regularizer, Largest> registration;

} // namespace
} // namespace kurtoscope
