// SPDX-License-Identifier: GPL-3.0-or-later
// at::linear multiplies float32 by MKL, which leaves half the vector width of an AMD processor unused. oneDNN
// in the same library does not; its linear layer is an operator without a header and without gradients, which
// are two more of the same product.
#include "core/training/trained_product.h"

#include "core/base/grain.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

namespace kurtoscope {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using Signature = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                             std::string_view, Scalars, std::optional<std::string_view>);
using Operator = c10::TypedOperatorHandle<Signature>;

// Empty where this build of LibTorch has none, or the processor gains nothing by it.
const std::optional<Operator>& wideProduct() {
    static const std::optional<Operator> found = []() -> std::optional<Operator> {
#if defined(__x86_64__)
        __builtin_cpu_init();
        if (!__builtin_cpu_supports("avx512f")) return std::nullopt;
        const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
        if (!schema || !schema->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
        return schema->typed<Signature>();
#else
        return std::nullopt;
#endif
    }();
    return found;
}

// a bᵀ + bias; either may be a transposed view.
at::Tensor multiplied(const at::Tensor& a, const at::Tensor& b,
                      const std::optional<at::Tensor>& bias = std::nullopt) {
    return wideProduct()->call(a, b, bias, "none", Scalars(), std::nullopt);
}

class TrainedProduct : public torch::autograd::Function<TrainedProduct> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                              const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
        const at::Tensor rows = x.reshape({-1, x.size(-1)});
        context->save_for_backward({rows, weight});
        context->saved_data["shape"] = x.sizes().vec();
        context->saved_data["bias"] = bias.has_value();
        auto shape = x.sizes().vec();
        shape.back() = weight.size(0);
        return multiplied(rows, weight, bias).view(shape);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& above) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &rows = saved[0], &weight = saved[1];
        const at::Tensor g = above[0].reshape({-1, weight.size(0)});
        at::Tensor byX, byWeight, byBias;
        if (context->needs_input_grad(0))
            byX = multiplied(g, weight.t()).view(context->saved_data["shape"].toIntVector());
        if (context->needs_input_grad(1)) byWeight = multiplied(g.t(), rows.t());
        if (context->saved_data["bias"].toBool()) byBias = g.sum(0);
        return {byX, byWeight, byBias};
    }
};

} // namespace

at::Tensor trainedProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    const bool wide = x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
                      isWorthThreads(x.numel() * weight.size(0)) && wideProduct();
    if (!wide) return at::linear(x, weight, bias);
    return TrainedProduct::apply(x, weight, bias.defined() ? std::optional(bias) : std::nullopt);
}

} // namespace kurtoscope
