// SPDX-License-Identifier: GPL-3.0-or-later
// The inner loop of products in float32 on processors with AVX2: up to six rows by sixteen columns, whose
// sums stay in registers. For this folder's .cpp files.
#pragma once

#if defined(__x86_64__)

#include <algorithm>
#include <cstdint>

#include <immintrin.h>

#define KURTOSCOPE_AVX2 __attribute__((target("avx2,fma")))

namespace kurtoscope {

inline constexpr std::int64_t floatTileRows = 6, floatTileColumns = 16;

// c [row, 16] = (more ? c : 0) + Σₖ a [row, k] · b [k, 16]. `b` is on a 32-byte boundary, bStride a multiple
// of 8.
template <int rows>
KURTOSCOPE_AVX2 void floatTile(const float* a, std::int64_t aStride, const float* b, std::int64_t bStride,
                               std::int64_t depth, float* c, std::int64_t cStride, bool more) {
    __m256 low[rows], high[rows];
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r)
        low[r] = high[r] = _mm256_setzero_ps();
    for (std::int64_t k = 0; k < depth; ++k, b += bStride) {
        const __m256 first = _mm256_load_ps(b), second = _mm256_load_ps(b + 8);
#pragma GCC unroll 6
        for (int r = 0; r < rows; ++r) {
            const __m256 spread = _mm256_broadcast_ss(a + r * aStride + k);
            low[r] = _mm256_fmadd_ps(spread, first, low[r]);
            high[r] = _mm256_fmadd_ps(spread, second, high[r]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r) {
        float* to = c + r * cStride;
        _mm256_storeu_ps(to, more ? _mm256_add_ps(_mm256_loadu_ps(to), low[r]) : low[r]);
        _mm256_storeu_ps(to + 8, more ? _mm256_add_ps(_mm256_loadu_ps(to + 8), high[r]) : high[r]);
    }
}

// `count` rows of `depth` values, at most sixteen, as the columns of a panel [depth, 16]; what is beyond is
// zero.
KURTOSCOPE_AVX2 inline void packColumns(const float* rows, std::int64_t stride, std::int64_t count,
                                        std::int64_t depth, float* panel) {
    for (std::int64_t half = 0; half < floatTileColumns; half += 8) {
        const std::int64_t there = std::clamp<std::int64_t>(count - half, 0, 8);
        const float* from = rows + half * stride;
        std::int64_t k = 0;
        if (there == 8)
            for (; k + 8 <= depth; k += 8) {
                __m256 r[8], t[8];
#pragma GCC unroll 8
                for (int i = 0; i < 8; ++i)
                    r[i] = _mm256_loadu_ps(from + i * stride + k);
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) {
                    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
                    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
                }
#pragma GCC unroll 2
                for (int i = 0; i < 8; i += 4) {
                    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
                    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
                    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
                    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
                }
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) {
                    float* to = panel + (k + i) * floatTileColumns + half;
                    _mm256_store_ps(to, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
                    _mm256_store_ps(to + 4 * floatTileColumns, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
                }
            }
        for (; k < depth; ++k)
            for (std::int64_t i = 0; i < 8; ++i)
                panel[k * floatTileColumns + half + i] = i < there ? from[i * stride + k] : 0.0F;
    }
}

template <int rows = static_cast<int>(floatTileRows)>
inline void floatTileOf(std::int64_t count, const float* a, std::int64_t aStride, const float* b,
                        std::int64_t bStride, std::int64_t depth, float* c, std::int64_t cStride, bool more) {
    if (count == rows) return floatTile<rows>(a, aStride, b, bStride, depth, c, cStride, more);
    if constexpr (rows > 1) floatTileOf<rows - 1>(count, a, aStride, b, bStride, depth, c, cStride, more);
}

} // namespace kurtoscope

#endif
