// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/fake_quantize.h"

#include "core/base/parallel.h"

#include <torch/csrc/autograd/custom_function.h>

#include <array>

namespace kurtoscope {
namespace {

constexpr std::int64_t shareValues = 16'384;

// Grid::over for either width of number.
template <class T>
struct Levels {
    T scale, zero, low, high, zeroError; // zeroError: what rounding the zero point added to it
    Levels(T least, T top, int bits) {
        low = -T(1 << (bits - 1)), high = -low - 1;
        const T bottom = std::min(least, T(0));
        scale = (std::max(top, T(0)) - bottom) / (high - low);
        zero = scale > 0 ? std::nearbyint(low - bottom / scale) : low;
        if (!(scale > 0)) scale = 1;
        zeroError = zero - (low - bottom / scale);
    }
};

// What reaches the two ends, summed over shares of the tensor in their order: by the gradient above, and by
// the distances between rounded and given values, in steps.
struct Sums {
    double above = 0, below = 0, error = 0;
    double overshoot = 0, undershoot = 0, squaredErrors = 0, squares = 0;
    void add(const Sums& other) {
        above += other.above, below += other.below, error += other.error;
        overshoot += other.overshoot, undershoot += other.undershoot;
        squaredErrors += other.squaredErrors, squares += other.squares;
    }
};

template <class T>
Sums backwardShare(const T* x, const T* g, T* out, std::int64_t count, const Levels<T>& levels) {
    T above = 0, below = 0, error = 0, overshoot = 0, undershoot = 0, squaredErrors = 0, squares = 0;
#pragma omp simd reduction(+ : above, below, error, overshoot, undershoot, squaredErrors, squares)
    for (std::int64_t i = 0; i < count; ++i) {
        const T u = x[i] / levels.scale + levels.zero;
        const bool over = u > levels.high, under = u < levels.low;
        const T inside = over || under ? T(0) : g[i], rest = std::nearbyint(u) - u;
        above += over ? g[i] : T(0);
        below += under ? g[i] : T(0);
        error += inside * rest;
        overshoot += over ? levels.high - u : T(0);
        undershoot += under ? levels.low - u : T(0);
        squaredErrors += over || under ? T(0) : rest * rest;
        squares += (u - levels.zero) * (u - levels.zero);
        out[i] = inside;
    }
    return {double(above),      double(below),         double(error),  double(overshoot),
            double(undershoot), double(squaredErrors), double(squares)};
}

template <class T>
Sums backwardAll(const at::Tensor& x, const at::Tensor& g, at::Tensor& out, const Levels<T>& levels) {
    const std::int64_t count = x.numel(), shares = (count + shareValues - 1) / shareValues;
    std::vector<Sums> parts(static_cast<std::size_t>(shares));
    const T *from = x.const_data_ptr<T>(), *above = g.const_data_ptr<T>();
    T* to = out.data_ptr<T>();
    parallelFor(shares, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t share = begin; share < end; ++share) {
            const std::int64_t at = share * shareValues;
            parts[static_cast<std::size_t>(share)] =
                backwardShare(from + at, above + at, to + at, std::min(shareValues, count - at), levels);
        }
    });
    Sums all;
    for (const Sums& part : parts)
        all.add(part);
    return all;
}

// The same by tensor operators, for any device.
Sums backwardAnywhere(const at::Tensor& x, const at::Tensor& g, at::Tensor& out,
                      const Levels<float>& levels) {
    const at::Tensor u = x / levels.scale + levels.zero, over = u > levels.high, under = u < levels.low;
    const at::Tensor outside = over.logical_or(under), rest = u.round() - u;
    out = g.masked_fill(outside, 0);
    const auto sum = [](const at::Tensor& values) { return values.sum().item<double>(); };
    return {sum(g.masked_select(over)),
            sum(g.masked_select(under)),
            sum(out * rest),
            sum((levels.high - u).masked_select(over)),
            sum((levels.low - u).masked_select(under)),
            sum(rest.square().masked_fill(outside, 0)),
            sum((u - levels.zero).square())};
}

