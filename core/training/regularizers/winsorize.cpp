// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/regularizer.h"

namespace kurtoscope {
namespace {

// Linear layers read values clamped to so many standard deviations of the whole tensor. What was clamped gets
// no gradient, so nothing gains by growing.
class Clamp : public Penalty {
public:
    explicit Clamp(double sigma) : sigma_(sigma) {}
    bool reshapes() const override { return true; }
    at::Tensor reshaped(Site, const at::Tensor& x, double) const override {
        const at::Tensor plain = x.detach(), mean = plain.mean(), reach = plain.std() * sigma_;
        return at::clamp(x, mean - reach, mean + reach);
    }

private:
    double sigma_;
};

class Winsorize : public Regularizer {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "winsorize",
            "Winsorization",
            "linear layers read values clamped to a few standard deviations while training",
            "",
            {realOf("sigma", "Deviations", "of the whole tensor, beyond which values are clamped", "4", 0.5,
                    1000)}};
        return info;
    }
    std::unique_ptr<Penalty> make(const Told& told) const override {
        return std::make_unique<Clamp>(told.real("sigma"));
    }
};

const Registration<Regularizer, Winsorize> registration;

} // namespace
} // namespace kurtoscope
