// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/regularizer.h"

namespace kurtoscope {
namespace {

// Linear layers read sign(x)·|x|^p, which pulls large values in; p rises to 1, so that the model that
// training ends with is a plain one.
class PowerReshape : public Penalty {
public:
    PowerReshape(double power, double until) : power_(power), until_(until) {}
    bool reshapes() const override { return true; }
    at::Tensor reshaped(Site, const at::Tensor& x, double done) const override {
        if (done >= until_) return x;
        const double power = power_ + (1 - power_) * done / until_;
        // |x|^p has no slope at 0 for p < 1; a small floor under |x| gives it a steep finite one.
        constexpr double floor = 1e-3;
        return x.sign() * ((x.abs() + floor).pow(power) - std::pow(floor, power));
    }

private:
    double power_, until_;
};

class PowerTransform : public Regularizer {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "power-transform",
            "Power transform",
            "linear layers read sign(x)·|x|^p while training, with p rising to 1",
            "",
            {realOf("p", "Power", "that training begins with; 1 changes nothing", "0.8", 0.1, 1),
             realOf("until", "Until", "share of the steps after which nothing is changed any more", "0.8",
                    0.01, 1)}};
        return info;
    }
    std::unique_ptr<Penalty> make(const Told& told) const override {
        return std::make_unique<PowerReshape>(told.real("p"), told.real("until"));
    }
};

const Registration<Regularizer, PowerTransform> registration;

} // namespace
} // namespace kurtoscope
