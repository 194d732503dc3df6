// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/weight_solver.h"

namespace kurtoscope {

// AWQ's weight clipping (Lin et al. 2024, arXiv 2306.00978): the weights that share a scale are clamped to
// 1, 0.95 … 0.55 of their largest magnitude before they go to nearest levels, whichever lets their part of
// the output err least. Queries and keys, which meet in a product, are not clipped, as in the authors' code.
class ClipSearch : public WeightSolver {
public:
    std::string key() const override { return "clip"; }
    bool takes(Place output) const override { return output != Place::query && output != Place::key; }
    at::Tensor solve(const at::Tensor& weight, const at::Tensor& gram, const WeightRule& rule,
                     const std::set<int>& kept, std::stop_token stop = {}) const override;
};

} // namespace kurtoscope
