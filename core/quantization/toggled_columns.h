// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/kernels/integer_product.h"
#include "core/quantization/plan.h"

#include <optional>
#include <set>
#include <vector>

namespace kurtoscope {

// A float32 weight [output, input] and how it is rounded: to nearest, symmetric, its range the largest size
// of what is not kept.
struct NearestWeight {
    const float* values;
    std::int64_t inputs;
    const WeightRule& rule;
    const std::set<int>& kept;
};

// What of `base`, packed of the same weight while `before` was kept, is to be made anew: columns of the
// channels toggled, and the rows whose range one of them decides. `channels`: what `base` is made of, rising;
// empty: all of them. Empty where rows have no scale of their own, where a NaN would have to become an
// integer, and where so much was toggled that packing all is no more work.
KURTOSCOPE_API std::optional<ToggledColumns> toggledColumns(const PackedWeight& base,
                                                            const std::vector<std::int64_t>& channels,
                                                            const std::set<int>& before,
                                                            const NearestWeight& weight);

} // namespace kurtoscope
