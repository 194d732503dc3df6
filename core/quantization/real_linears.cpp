// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/real_linears.h"

#include "core/quantization/bf16_linears.h"
#include "core/quantization/integer_linears.h"

namespace kurtoscope {

bool RealLinears::add(const Linear& linear, const WeightRule& rule, const SiteRounding& input,
                      const std::set<int>& kept, const std::string& key, PackedWeights& store) {
    if (!linear.weight.is_cpu() || !pack(linear, rule, input, kept, key, store)) return false;
    linears_.insert(&linear);
    inputs_.insert(linear.input);
    return true;
}

std::unique_ptr<RealLinears> realLinearsFor(const Plan& plan) {
    if (!plan.activations || !plan.weights) return nullptr;
    if (plan.activations->format == Format::bf16)
        return hasBf16Products() ? std::make_unique<Bf16Linears>() : nullptr;
    if (hasFastIntegers()) return std::make_unique<IntegerLinears>();
    return nullptr;
}

} // namespace kurtoscope
