// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/parallel.h"

#include <vector>

namespace kurtoscope {

// Whether this processor has the vectors that this folder's products and attention are written for.
KURTOSCOPE_API bool hasFloatKernels();

// out [row, output] = x [row, input] · wᵀ + bias, w [output, input], bias null or [output]; `stride`: floats
// from row to row of `out`. Each sum runs over the inputs in their order, so that it does not depend on the
// other rows or on the number of threads. Up to 32 rows (with AVX-512) weights are read as they lie; for more
// they are laid out anew at each call, which costs little from about a hundred rows on.
KURTOSCOPE_API void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs, const float* w,
                                   std::int64_t outputs, const float* bias, float* out, std::int64_t stride,
                                   const AfterRows& after = {});

// One of the products of some rows: as above.
struct FloatProduct {
    const float* w;
    std::int64_t outputs;
    const float* bias;
    float* out;
    std::int64_t stride;
    AfterRows after = {};
};
// All of them at once, each with the results that it has alone.
KURTOSCOPE_API void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs,
                                   const std::vector<FloatProduct>& products);

} // namespace kurtoscope
