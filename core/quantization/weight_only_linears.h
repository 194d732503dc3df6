// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/kernels/weight_only_product.h"
#include "core/quantization/real_linears.h"

#include <memory>
#include <string>
#include <unordered_map>

namespace kurtoscope {

// Linear layers whose weights alone are integers, held as such, multiplied by float32 activations.
class WeightOnlyLinears : public RealLinears {
public:
    std::optional<Format> format() const override { return std::nullopt; }
    KernelTag tag() const override { return KernelTag::floating; }
    at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                        const Then& then) const override;
    std::map<const void*, std::int64_t> heldBytes() const override;

private:
    bool pack(const RealLayer& layer, PackedWeights& store) override;

    struct Packed {
        std::shared_ptr<const PackedLevels> weight;
        at::Tensor bias; // float32 [output], may be undefined
    };
    std::unordered_map<const Linear*, Packed> packed_;
};

} // namespace kurtoscope
