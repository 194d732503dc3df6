// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/reading.h"
#include "core/engine/activation.h"
#include "core/engine/weights.h"
#include "core/quantization/plan.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace kurtoscope {

class PackedBf16;
class PackedWeight;
struct SiteRounding;

// Packed weights that recipes share, by kind of number: those that treat a linear layer alike have one.
struct PackedWeights {
    std::map<std::string, std::weak_ptr<const PackedWeight>> integers;
    std::map<std::string, std::weak_ptr<const PackedBf16>> bf16;
};

// A recipe's linear layers multiplied in its own numbers, instead of a float32 product of rounded values.
// Weights are packed once; activations are turned into those numbers when a layer reads them, once for all
// that read the same tensor. CPU; one pass at a time.
class RealLinears {
public:
    virtual ~RealLinears() = default;
    virtual Format format() const = 0;
    virtual KernelTag tag() const = 0;
    // False where the layer's weights or its input's rounding are no such numbers. `key` names its weight.
    bool add(const Linear& linear, const WeightRule& rule, const SiteRounding& input,
             const std::set<int>& kept, const std::string& key, PackedWeights& store);
    bool has(const Linear& linear) const { return linears_.contains(&linear); }
    bool reads(Site input) const { return inputs_.contains(input); }
    // x [sequence, …, input], not yet rounded → [sequence, …, output], then what `then` says. `lengths`:
    // valid positions per sequence.
    virtual at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                                const Then& then) const = 0;
    virtual std::map<const void*, std::int64_t> heldBytes() const = 0; // of each packed weight

private:
    virtual bool pack(const Linear& linear, const WeightRule& rule, const SiteRounding& input,
                      const std::set<int>& kept, const std::string& key, PackedWeights& store) = 0;

    std::unordered_set<const Linear*> linears_;
    std::set<Site> inputs_;
};

// The kind that this processor multiplies a plan's numbers with; null where there is none.
std::unique_ptr<RealLinears> realLinearsFor(const Plan& plan);

} // namespace kurtoscope
