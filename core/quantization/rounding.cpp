// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/rounding.h"

#include "core/quantization/kernels/integer_levels.h"

#include <algorithm>
#include <cmath>
#include <limits>

// Several copies of a loop, the best one for the machine chosen at start; sanitizers cannot run before that
// choice.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KURTOSCOPE_CLONES __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define KURTOSCOPE_CLONES
#endif

namespace kurtoscope {
namespace {

// ∞ has no say in a range, or everything that shares its scale would become NaN.
constexpr float largest = std::numeric_limits<float>::max();

KURTOSCOPE_CLONES void extentAll(const float* row, std::int64_t channels, float* bounds) {
    float low = 0, high = 0;
#pragma omp simd reduction(min : low) reduction(max : high)
    for (std::int64_t c = 0; c < channels; ++c) {
        const float x = row[c] >= -largest && row[c] <= largest ? row[c] : 0.0F;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    bounds[0] = low, bounds[1] = high;
}

KURTOSCOPE_CLONES void extentInliers(const float* row, std::int64_t channels, const std::int32_t* inlier,
                                     float* bounds) {
    float low = 0, high = 0;
#pragma omp simd reduction(min : low) reduction(max : high)
    for (std::int64_t c = 0; c < channels; ++c) {
        const float x = inlier[c] && row[c] >= -largest && row[c] <= largest ? row[c] : 0.0F;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    bounds[0] = low, bounds[1] = high;
}

// Adding 1.5·2²³ pushes a float's fraction out: exact rounding half to even for |q| < 2²², far above any grid
// here.
constexpr float roundingBias = 12582912.0f;

KURTOSCOPE_CLONES void roundAll(const float* row, float* out, std::int64_t channels, Grid grid) {
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
        float q = row[c] / grid.scale + grid.zero;
        q = q < grid.low ? grid.low : q;
        q = q > grid.high ? grid.high : q;
        q = (q + roundingBias) - roundingBias;
        out[c] = (q - grid.zero) * grid.scale;
    }
}

KURTOSCOPE_CLONES void roundInliers(const float* row, float* out, std::int64_t channels, Grid grid,
                                    const std::int32_t* inlier) {
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
        float q = row[c] / grid.scale + grid.zero;
        q = q < grid.low ? grid.low : q;
        q = q > grid.high ? grid.high : q;
        q = (q + roundingBias) - roundingBias;
        out[c] = inlier[c] ? (q - grid.zero) * grid.scale : row[c];
    }
}

KURTOSCOPE_CLONES std::int32_t integersOfRow(const float* row, std::int8_t* out, std::int64_t channels,
                                             Grid grid, std::int32_t& nan) {
    std::int32_t sum = 0, odd = 0;
#pragma omp simd reduction(+ : sum) reduction(| : odd)
    for (std::int64_t c = 0; c < channels; ++c) {
        float q = row[c] / grid.scale + grid.zero;
        odd |= q != q ? 1 : 0;
        q = q == q ? q : 0.0F; // the row is spoilt anyway, but only a number can become an integer
        q = q < grid.low ? grid.low : q;
        q = q > grid.high ? grid.high : q;
        q = (q + roundingBias) - roundingBias;
        const auto whole = static_cast<std::int32_t>(q);
        out[c] = static_cast<std::int8_t>(whole);
        sum += whole;
    }
    nan = odd;
    return sum;
}

} // namespace

Grid Grid::over(float min, float max, int bits, bool symmetric, bool full) {
    Grid grid;
    if (symmetric) {
        grid.high = static_cast<float>((1 << (bits - 1)) - 1);
        grid.low = full ? -grid.high - 1 : -grid.high;
        grid.scale = std::max(std::abs(min), std::abs(max)) / (full ? grid.high + 0.5F : grid.high);
    } else {
        grid.low = -static_cast<float>(1 << (bits - 1));
        grid.high = -grid.low - 1;
        grid.scale = (std::max(max, 0.0f) - std::min(min, 0.0f)) / (grid.high - grid.low);
        grid.zero = grid.scale > 0 ? std::nearbyint(grid.low - std::min(min, 0.0f) / grid.scale) : grid.low;
    }
    if (!(grid.scale > 0)) grid.scale = 1;
    return grid;
}

std::vector<float> Grid::levels() const {
    std::vector<float> all;
    for (float q = low; q <= high; ++q)
        all.push_back((q - zero) * scale);
    return all;
}

Extent extentOf(const float* row, std::int64_t channels, const std::int32_t* inlier) {
    float bounds[2];
    if (inlier)
        extentInliers(row, channels, inlier, bounds);
    else
        extentAll(row, channels, bounds);
    return {bounds[0], bounds[1]};
}

void roundRow(const float* row, float* out, std::int64_t channels, const Grid& grid,
              const std::int32_t* inlier) {
    if (inlier)
        roundInliers(row, out, channels, grid, inlier);
    else
        roundAll(row, out, channels, grid);
}

std::int32_t integersOf(const float* row, std::int8_t* out, std::int64_t channels, const Grid& grid,
                        std::int32_t& nan) {
    static const IntegerLevels fast = avx512Levels();
    return fast ? fast(row, out, channels, grid, nan) : integersOfRow(row, out, channels, grid, nan);
}

} // namespace kurtoscope
