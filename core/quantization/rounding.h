// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <vector>

namespace kurtoscope {

// A uniform grid: value = (q − zero) · scale for integers q in [low, high].
struct Grid {
    float scale = 1, zero = 0, low = -127, high = 127;

    // Symmetric: q in ±(2^(bits−1) − 1), scale = absmax / qmax. Asymmetric: q in −2^(bits−1) … 2^(bits−1) − 1
    // over [min, max] widened to hold 0, so that zero stays exact; signed, as the integers that are multiplied
    // and exported are, since x / scale + zero rounds otherwise in its last bit. An empty range gives scale 1.
    // `full`, symmetric alone: q from −2^(bits−1), scale = absmax / (2^(bits−1) − ½).
    KURTOSCOPE_API static Grid over(float min, float max, int bits, bool symmetric, bool full = false);
    KURTOSCOPE_API std::vector<float> levels() const; // ascending
};

// Plain float32 kernels over contiguous rows. `inlier` is null, or one entry per channel: 0 where the channel
// is kept (left as it is and out of every range), −1 elsewhere.
struct Extent {
    float min = 0, max = 0; // of finite values; 0 belongs to every range
};
KURTOSCOPE_API Extent extentOf(const float* row, std::int64_t channels, const std::int32_t* inlier);
// out = (round(clamp(x / scale + zero, low, high)) − zero) · scale, rounding half to even. NaN stays NaN.
KURTOSCOPE_API void roundRow(const float* row, float* out, std::int64_t channels, const Grid& grid,
                             const std::int32_t* inlier);
// The same levels as integers of at most 8 bits: q of each channel. Returns their sum; `nan` says that a
// value was NaN, which no integer can.
std::int32_t integersOf(const float* row, std::int8_t* out, std::int64_t channels, const Grid& grid,
                        std::int32_t& nan);

} // namespace kurtoscope
