// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/solvers/clip_search.h"

#include "core/base/stop.h"
#include "core/quantization/round_weight.h"

namespace kurtoscope {
namespace {

constexpr int steps = 20, tried = 10; // down to 1 − 9/20 of the largest magnitude

// `weight` [out, column], all of whose columns share a scale in each output.
at::Tensor clipped(const at::Tensor& weight, const at::Tensor& gram, const WeightRule& rule,
                   const std::set<int>& kept) {
    at::Tensor inlier = at::ones({weight.size(1)}, weight.options().dtype(at::kBool));
    for (const int column : kept)
        inlier[column] = false;
    const at::Tensor reach =
        at::where(inlier, weight.abs(), at::zeros({}, weight.options())).amax(1, true); // [out, 1]
    at::Tensor best, least;
    for (int step = 0; step < tried; ++step) {
        const at::Tensor bound = reach * (1 - double(step) / steps);
        const at::Tensor rounded =
            roundWeight(at::where(inlier, weight.clamp(-bound, bound), weight), rule, kept);
        const at::Tensor off = rounded - weight, error = (at::matmul(off, gram) * off).sum(1, true);
        const at::Tensor better = step == 0 ? at::ones_like(error, at::kBool) : error < least;
        best = step == 0 ? rounded : at::where(better, rounded, best);
        least = step == 0 ? error : at::where(better, error, least);
    }
    return best;
}

} // namespace

at::Tensor ClipSearch::solve(const at::Tensor& weight, const at::Tensor& gram, const WeightRule& rule,
                             const std::set<int>& kept, std::stop_token stop) const {
    WeightRule nearest = rule;
    nearest.solver = nullptr;
    const std::int64_t inputs = weight.size(1),
                       width = rule.granularity == Granularity::per_group ? rule.group : inputs;
    at::Tensor result = at::empty_like(weight);
    for (std::int64_t begin = 0; begin < inputs; begin += width) {
        throwIfStopped(stop);
        const std::int64_t size = std::min(width, inputs - begin);
        std::set<int> mine;
        for (const int column : kept)
            if (column >= begin && column < begin + size) mine.insert(int(column - begin));
        result.narrow(1, begin, size)
            .copy_(clipped(weight.narrow(1, begin, size), gram.narrow(0, begin, size).narrow(1, begin, size),
                           nearest, mine));
    }
    return result;
}

} // namespace kurtoscope