template <class T>
at::Tensor roundedPlainly(const at::Tensor& x, const Levels<T>& levels) {
    return ((x / double(levels.scale) + double(levels.zero))
                .clamp(double(levels.low), double(levels.high))
                .round() -
            double(levels.zero)) *
           double(levels.scale);
}

std::array<double, 2> endsOf(const at::Tensor& clip) {
    const at::Tensor plain = clip.detach().to(at::kCPU, at::kDouble);
    return {plain[0].item<double>(), plain[1].item<double>()};
}

class FakeQuantize : public torch::autograd::Function<FakeQuantize> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& given,
                              const at::Tensor& clip, std::int64_t bits, double pull) {
        const at::Tensor x = given.contiguous();
        context->save_for_backward({x, clip});
        context->saved_data["bits"] = bits;
        context->saved_data["pull"] = pull;
        const auto [low, high] = endsOf(clip);
        if (x.scalar_type() == at::kDouble)
            return roundedPlainly(x, Levels<double>(low, high, static_cast<int>(bits)));
        const std::vector<int> lengths(static_cast<std::size_t>(x.size(0)), static_cast<int>(x.size(-2)));
        return roundActivation(x, clipRounding(low, high, static_cast<int>(bits)), lengths);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& above) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &clip = saved[1];
        const int bits = static_cast<int>(context->saved_data["bits"].toInt());
        const at::Tensor g = above[0].contiguous();
        const auto [low, high] = endsOf(clip);
        at::Tensor gradient = at::empty_like(x);
        Sums sums;
        double levels = 0, zeroError = 0;
        if (x.scalar_type() == at::kDouble) {
            const Levels<double> grid(low, high, bits);
            sums = backwardAll<double>(x, g, gradient, grid);
            levels = grid.high - grid.low, zeroError = grid.zeroError;
        } else {
            const Levels<float> grid(static_cast<float>(low), static_cast<float>(high), bits);
            sums = x.is_cpu() ? backwardAll<float>(x, g, gradient, grid)
                              : backwardAnywhere(x, g, gradient, grid);
            levels = double(grid.high - grid.low), zeroError = double(grid.zeroError);
        }
        // With s = (c+ − c−)/n and z = low − c−/s + e: inside x + s·error, above c+ − s·e, below c− − s·e.
        const double byScale = (sums.error - zeroError * (sums.above + sums.below)) / levels;
        double byLow = sums.below - byScale, byHigh = sums.above + byScale;
        if (const double pull = context->saved_data["pull"].toDouble(); pull > 0 && sums.squares > 0) {
            // The same, where what comes from above is the slope of Σ (rounded − x)² / Σ x².
            const double outside = sums.overshoot + sums.undershoot, step = (high - low) / levels,
                         factor = pull * 2 / (sums.squares * step),
                         errorByScale = (sums.squaredErrors - zeroError * outside) / levels;
            byLow += factor * (sums.undershoot - errorByScale);
            byHigh += factor * (sums.overshoot + errorByScale);
        }
        const at::Tensor ends = at::empty({2}, clip.options().device(at::kCPU));
        ends[0] = byLow;
        ends[1] = byHigh;
        return {gradient, ends.to(clip.device()), at::Tensor(), at::Tensor()};
    }
};

} // namespace

SiteRounding clipRounding(double low, double high, int bits) {
    SiteRounding rounding;
    rounding.rule.bits = bits;
    rounding.rule.symmetric = false;
    rounding.rule.dynamic = false;
    rounding.grid = Grid::over(static_cast<float>(low), static_cast<float>(high), bits, false);
    return rounding;
}

at::Tensor fakeQuantize(const at::Tensor& x, const at::Tensor& clip, int bits, double pull) {
    return FakeQuantize::apply(x, clip, std::int64_t{bits}, pull);
}

at::Tensor straightThrough(const at::Tensor& x, const at::Tensor& rounded) {
    return rounded.detach() + (x - x.detach()); // x − x is 0 exactly
}

} // namespace kurtoscope
