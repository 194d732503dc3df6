// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/row_functions.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

// Several copies of a loop, the best one for the machine chosen at start; sanitizers cannot run before that
// choice. Multiply–adds are written out, so that vectors, what is left over behind them, and every copy round
// alike.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KURTOSCOPE_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KURTOSCOPE_CLONES
#endif
#define KURTOSCOPE_INLINE __attribute__((always_inline)) inline

namespace kurtoscope {
namespace {

// Adding 1.5·2²³ pushes a float's fraction out and leaves the nearest integer in its low bits.
constexpr float roundingBias = 12582912.0f;

// eˣ for |x| ≤ 87, exact to about 1e-7 of it: 2ⁿ · eʳ, r within ±ln 2 / 2. Coefficients by a least-squares
// fit of (eʳ − 1 − r) / r², reweighted until the largest error was least (3e-9).
KURTOSCOPE_INLINE float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 87.0f ? 87.0f : x;
    const float shifted = std::fma(x, 1.44269504f, roundingBias), n = shifted - roundingBias;
    float r = std::fma(n, -0x1.62e4p-1f, x); // ln 2 in two parts
    r = std::fma(n, -1.42860677e-6f, r);
    float p = 0.0013814597623422742f;
    p = std::fma(p, r, 0.00836871936917305f);
    p = std::fma(p, r, 0.04166838899254799f);
    p = std::fma(p, r, 0.1666652113199234f);
    p = std::fma(p, r, 0.4999999403953552f);
    p = std::fma(p, r * r, r) + 1.0f;
    const auto power = (std::bit_cast<std::int32_t>(shifted) + 127) << 23;
    return p * std::bit_cast<float>(power);
}

// x·Φ(x) = max(x, 0) − |x|/2 · erfc(|x| / √2), and erfc(z / √2) = e^(z·Q(z)); Q fitted on [0, 6] as above,
// for an error of 3e-8 in the result. Beyond 6 what is taken away is below 1e-8 anyway.
constexpr auto bitsOfSix = std::bit_cast<std::int32_t>(6.0f);

KURTOSCOPE_INLINE float gelu(float x) {
    // The smaller by its bits: compared as numbers, GCC makes a branch of it and vectors of nothing.
    const float z = std::bit_cast<float>(std::min(std::bit_cast<std::int32_t>(std::fabs(x)), bitsOfSix));
    float q = 2.723145655636472e-07f;
    q = std::fma(q, z, -5.407532626122702e-06f);
    q = std::fma(q, z, 4.464712765184231e-05f);
    q = std::fma(q, z, -0.0001737529964884743f);
    q = std::fma(q, z, -3.2412062864750624e-05f);
    q = std::fma(q, z, 0.0048499382100999355f);
    q = std::fma(q, z, -0.036372214555740356f);
    q = std::fma(q, z, -0.31829994916915894f);
    q = std::fma(q, z, -0.7978855967521667f);
    const float positive = x < 0.0f ? 0.0f : x;
    return std::fma(-0.5f * z, exponential(z * q), positive);
}

KURTOSCOPE_INLINE float logisticTimes(float x, float z) { // x / (1 + e^−z)
    return x / (1.0f + exponential(-z));
}

} // namespace

KURTOSCOPE_CLONES void geluRow(float* values, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        values[i] = gelu(values[i]);
}

KURTOSCOPE_CLONES void geluTanhRow(float* values, std::int64_t count) {
    constexpr float scale = 1.5957691216057308f; // 2 √(2/π): (1 + tanh u) / 2 = 1 / (1 + e^−2u)
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const float x = values[i];
        values[i] = logisticTimes(x, scale * x * std::fma(0.044715f * x, x, 1.0f));
    }
}

KURTOSCOPE_CLONES void siluRow(float* values, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        values[i] = logisticTimes(values[i], values[i]);
}

KURTOSCOPE_CLONES void reluRow(float* values, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        values[i] = values[i] < 0.0f ? 0.0f : values[i];
}

KURTOSCOPE_CLONES void multiplyRow(float* y, const float* x, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        y[i] = y[i] * x[i];
}

KURTOSCOPE_CLONES void addRow(float* y, const float* x, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        y[i] = y[i] + x[i];
}

KURTOSCOPE_CLONES void scaleRow(const float* x, float factor, float* out, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = x[i] * factor;
}

KURTOSCOPE_CLONES void layerNormRow(const float* x, const float* weight, const float* bias, double epsilon,
                                    float* out, std::int64_t channels) {
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < channels; ++i)
        sum += double(x[i]);
    const auto mean = static_cast<float>(sum / double(channels));
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < channels; ++i) {
        const float centred = x[i] - mean;
        squares += double(centred) * double(centred);
    }
    const auto factor = static_cast<float>(1 / std::sqrt(squares / double(channels) + epsilon));
    if (bias) {
#pragma omp simd
        for (std::int64_t i = 0; i < channels; ++i)
            out[i] = std::fma((x[i] - mean) * factor, weight[i], bias[i]);
    } else {
#pragma omp simd
        for (std::int64_t i = 0; i < channels; ++i)
            out[i] = (x[i] - mean) * factor * weight[i];
    }
}

KURTOSCOPE_CLONES void rmsNormRow(const float* x, const float* weight, double epsilon, float* out,
                                  std::int64_t channels) {
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < channels; ++i)
        squares += double(x[i]) * double(x[i]);
    const auto factor = static_cast<float>(1 / std::sqrt(squares / double(channels) + epsilon));
#pragma omp simd
    for (std::int64_t i = 0; i < channels; ++i)
        out[i] = x[i] * factor * weight[i];
}

KURTOSCOPE_CLONES float exponentialsRow(float* scores, std::int64_t count, float scale) {
    float most = -std::numeric_limits<float>::infinity(), sum = 0;
#pragma omp simd reduction(max : most)
    for (std::int64_t i = 0; i < count; ++i)
        most = scores[i] > most ? scores[i] : most;
    const float shift = -most * scale;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i) {
        scores[i] = exponential(std::fma(scores[i], scale, shift));
        sum += scores[i];
    }
    return sum;
}

KURTOSCOPE_CLONES void rotateRow(const float* x, const float* cosines, const float* sines, float* out,
                                 std::int64_t half) {
#pragma omp simd
    for (std::int64_t i = 0; i < half; ++i) {
        const float a = x[i], b = x[i + half];
        out[i] = a * cosines[i] - b * sines[i];
        out[i + half] = b * cosines[i] + a * sines[i];
    }
}

} // namespace kurtoscope
