// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/kernels/bf16_product.h"
#include "core/quantization/real_linears.h"

#include <memory>
#include <set>
#include <string>
#include <unordered_map>

namespace kurtoscope {

// Linear layers whose two sides are bfloat16; kept channels are multiplied in float32 and added.
class Bf16Linears : public RealLinears {
public:
    std::optional<Format> format() const override { return Format::bf16; }
    KernelTag tag() const override { return KernelTag::floating; }
    at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                        const Then& then) const override;
    std::vector<at::Tensor> multiplyEach(const std::vector<const Linear*>& layers, const at::Tensor& x,
                                         const std::vector<int>& lengths) const override;
    at::Tensor normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                      const std::vector<int>& lengths) const override;
    std::map<const void*, std::int64_t> heldBytes() const override;

private:
    bool pack(const RealLayer& layer, PackedWeights& store) override;
    void makeRows(const at::Tensor& x) const; // unless the product before had the same

    struct Packed {
        std::shared_ptr<const PackedBf16> weight;
        at::Tensor bias;             // float32 [output], may be undefined
        at::Tensor kept, keptWeight; // int64 [kept] and float32 [output, kept]; undefined where none is

        const float* terms() const { return bias.defined() ? bias.const_data_ptr<float>() : nullptr; }
        void addKept(at::Tensor& out, const at::Tensor& x) const;
    };
    std::unordered_map<const Linear*, Packed> packed_;
    std::set<Site> withKept_; // whose values themselves are read, too
    mutable at::Tensor last_; // held, so that no other tensor can take its place unnoticed
    mutable Bf16Rows rows_;   // of last_; its memory serves the next
    mutable Bf16Rows next_;   // of what a product makes for another
};

} // namespace kurtoscope
