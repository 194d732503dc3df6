// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/divergence.h"

#include "core/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <bit>
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

constexpr std::int64_t pieceValues = 512; // whose sum is taken in float

// e^x for x ≤ 0 as 2^n · e^r with |r| ≤ ln 2 / 2 and e^r by its Taylor series to r⁶, off by less than 3e-8 of
// itself; 0 below where float32 ends.
inline float exponential(float x) {
    const float bounded = x > -87.0F ? x : -87.0F;
    constexpr float bias = 12582912.0F; // 1.5 · 2²³: pushes the fraction out
    const float n = (bounded * 1.44269504F + bias) - bias;
    const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F; // ln 2 in two parts
    const float series =
        1 + r * (1 + r * (0.5F + r * (1.0F / 6 + r * (1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720))))));
    return series * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

KURTOSCOPE_CLONES float divergenceOfPiece(const float* p, const float* q, std::int64_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i)
        sum += exponential(p[i]) * (p[i] - q[i]);
    return sum;
}

KURTOSCOPE_CLONES float largestOf(const float* row, std::int64_t count) {
    float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
    for (std::int64_t i = 0; i < count; ++i)
        largest = row[i] > largest ? row[i] : largest;
    return largest;
}

const float* likeliest(const float* row, std::int64_t count) {
    return std::find(row, row + count, largestOf(row, count));
}

} // namespace

std::int64_t compareDistributions(const float* p, const float* q, std::int64_t rows, std::int64_t count,
                                  float* kl) {
    std::atomic<std::int64_t> agreed = 0;
    parallelFor(rows, 1, [&](std::int64_t begin, std::int64_t end) {
        std::int64_t mine = 0;
        for (std::int64_t row = begin; row < end; ++row) {
            const float *a = p + row * count, *b = q + row * count;
            double sum = 0;
            for (std::int64_t i = 0; i < count; i += pieceValues)
                sum += double(divergenceOfPiece(a + i, b + i, std::min(pieceValues, count - i)));
            kl[row] = sum < 0 ? 0.0F : static_cast<float>(sum);
            mine += likeliest(a, count) - a == likeliest(b, count) - b;
        }
        agreed += mine;
    });
    return agreed;
}

} // namespace kurtoscope
