// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/real_linears.h"

#include "core/cuda/cuda_library.h"
#include "core/engine/kernels/float_product.h"
#include "core/quantization/bf16_linears.h"
#include "core/quantization/cuda_linears.h"
#include "core/quantization/integer_linears.h"
#include "core/quantization/weight_only_linears.h"

namespace kurtoscope {

bool RealLinears::add(const RealLayer& layer, PackedWeights& store) {
    if (!takes(layer.linear.weight) || !pack(layer, store)) return false;
    linears_.insert(&layer.linear);
    inputs_.insert(layer.linear.input);
    return true;
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
