// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/row_functions.h"

#include "core/engine/kernels/float_tile.h"

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
constexpr float perLn2 = 1.44269504f, ln2High = 0x1.62e4p-1f, ln2Low = 1.42860677e-6f;
// (eʳ − 1 − r) / r² by a least-squares fit, reweighted until the largest error was least (3e-9).
constexpr float terms[] = {0.0013814597623422742f, 0.00836871936917305f, 0.04166838899254799f,
                           0.1666652113199234f, 0.4999999403953552f};

// eˣ for |x| ≤ 87, exact to about 1e-7 of it: 2ⁿ · eʳ, r within ±ln 2 / 2.
KURTOSCOPE_INLINE float exponential(float x) {
    const float shifted = std::fma(x, perLn2, roundingBias), n = shifted - roundingBias;
    float r = std::fma(n, -ln2High, x);
    r = std::fma(n, -ln2Low, r);
    float p = std::fma(terms[0], r, terms[1]);
    p = std::fma(p, r, terms[2]);
    p = std::fma(p, r, terms[3]);
    p = std::fma(p, r, terms[4]);
    p = std::fma(p, r * r, r) + 1.0f;
    const auto power = (std::bit_cast<std::int32_t>(shifted) + 127) << 23;
    return p * std::bit_cast<float>(power);
}

constexpr float lowest = -87.0f; // e to it is nothing beside a sum with 1 in it

// |x| but at most `most`, by their bits: compared as numbers, GCC makes branches or masks of it.
KURTOSCOPE_INLINE float sizeWithin(float x, float most) {
    return std::bit_cast<float>(
        std::min(std::bit_cast<std::int32_t>(std::fabs(x)), std::bit_cast<std::int32_t>(most)));
}

// x·Φ(x) = max(x, 0) − |x|/2 · erfc(|x| / √2), and erfc(z / √2) = e^(z·Q(z)); Q fitted on [0, 6] as above,
// for an error of 3e-8 in the result. Beyond 6 what is taken away is below 1e-8 anyway.
KURTOSCOPE_INLINE float gelu(float x) {
    const float z = sizeWithin(x, 6.0f);
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
    return x / (1.0f + exponential(std::copysign(sizeWithin(z, 87.0f), -z)));
}

// No argument is above 0, so that only the lower end is held.
KURTOSCOPE_CLONES float exponentialsByLoop(float* scores, std::int64_t count, float scale) {
    float most = -std::numeric_limits<float>::infinity(), sum = 0;
#pragma omp simd reduction(max : most)
    for (std::int64_t i = 0; i < count; ++i)
        most = scores[i] > most ? scores[i] : most;
    const float shift = -most * scale;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i) {
        const float x = std::fma(scores[i], scale, shift);
        scores[i] = exponential(lowest > x ? lowest : x);
        sum += scores[i];
    }
    return sum;
}

KURTOSCOPE_CLONES double sumByLoop(const float* x, std::int64_t count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i)
        sum += double(x[i]);
    return sum;
}

// Of differences to `mean`, which are float32.
KURTOSCOPE_CLONES double squaresByLoop(const float* x, std::int64_t count, float mean) {
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < count; ++i) {
        const float centred = x[i] - mean;
        squares += double(centred) * double(centred);
    }
    return squares;
}

#if defined(__x86_64__)

// The same, value by value, in vectors written out: a loop of the compiler's adds up its lanes one by one at
// the end, which takes longer than a row of 128. Masked forms throughout: GCC 12 warns of its own others.
constexpr __mmask16 all = 0xffff;

KURTOSCOPE_AVX512 inline __m512 exponentialsOf(__m512 x) {
    x = _mm512_maskz_max_ps(all, _mm512_set1_ps(lowest), x); // NaN stays
    const __m512 bias = _mm512_set1_ps(roundingBias),
                 n = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(perLn2), bias), bias);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-ln2High), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-ln2Low), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(terms[0]), r, _mm512_set1_ps(terms[1]));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(terms[2]));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(terms[3]));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(terms[4]));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
    return _mm512_maskz_scalef_ps(all, p, n);
}

template <bool larger>
KURTOSCOPE_AVX512 inline __m256 both(__m256 a, __m256 b) {
    return larger ? _mm256_max_ps(a, b) : _mm256_add_ps(a, b);
}

