// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/weight_memory.h"
#include "core/quantization/plan.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// `weight` [out, in] with every entry at its nearest level; `kept` columns stay as they are, out of every
// range. Same shape, float32.
at::Tensor roundWeight(const at::Tensor& weight, const WeightRule& rule, const std::set<int>& kept);
// The same weights as integers, w = q · scale of its output: q [output, input] within ±127, 0 in kept
// columns.
struct IntegerWeight {
    std::vector<std::int8_t> q;
    std::vector<float> scales; // [output], or [output, group] where groups have scales of their own
};
// Empty where the rule's levels are no such integers: more than 8 bits, zero points, −128, groups, searched ranges.
std::optional<IntegerWeight> integerWeight(const at::Tensor& weight, const WeightRule& rule,
                                           const std::set<int>& kept);
bool hasNearestIntegers(const WeightRule& rule); // whether it is empty for a NaN alone
// What storing it takes, scales included; kept columns are float32 and nothing else.
double weightBytes(const WeightRule& rule, std::int64_t outputs, std::int64_t inputs, std::size_t kept);

// Quantized weights shared between recipes that treat a linear layer alike; an entry lives as long as some
// recipe uses it.
class WeightStore {
public:
    // `make` runs when no recipe holds what `key` names.
    template <class Make>
    std::shared_ptr<const at::Tensor> get(const std::string& key, Make make) {
        if (auto found = entries_[key].lock()) return found;
        std::erase_if(entries_,
                      [&](const auto& entry) { return entry.first != key && entry.second.expired(); });
        auto made = std::make_shared<const at::Tensor>(WeightMemory::keep(make()));
        entries_[key] = made;
        return made;
    }

    // Whether a recipe holds it.
    bool has(const std::string& key) const {
        const auto found = entries_.find(key);
        return found != entries_.end() && !found->second.expired();
    }
    // A short name for a long one: equal names exactly for equal texts.
    std::string shortened(const std::string& text) {
        return "#" + std::to_string(names_.try_emplace(text, names_.size()).first->second) + "/";
    }

private:
    std::map<std::string, std::weak_ptr<const at::Tensor>> entries_;
    std::map<std::string, std::size_t> names_;
};

} // namespace kurtoscope
