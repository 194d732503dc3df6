// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>

namespace kurtoscope {

// Functions of contiguous float32 values, in place. Each value's result is the same wherever it stands in a
// row and whatever stands beside it. NaN stays NaN. Exact to about 1e-7 of the larger of argument and result.
using RowFunction = void (*)(float* values, std::int64_t count);
KURTOSCOPE_API void geluRow(float* values, std::int64_t count);     // x · Φ(x)
KURTOSCOPE_API void geluTanhRow(float* values, std::int64_t count); // its approximation by tanh
KURTOSCOPE_API void siluRow(float* values, std::int64_t count);     // x / (1 + e⁻ˣ)
KURTOSCOPE_API void reluRow(float* values, std::int64_t count);

// y ← y · x, y ← y + x, out ← x · factor
KURTOSCOPE_API void multiplyRow(float* y, const float* x, std::int64_t count);
KURTOSCOPE_API void addRow(float* y, const float* x, std::int64_t count);
KURTOSCOPE_API void scaleRow(const float* x, float factor, float* out, std::int64_t count);

// One row's norm into `out`, which may be the row itself; `bias` may be null.
KURTOSCOPE_API void layerNormRow(const float* x, const float* weight, const float* bias, double epsilon,
                                 float* out, std::int64_t channels);
KURTOSCOPE_API void rmsNormRow(const float* x, const float* weight, double epsilon, float* out,
                               std::int64_t channels);

// scores ← e^(scores · scale − the largest of them): what softmax divides by their sum, which is returned.
KURTOSCOPE_API float exponentialsRow(float* scores, std::int64_t count, float scale);

// Turns channel i with channel i + half by the angles whose cosines and sines are given [half].
KURTOSCOPE_API void rotateRow(const float* x, const float* cosines, const float* sines, float* out,
                              std::int64_t half);

} // namespace kurtoscope