// All lanes by halves: their sum, or the largest.
template <bool larger>
KURTOSCOPE_AVX512 inline float folded(__m512 x) {
    const __m256 eight =
        both<larger>(_mm512_maskz_extractf32x8_ps(0xff, x, 0), _mm512_maskz_extractf32x8_ps(0xff, x, 1));
    const __m256 four = both<larger>(eight, _mm256_permute2f128_ps(eight, eight, 1));
    const __m256 two = both<larger>(four, _mm256_permute_ps(four, 0b01'00'11'10));
    return _mm256_cvtss_f32(both<larger>(two, _mm256_permute_ps(two, 0b10'11'00'01)));
}

KURTOSCOPE_AVX512 float exponentialsAvx512(float* scores, std::int64_t count, float scale) {
    constexpr std::int64_t lanes = 16;
    const std::int64_t whole = count / lanes * lanes;
    const auto rest = static_cast<__mmask16>((1U << (count - whole)) - 1);
    __m512 most = _mm512_set1_ps(-std::numeric_limits<float>::infinity()); // NaN is passed over
    for (std::int64_t i = 0; i < whole; i += lanes)
        most = _mm512_maskz_max_ps(all, _mm512_loadu_ps(scores + i), most);
    most = _mm512_mask_max_ps(most, rest, _mm512_maskz_loadu_ps(rest, scores + whole), most);
    const __m512 factor = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-folded<true>(most) * scale);
    __m512 sum = _mm512_setzero_ps();
    for (std::int64_t i = 0; i < whole; i += lanes) {
        const __m512 made = exponentialsOf(_mm512_fmadd_ps(_mm512_loadu_ps(scores + i), factor, shift));
        _mm512_storeu_ps(scores + i, made);
        sum = _mm512_add_ps(sum, made);
    }
    if (rest != 0) {
        const __m512 made =
            exponentialsOf(_mm512_fmadd_ps(_mm512_maskz_loadu_ps(rest, scores + whole), factor, shift));
        _mm512_mask_storeu_ps(scores + whole, rest, made);
        sum = _mm512_mask_add_ps(sum, rest, sum, made);
    }
    return folded<false>(sum);
}

// sum + x, or its square's: a product of two float32 is exact.
template <bool squared>
KURTOSCOPE_AVX512 inline __m512d added(__m512d sum, __m256 eight, __m256 mean) {
    const __m512d wide = _mm512_maskz_cvtps_pd(0xff, squared ? _mm256_sub_ps(eight, mean) : eight);
    return squared ? _mm512_fmadd_pd(wide, wide, sum) : _mm512_add_pd(sum, wide);
}

// A row's sum, or that of its squared differences to `mean`, in four sums whose additions need not wait for
// one another.
template <bool squared>
KURTOSCOPE_AVX512 inline double byFourSums(const float* x, std::int64_t count, float mean) {
    constexpr std::int64_t lanes = 8, sums = 4;
    const __m256 centre = _mm256_set1_ps(mean);
    __m512d sum[sums];
#pragma GCC unroll 4
    for (auto& one : sum)
        one = _mm512_setzero_pd();
    std::int64_t i = 0;
    for (; i + sums * lanes <= count; i += sums * lanes)
#pragma GCC unroll 4
        for (int s = 0; s < sums; ++s)
            sum[s] = added<squared>(sum[s], _mm256_loadu_ps(x + i + s * lanes), centre);
    for (; i < count; i += lanes) {
        const auto there = static_cast<__mmask8>(count - i >= lanes ? 0xff : (1 << (count - i)) - 1);
        const __m256 eight = _mm256_mask_loadu_ps(squared ? centre : _mm256_setzero_ps(), there, x + i);
        sum[0] = added<squared>(sum[0], eight, centre);
    }
    const __m512d all = _mm512_add_pd(_mm512_add_pd(sum[0], sum[1]), _mm512_add_pd(sum[2], sum[3]));
    const __m256d four =
        _mm256_add_pd(_mm512_maskz_extractf64x4_pd(0xf, all, 0), _mm512_maskz_extractf64x4_pd(0xf, all, 1));
    const __m256d two = _mm256_add_pd(four, _mm256_permute2f128_pd(four, four, 1));
    return _mm256_cvtsd_f64(_mm256_add_pd(two, _mm256_permute_pd(two, 0b0101)));
}

KURTOSCOPE_AVX512 double sumAvx512(const float* x, std::int64_t count) {
    return byFourSums<false>(x, count, 0);
}

KURTOSCOPE_AVX512 double squaresAvx512(const float* x, std::int64_t count, float mean) {
    return byFourSums<true>(x, count, mean);
}

#else

bool hasAvx512() {
    return false;
}
constexpr auto exponentialsAvx512 = exponentialsByLoop;
constexpr auto sumAvx512 = sumByLoop;
constexpr auto squaresAvx512 = squaresByLoop;

#endif

double sumOf(const float* x, std::int64_t count) {
    static const auto fastest = hasAvx512() ? sumAvx512 : sumByLoop;
    return fastest(x, count);
}

double squaresOf(const float* x, std::int64_t count, float mean) {
    static const auto fastest = hasAvx512() ? squaresAvx512 : squaresByLoop;
    return fastest(x, count, mean);
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
    const auto mean = static_cast<float>(sumOf(x, channels) / double(channels));
    const double squares = squaresOf(x, channels, mean);
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
    const double squares = squaresOf(x, channels, 0);
    const auto factor = static_cast<float>(1 / std::sqrt(squares / double(channels) + epsilon));
#pragma omp simd
    for (std::int64_t i = 0; i < channels; ++i)
        out[i] = x[i] * factor * weight[i];
}

float exponentialsRow(float* scores, std::int64_t count, float scale) {
    static const auto fastest = hasAvx512() ? exponentialsAvx512 : exponentialsByLoop;
    return fastest(scores, count, scale);
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
