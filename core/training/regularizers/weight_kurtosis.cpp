// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/kurtosis.h"
#include "core/training/regularizer.h"

namespace kurtoscope {
namespace {

class WeightKurtosisPenalty : public Penalty {
public:
    explicit WeightKurtosisPenalty(double target) : target_(target) {}
    at::Tensor ofWeight(const Linear& linear) const override {
        return (meanKurtosis(linear.weight.reshape({1, -1})) - target_).square();
    }

private:
    double target_;
};

class WeightKurtosis : public Regularizer {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "weight-kurtosis", "Weight kurtosis",
            "the squared distance of every linear weight's kurtosis from a target, 1.8 being a uniform one's",
            "Shkolnik et al. 2020, KURE, arXiv 2002.07686",
            weighted("0.01",
                     {realOf("target", "Target", "kurtosis that weights are drawn to", "1.8", 1, 100)})};
        return info;
    }
    std::unique_ptr<Penalty> make(const Told& told) const override {
        return std::make_unique<WeightKurtosisPenalty>(told.real("target"));
    }
};

const Registration<Regularizer, WeightKurtosis> registration;

} // namespace
} // namespace kurtoscope
