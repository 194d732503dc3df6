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

// Linear layers whose two sides are integers.
class IntegerLinears : public RealLinears {
public:
    // Packed weights shared between recipes that treat a linear layer alike.
    using Store = std::map<std::string, std::weak_ptr<const PackedWeight>>;

    // False, and nothing added, where the layer's weights or its input's rounding are no plain integers.
    bool add(const Linear& linear, const WeightRule& rule, const SiteRounding& input,
             const std::set<int>& kept, const std::string& key, Store& store);
    Format format() const override { return Format::integer; }
    bool has(const Linear& linear) const override { return packed_.contains(&linear); }
    bool reads(Site input) const override { return inputs_.contains(input); }

    at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                        const Then& then) const override;
    std::map<const void*, std::int64_t> heldBytes() const override;

private:
    // A product of its own for each part of the inputs that has a range of its own; they add up.
    struct Part {
        std::shared_ptr<const PackedWeight> weight;
        std::vector<std::int64_t> channels; // empty: all of them
        SiteRounding input;
    };
    std::unordered_map<const Linear*, std::vector<Part>> packed_;
    std::set<Site> inputs_;
    mutable at::Tensor last_;               // held, so that no other tensor can take its place unnoticed
    mutable std::vector<IntegerRows> rows_; // of last_, by part; their memory serves the next
};

} // namespace kurtoscope
