// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/kernels/integer_rows.h"
#include "core/quantization/real_linears.h"
#include "core/quantization/round_weight.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

namespace kurtoscope {

// The layer's weight as integers within ±127, its scales [output, group]; empty where it is none.
std::optional<IntegerWeight> integersOf(const RealLayer& layer);

// Linear layers whose two sides are integers.
class IntegerLinears : public RealLinears {
public:
    std::optional<Format> format() const override { return Format::integer; }
    KernelTag tag() const override { return KernelTag::integer; }
    at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                        const Then& then) const override;
    std::vector<at::Tensor> multiplyEach(const std::vector<const Linear*>& layers, const at::Tensor& x,
                                         const std::vector<int>& lengths) const override;
    at::Tensor normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                      const std::vector<int>& lengths) const override;
    std::map<const void*, std::int64_t> heldBytes() const override;

private:
    bool pack(const RealLayer& layer, PackedWeights& store) override;

    // A product of its own for each part of the inputs that has a range of its own, or weights with scales of
    // their own; they add up.
    struct Part {
        std::shared_ptr<const PackedWeight> weight;
        std::vector<std::int64_t> channels; // empty: all of them
        SiteRounding input;
    };
    struct Packed {
        std::vector<Part> parts;
        std::int64_t group = 0; // inputs to a scale of the weights, which share the range of parts[0]; 0: all
        std::vector<int> kept;

        bool byRows() const; // whether each row of what it multiplies can be made by itself
    };
    // What the linear layers of `input` multiply, where a row of it can be made by itself; else null.
    const Packed* byRows(Site input) const;
    void startRows(const Packed& packed, std::int64_t rows, std::int64_t across,
                   std::vector<IntegerRows>& made) const;
    void makeRow(const Packed& packed, const float* values, std::int64_t row,
                 std::vector<IntegerRows>& made) const;
    void makeRows(const Packed& packed, const at::Tensor& x, const std::vector<int>& lengths) const;
    // What `packed` multiplies of x, its numbers made unless the product before had the same.
    std::vector<PackedWeight::Term> termsOf(const Packed& packed, const at::Tensor& x,
                                            const std::vector<int>& lengths) const;

    std::unordered_map<const Linear*, Packed> packed_;
    std::map<Site, const Packed*> byInput_; // one of those that read it
    mutable at::Tensor last_;               // held, so that no other tensor can take its place unnoticed
    mutable std::int64_t lastGroup_ = 0;    // of the weights that rows_ are cut for
    mutable IntegerRows whole_;             // of last_, before it is cut
    mutable std::vector<IntegerRows> rows_; // of last_, by part; their memory serves the next
    mutable std::vector<IntegerRows> next_; // of what a product makes for another
};

} // namespace kurtoscope
