// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/activation.h"

#include "core/base/error.h"
#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/base/phases.h"
#include "core/engine/kernels/float_product.h"
#include "core/engine/library_operators.h"

#include <algorithm>

#include <c10/core/GradMode.h>

namespace kurtoscope {
namespace {

// LibTorch computes what is left over at the end of a thread's share with another exp than the rest, so
// results would depend on the number of threads and on the other rows. Here shares end where rows do; rows
// that are no whole number of vectors are computed one by one.
at::Tensor bySharesOfRows(const at::Tensor& x, void (*function)(at::Tensor& out, const at::Tensor& in)) {
    constexpr std::int64_t vector = 64, shareValues = 16'384;
    const at::Tensor in = x.contiguous();
    at::Tensor out = at::empty_like(in);
    if (!x.is_cpu() || x.numel() == 0) {
        function(out, in);
        return out;
    }
    const std::int64_t width = x.size(-1), rows = x.numel() / width,
                       step = width % vector == 0 ? std::max<std::int64_t>(1, shareValues / width) : 1;
    const at::Tensor from = in.view({rows, width}), to = out.view({rows, width});
    parallelFor((rows + step - 1) / step, std::max<std::int64_t>(1, shareValues / (step * width)),
                [&](std::int64_t begin, std::int64_t end) {
                    const c10::InferenceMode inference; // a state of each thread
                    for (std::int64_t share = begin; share < end; ++share) {
                        const std::int64_t count = std::min(step, rows - share * step);
                        at::Tensor part = to.narrow(0, share * step, count);
                        function(part, from.narrow(0, share * step, count));
                    }
                });
    return out;
}

// Whether x must go through an operator as a whole: somebody will ask for the gradient of what is made of it,
// which writing into a given tensor forgets, or nothing else may touch its bits.
bool needsOperator(const at::Tensor& x) {
    return LibraryOperators::asked() || (c10::GradMode::is_enabled() && x.requires_grad());
}

} // namespace

Activation activationFunction(const std::string& name, const std::string& where) {
    if (name == "gelu")
        return {[](const at::Tensor& x) {
                    if (needsOperator(x)) return at::gelu(x);
                    return bySharesOfRows(
                        x, [](at::Tensor& out, const at::Tensor& in) { at::gelu_out(out, in); });
                },
                geluRow};
    if (name == "gelu_new" || name == "gelu_pytorch_tanh")
        return {[](const at::Tensor& x) {
                    if (needsOperator(x)) return at::gelu(x, "tanh");
                    return bySharesOfRows(
                        x, [](at::Tensor& out, const at::Tensor& in) { at::gelu_out(out, in, "tanh"); });
                },
                geluTanhRow};
    if (name == "relu") return {[](const at::Tensor& x) { return at::relu(x); }, reluRow};
    if (name == "silu" || name == "swish")
        return {[](const at::Tensor& x) {
                    if (needsOperator(x)) return at::silu(x);
                    return bySharesOfRows(
                        x, [](at::Tensor& out, const at::Tensor& in) { at::silu_out(out, in); });
                },
                siluRow};
    if (name == "tanh")
        return {[](const at::Tensor& x) {
                    if (needsOperator(x)) return at::tanh(x);
                    return bySharesOfRows(
                        x, [](at::Tensor& out, const at::Tensor& in) { at::tanh_out(out, in); });
                },
                nullptr};
    throw Error("\"hidden_act\" is \"" + name + "\", which is not supported", where,
                "Supported: gelu, gelu_new, gelu_pytorch_tanh, relu, silu, tanh");
}

bool isPlain(const at::Tensor& x) {
    return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous() && !needsOperator(x);
}

at::Tensor Activation::operator()(const at::Tensor& x) const {
    if (!row || !isPlain(x)) return operators(x);
    at::Tensor y = x.clone();
    Then{this, nullptr, nullptr}.finishAll(y);
    return y;
}

at::Tensor Then::applied(const at::Tensor& y) const {
    const PhaseTimer timer(Phase::epilogue);
    at::Tensor made = activation ? (*activation)(y) : y;
    if (times) made = made * *times;
    if (plus) made = *plus + made;
    return made;
}

bool Then::fits() const {
    return (!activation || activation->row) && (!times || isPlain(*times)) && (!plus || isPlain(*plus));
}

void Then::finishRow(float* y, std::int64_t at, std::int64_t count) const {
    if (activation) activation->row(y, count);
    if (times) multiplyRow(y, times->const_data_ptr<float>() + at, count);
    if (plus) addRow(y, plus->const_data_ptr<float>() + at, count);
}

void Then::finish(float* out, std::int64_t columns, std::int64_t firstRow, std::int64_t lastRow,
                  std::int64_t firstColumn, std::int64_t lastColumn) const {
    const std::int64_t count = lastColumn - firstColumn;
    Then made = *this;
    if (beforePlus) made.plus = nullptr;
    for (std::int64_t row = firstRow; row < lastRow; ++row) {
        const std::int64_t at = row * columns + firstColumn;
        made.finishRow(out + at, at, count);
    }
    if (beforePlus) {
        (*beforePlus)(out, columns, firstRow, lastRow, firstColumn, lastColumn);
        const float* terms = plus ? plus->const_data_ptr<float>() : nullptr;
        for (std::int64_t row = firstRow; row < lastRow && terms; ++row)
            addRow(out + row * columns + firstColumn, terms + row * columns + firstColumn, count);
    }
    if (atEnd) (*atEnd)(out, columns, firstRow, lastRow, firstColumn, lastColumn);
}

void Then::finishAll(at::Tensor& y) const {
    if (nothing() || y.numel() == 0) return;
    const PhaseTimer timer(Phase::epilogue);
    const std::int64_t columns = y.size(-1), rows = y.numel() / columns;
    float* out = y.data_ptr<float>();
    parallelFor(rows, rowsWorthAThread(columns),
                [&](std::int64_t begin, std::int64_t end) { finish(out, columns, begin, end, 0, columns); });
}

AfterRows Then::afterRows(float* out, std::int64_t columns) const {
    if (nothing()) return {};
    return [this, out, columns](std::int64_t firstRow, std::int64_t lastRow, std::int64_t firstColumn,
                                std::int64_t lastColumn) {
        const PhaseTimer timer(Phase::epilogue); // the share of the thread that runs the pass stands for all
        finish(out, columns, firstRow, lastRow, firstColumn, lastColumn);
    };
}

bool fitsProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Then& then) {
    const bool plain = isPlain(x) && isPlain(weight) && (!bias.defined() || isPlain(bias));
    return plain && then.fits() && hasFloatKernels() && x.numel() != 0;
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Then& then) {
    if (!fitsProduct(x, weight, bias, then)) return then.applied(at::linear(x, weight, bias));
    return products(x, {{weight, bias, then}}).front();
}

at::Tensor emptyProduct(const at::Tensor& x, std::int64_t outputs) {
    auto shape = x.sizes().vec();
    shape.back() = outputs;
    return at::empty(shape, x.options());
}

std::vector<at::Tensor> products(const at::Tensor& x, const std::vector<Factor>& factors) {
    std::vector<at::Tensor> made;
    if (!std::all_of(factors.begin(), factors.end(), [&](const Factor& factor) {
            return fitsProduct(x, factor.weight, factor.bias, factor.then);
        })) {
        for (const auto& [weight, bias, then] : factors)
            made.push_back(product(x, weight, bias, then));
        return made;
    }
    std::vector<FloatProduct> all;
    for (const auto& [weight, bias, then] : factors) {
        const std::int64_t outputs = weight.size(0);
        auto* to = made.emplace_back(emptyProduct(x, outputs)).data_ptr<float>();
        all.push_back({weight.const_data_ptr<float>(), outputs,
                       bias.defined() ? bias.const_data_ptr<float>() : nullptr, to, outputs,
                       then.afterRows(to, outputs)});
    }
    multiplyFloats(x.const_data_ptr<float>(), x.numel() / x.size(-1), x.size(-1), all);
    return made;
}

} // namespace kurtoscope
