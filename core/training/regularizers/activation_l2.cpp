// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/regularizer.h"

namespace kurtoscope {
namespace {

class SquarePenalty : public Penalty {
public:
    explicit SquarePenalty(bool inputs) : inputs_(inputs) {}
    at::Tensor ofOutput(const Linear&, const at::Tensor& rows) const override {
        return inputs_ ? at::Tensor() : rows.square().mean();
    }
    at::Tensor ofInput(Site, const at::Tensor& rows) const override {
        return inputs_ ? rows.square().mean() : at::Tensor();
    }

private:
    bool inputs_;
};

class ActivationL2 : public Regularizer {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "activation-l2", "L2 of activations", "the mean square of what linear layers make or read",
            "Merity et al. 2017, arXiv 1708.01009",
            weighted("0.0001", {choiceOf("side", "Side", "the linear layers' outputs or their inputs",
                                         "outputs", {"outputs", "inputs"})})};
        return info;
    }
    std::unique_ptr<Penalty> make(const Told& told) const override {
        return std::make_unique<SquarePenalty>(told.text("side") == "inputs");
    }
};

const Registration<Regularizer, ActivationL2> registration;

} // namespace
} // namespace kurtoscope
