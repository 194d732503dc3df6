// SPDX-License-Identifier: GPL-3.0-or-later
// at::linear multiplies float32 by MKL, which leaves half the vector width of an AMD processor unused. oneDNN
// in the same library does not; its linear layer is an operator without a header and without gradients, which
// are two more of the same product. In bf16 both sides are rounded, the sums are float32, and each product's result is rounded
// once more, in every one of the three.
#include "core/training/trained_product.h"

#include "core/base/grain.h"
#include "core/engine/kernels/bf16_product.h"

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
at::Tensor multiplied(const at::Tensor& a, const at::Tensor& b, bool narrow,
                      const std::optional<at::Tensor>& bias = std::nullopt) {
    if (!narrow) return wideProduct()->call(a, b, bias, "none", Scalars(), std::nullopt);
    const at::Tensor y = at::linear(a.to(at::kBFloat16), b.to(at::kBFloat16)).to(at::kFloat);
    return bias ? y + *bias : y;
}

class TrainedProduct : public torch::autograd::Function<TrainedProduct> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                              const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                              bool narrow) {
        const at::Tensor rows = x.reshape({-1, x.size(-1)});
        context->save_for_backward({rows, weight});
        context->saved_data["shape"] = x.sizes().vec();
        context->saved_data["bias"] = bias.has_value();
        context->saved_data["narrow"] = narrow;
        auto shape = x.sizes().vec();
        shape.back() = weight.size(0);
        return multiplied(rows, weight, narrow, bias).view(shape);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& above) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &rows = saved[0], &weight = saved[1];
        const bool narrow = context->saved_data["narrow"].toBool();
        const at::Tensor g = above[0].reshape({-1, weight.size(0)});
        at::Tensor byX, byWeight, byBias;
        if (context->needs_input_grad(0))
            byX = multiplied(g, weight.t(), narrow).view(context->saved_data["shape"].toIntVector());
        if (context->needs_input_grad(1)) byWeight = multiplied(g.t(), rows.t(), narrow);
        if (context->saved_data["bias"].toBool()) byBias = g.sum(0);
        return {byX, byWeight, byBias, {}};
    }
};

} // namespace

std::string bfloat16Refusal(c10::Device device) {
    if (!device.is_cpu() || hasBf16Products()) return "";
    return "this processor has no AVX-512 BF16: bf16 would only be slower than float32 here";
}

at::Tensor trainedProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          bool narrow) {
    const auto itsBias = [&] { return bias.defined() ? std::optional(bias) : std::nullopt; };
    if (narrow) return TrainedProduct::apply(x, weight, itsBias(), true);
    const bool wide = x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
                      isWorthThreads(x.numel() * weight.size(0)) && wideProduct();
    if (!wide) return at::linear(x, weight, bias);
    return TrainedProduct::apply(x, weight, itsBias(), false);
}

} // namespace kurtoscope
