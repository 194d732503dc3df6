// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/weight_solver.h"

namespace kurtoscope {

// GPTQ (Frantar et al. 2023, arXiv 2210.17323): column by column to the nearest level, the error of each made
// good by the columns not yet rounded. Kept columns take no part. Inputs that were always zero do not matter
// to the others and go to their nearest level. With `actOrder`, columns of large inputs come first, and
// groups take their scales from the weight as it was; else from what earlier columns made of it.
class Gptq : public WeightSolver {
public:
    Gptq(double damping, bool actOrder) : damping_(damping), actOrder_(actOrder) {}
    std::string key() const override;
    at::Tensor solve(const at::Tensor& weight, const at::Tensor& gram, const WeightRule& rule,
                     const std::set<int>& kept, std::stop_token stop = {}) const override;

private:
    double damping_; // share of the gram matrix' mean diagonal
    bool actOrder_;
};

} // namespace kurtoscope
