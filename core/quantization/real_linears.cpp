// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/real_linears.h"

#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/cuda/cuda_library.h"
#include "core/engine/kernels/float_product.h"
#include "core/engine/kernels/row_functions.h"
#include "core/quantization/bf16_linears.h"
#include "core/quantization/cuda_linears.h"
#include "core/quantization/integer_linears.h"
#include "core/quantization/weight_only_linears.h"

#include <limits>

namespace kurtoscope {

bool RealLinears::add(const RealLayer& layer, PackedWeights& store) {
    if (!takes(layer.linear.weight) || !pack(layer, store)) return false;
    linears_.insert(&layer.linear);
    inputs_.insert(layer.linear.input);
    return true;
}

std::vector<at::Tensor> RealLinears::multiplyEach(const std::vector<const Linear*>& layers,
                                                  const at::Tensor& x,
                                                  const std::vector<int>& lengths) const {
    std::vector<at::Tensor> made;
    for (const Linear* layer : layers)
        made.push_back(multiply(*layer, x, lengths, {}));
    return made;
}

at::Tensor unwritten(at::IntArrayRef shape, const at::TensorOptions& options) {
    return at::full({1}, std::numeric_limits<float>::quiet_NaN(), options).expand(shape);
}

at::Tensor normRows(const at::Tensor& x, const NormStep& norm, bool written,
                    const std::function<void(const float* values, std::int64_t row)>& onRow) {
    const std::int64_t channels = x.size(-1), rows = x.numel() / channels;
    at::Tensor y = written ? at::empty_like(x) : unwritten(x.sizes(), x.options());
    const float *from = x.const_data_ptr<float>(), *weight = norm.weight.const_data_ptr<float>(),
                *bias = norm.bias ? norm.bias->const_data_ptr<float>() : nullptr;
    float* to = written ? y.data_ptr<float>() : nullptr;
    parallelFor(rows, rowsWorthAThread(channels), [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> line(written ? 0 : std::size_t(channels));
        for (std::int64_t row = begin; row < end; ++row) {
            float* out = written ? to + row * channels : line.data();
            if (bias)
                layerNormRow(from + row * channels, weight, bias, norm.epsilon, out, channels);
            else
                rmsNormRow(from + row * channels, weight, norm.epsilon, out, channels);
            onRow(out, row);
        }
    });
    return y;
}

std::unique_ptr<RealLinears> realLinearsFor(const Plan& plan, at::Device device) {
    if (!plan.weights) return nullptr;
    if (const CudaLibrary* library = cudaLibrary(); library && (device.is_cuda() || library->onHost)) {
        const auto format = plan.activations ? plan.activations->format : Format::e5m2;
        const bool multiplied = format == Format::integer || format == Format::e4m3 ||
                                format == Format::fp16 || format == Format::bf16;
        return multiplied ? std::make_unique<CudaLinears>(*library, format) : nullptr;
    }
    if (!device.is_cpu()) return nullptr;
    if (!plan.activations) return hasFloatKernels() ? std::make_unique<WeightOnlyLinears>() : nullptr;
    if (plan.activations->format == Format::bf16)
        return hasBf16Products() ? std::make_unique<Bf16Linears>() : nullptr;
    if (hasFastIntegers()) return std::make_unique<IntegerLinears>();
    return nullptr;
}

} // namespace kurtoscope
