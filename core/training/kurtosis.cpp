// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/kurtosis.h"

#include "core/base/parallel.h"

#include <torch/csrc/autograd/custom_function.h>

namespace kurtoscope {
namespace {

constexpr double tiny = 1e-12;
constexpr std::int64_t shareValues = 16'384;

struct RowMoments {
    double mean = 0, m2 = 0, m3 = 0, m4 = 0;
    double kurtosis() const { return m4 / (m2 * m2 + tiny); }
};

template <class T>
RowMoments momentsOf(const T* row, std::int64_t n) {
    RowMoments m;
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < n; ++i)
        sum += row[i];
    const T mean = sum / T(n);
    T two = 0, three = 0, four = 0;
#pragma omp simd reduction(+ : two, three, four)
    for (std::int64_t i = 0; i < n; ++i) {
        const T d = row[i] - mean, square = d * d;
        two += square, three += square * d, four += square * square;
    }
    m.mean = double(mean), m.m2 = double(two) / double(n), m.m3 = double(three) / double(n),
    m.m4 = double(four) / double(n);
    return m;
}

template <class T>
void kurtosisRows(const at::Tensor& rows, double* out) {
    const T* values = rows.const_data_ptr<T>();
    const std::int64_t count = rows.size(0), n = rows.size(1);
    parallelFor(count, std::max<std::int64_t>(1, shareValues / n), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
            out[row] = momentsOf(values + row * n, n).kurtosis();
    });
}

// dK/dx = 4/n · ((d³ − m₃) − 2 m₄ m₂ d / (m₂² + ε)) / (m₂² + ε), d = x − mean.
template <class T>
void kurtosisGradient(const at::Tensor& rows, double share, at::Tensor& gradient) {
    const T* values = rows.const_data_ptr<T>();
    T* out = gradient.data_ptr<T>();
    const std::int64_t count = rows.size(0), n = rows.size(1);
    parallelFor(count, std::max<std::int64_t>(1, shareValues / n), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const T* x = values + row * n;
            const RowMoments m = momentsOf(x, n);
            const double bottom = m.m2 * m.m2 + tiny, factor = share * 4 / double(n) / bottom;
            const T scale = T(factor), slope = T(factor * m.m4 * m.m2 / bottom), shift = T(factor * m.m3),
                    mean = T(m.mean);
            T* to = out + row * n;
#pragma omp simd
            for (std::int64_t i = 0; i < n; ++i) {
                const T d = x[i] - mean;
                to[i] = (scale * d * d - slope) * d - shift;
            }
        }
    });
}

class MeanKurtosis : public torch::autograd::Function<MeanKurtosis> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& given) {
        const at::Tensor rows = given.contiguous();
        context->save_for_backward({rows});
        std::vector<double> all(static_cast<std::size_t>(rows.size(0)));
        if (rows.scalar_type() == at::kDouble)
            kurtosisRows<double>(rows, all.data());
        else
            kurtosisRows<float>(rows, all.data());
        double sum = 0;
        for (double one : all)
            sum += one;
        return at::full({}, sum / std::max<double>(1, double(all.size())), rows.options());
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& above) {
        const at::Tensor rows = context->get_saved_variables()[0];
        const double share = above[0].item<double>() / double(rows.size(0));
        at::Tensor gradient = at::empty_like(rows);
        if (rows.scalar_type() == at::kDouble)
            kurtosisGradient<double>(rows, share, gradient);
        else
            kurtosisGradient<float>(rows, share, gradient);
        return {gradient};
    }
};

} // namespace

at::Tensor meanKurtosis(const at::Tensor& rows) {
    if (rows.is_cpu()) return MeanKurtosis::apply(rows);
    const at::Tensor d = rows - rows.mean(-1, true), square = d.square();
    return (square.square().mean(-1) / (square.mean(-1).square() + tiny)).mean();
}

} // namespace kurtoscope
