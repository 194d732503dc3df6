// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/solvers/gptq.h"

#include "core/base/error.h"
#include "core/base/stop.h"

#include <numeric>

namespace kurtoscope {
namespace {

constexpr std::int64_t lazyColumns = 128;

// One scale and zero point for each output.
struct Levels {
    at::Tensor scale, zero; // [out]
    double low = 0, high = 0;

    at::Tensor put(const at::Tensor& column) const {
        return ((column / scale + zero).clamp(low, high).round() - zero) * scale;
    }
};

Levels over(const at::Tensor& columns, const WeightRule& rule) { // [column, out]
    const at::Tensor least = columns.amin(0).clamp_max(0), most = columns.amax(0).clamp_min(0);
    Levels made;
    made.high = double((1 << (rule.symmetric ? rule.bits - 1 : rule.bits)) - 1);
    const bool full = rule.symmetric && rule.fullRange;
    made.low = full ? -made.high - 1 : rule.symmetric ? -made.high : 0;
    made.scale =
        (rule.symmetric ? at::maximum(-least, most) : most - least) / (full ? made.high + 0.5 : made.high);
    made.scale = made.scale.to(at::kFloat).to(at::kDouble); // as it is stored
    made.scale = at::where(made.scale > 0, made.scale, at::ones_like(made.scale));
    made.zero = rule.symmetric ? at::zeros_like(made.scale) : (-least / made.scale).round();
    return made;
}

// U with UᵀU the inverse of the damped gram matrix: its rows say how an error spreads to later columns.
at::Tensor spreadOf(at::Tensor gram, double damping) {
    const at::Tensor diagonal = gram.diagonal();
    const at::Tensor live = diagonal > 0;
    const double count = live.sum().item<double>(),
                 mean = count > 0 ? (diagonal * live).sum().item<double>() / count : 1;
    gram.diagonal().copy_(at::where(live, diagonal, at::full_like(diagonal, mean)) + damping * mean);
    const auto [lower, failed] = at::linalg_cholesky_ex(gram);
    if (failed.item<int>() == 0) {
        const auto [upper, again] = at::linalg_cholesky_ex(at::cholesky_inverse(lower), true);
        if (again.item<int>() == 0) return upper;
    }
    throw Error("GPTQ found no solution: the inputs of this layer depend on one another too closely", "",
                "Raise damping, or calibrate on more windows");
}

} // namespace

std::string Gptq::key() const {
    return "gptq " + std::to_string(damping_) + (actOrder_ ? " ordered" : "");
}

at::Tensor Gptq::solve(const at::Tensor& weight, const at::Tensor& gram, const WeightRule& rule,
                       const std::set<int>& kept, std::stop_token stop) const {
    if (!at::isfinite(gram).all().item<bool>())
        throw Error("the layer's inputs are not all finite", "", "Look for NaN with \"kurtoscope inspect\"");
    std::vector<std::int64_t> order;
    for (int column = 0; column < weight.size(1); ++column)
        if (!kept.contains(column)) order.push_back(column);
    if (order.empty()) return weight.clone();
    if (actOrder_) {
        const at::Tensor diagonal = gram.diagonal().to(at::kCPU).contiguous();
        const float* of = diagonal.const_data_ptr<float>();
        std::stable_sort(order.begin(), order.end(),
                         [&](std::int64_t a, std::int64_t b) { return of[a] > of[b]; });
    }
    const auto count = static_cast<std::int64_t>(order.size());
    const auto groupAt = [&](std::int64_t i) {
        return rule.granularity == Granularity::per_group ? order[std::size_t(i)] / rule.group : 0;
    };
    const bool flowing = rule.granularity == Granularity::per_group && !actOrder_;
    const at::Tensor index = at::tensor(order, at::kLong).to(weight.device());
    at::Tensor columns = weight.index_select(1, index).to(at::kDouble).t().contiguous(); // [column, out]
    const at::Tensor spread =
        spreadOf(gram.index_select(0, index).index_select(1, index).to(at::kDouble), damping_);
    const at::Tensor ownSpread = spread.diagonal().to(at::kCPU).contiguous();

    std::map<std::int64_t, Levels> levels;
    if (!flowing) {
        std::map<std::int64_t, std::vector<std::int64_t>> members;
        for (std::int64_t i = 0; i < count; ++i)
            members[groupAt(i)].push_back(i);
        for (const auto& [group, of] : members)
            levels[group] =
                over(columns.index_select(0, at::tensor(of, at::kLong).to(weight.device())), rule);
    }
    at::Tensor rounded = at::empty_like(columns);
    for (std::int64_t begin = 0; begin < count;) {
        throwIfStopped(stop);
        // A group's scale is taken when its first column is due, so no group may reach beyond a lazy block.
        std::int64_t end = begin + 1;
        while (end < count && (end - begin < lazyColumns || (flowing && groupAt(end) == groupAt(end - 1))))
            ++end;
        const at::Tensor block = columns.narrow(0, begin, end - begin);
        at::Tensor errors = at::empty_like(block);
        for (std::int64_t i = begin; i < end; ++i) {
            if (flowing && (i == 0 || groupAt(i) != groupAt(i - 1))) {
                std::int64_t last = i + 1;
                while (last < end && groupAt(last) == groupAt(i))
                    ++last;
                levels[groupAt(i)] = over(columns.narrow(0, i, last - i), rule);
            }
            const at::Tensor column = columns.select(0, i), to = levels.at(groupAt(i)).put(column);
            rounded.select(0, i).copy_(to);
            const at::Tensor error = (column - to) / ownSpread.const_data_ptr<double>()[i];
            errors.select(0, i - begin).copy_(error);
            if (i + 1 < end)
                columns.narrow(0, i + 1, end - i - 1)
                    .addmm_(spread[i].narrow(0, i + 1, end - i - 1).unsqueeze(1), error.unsqueeze(0), 1, -1);
        }
        if (end < count)
            columns.narrow(0, end, count - end)
                .addmm_(spread.narrow(0, begin, end - begin).narrow(1, end, count - end).t(), errors, 1, -1);
        begin = end;
    }
    at::Tensor result = weight.clone();
    result.index_copy_(1, index, rounded.t().to(at::kFloat));
    return result;
}

} // namespace kurtoscope
