// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/weight_parameters.h"

namespace kurtoscope {
namespace {

class RoundToNearest : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{"rtn", "RTN", "weights alone, in groups, each to its nearest level",
                                     "the baseline of Frantar et al. 2023, arXiv 2210.17323",
                                     WeightParameters::all(true, true)};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        WeightParameters::claim(info().id, told, plan, WeightParameters::rule(told));
    }
};

const Registration<Scheme, RoundToNearest> registration;

} // namespace
} // namespace kurtoscope
