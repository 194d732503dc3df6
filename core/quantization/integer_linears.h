// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/weights.h"
#include "core/quantization/kernels/integer_rows.h"
#include "core/quantization/round_weight.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

namespace kurtoscope {

// A recipe's linear layers whose integers are really multiplied: weights packed once, activations turned into
// integers when a layer reads them, once for all that read the same tensor. CPU; one pass at a time.
class IntegerLinears {
public:
    // Packed weights shared between recipes that treat a linear layer alike.
    using Store = std::map<std::string, std::weak_ptr<const PackedWeight>>;

    // False, and nothing added, where the layer's weights or its input's rounding are no plain integers.
    bool add(const Linear& linear, const WeightRule& rule, const SiteRounding& input,
             const std::set<int>& kept, const std::string& key, Store& store);
    bool has(const Linear& linear) const { return packed_.contains(&linear); }
    bool reads(Site input) const { return inputs_.contains(input); }

    // x [sequence, …, input], not yet rounded → [sequence, …, output].
    at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths) const;

    std::map<const void*, std::int64_t> heldBytes() const; // of each packed weight

private:
    struct Entry {
        std::shared_ptr<const PackedWeight> weight;
        SiteRounding input;
    };
    std::unordered_map<const Linear*, Entry> packed_;
    std::set<Site> inputs_;
    mutable at::Tensor last_; // held, so that no other tensor can take its place unnoticed
    mutable std::shared_ptr<const IntegerRows> rows_;
};

} // namespace kurtoscope
