// SPDX-License-Identifier: GPL-3.0-or-later
// The inner loops of products in float32: some rows by some columns, whose sums stay in registers. One kind
// for processors with AVX2, one for those with AVX-512; both add in the same order and round alike. For this
// folder's .cpp files.
#pragma once

#if defined(__x86_64__)

#include <algorithm>
#include <cstdint>

#include <immintrin.h>

#define KURTOSCOPE_AVX2 __attribute__((target("avx2,fma")))
#define KURTOSCOPE_AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))

namespace kurtoscope {

// c [row, columns] = (more ? c : 0) + Σₖ a [row, k] · b [k, columns] + bias [columns], which may be null; `b`
// is on a 64-byte boundary.
struct FloatTileAvx2 {
    using Word = float;
    static constexpr std::int64_t rows = 6, columns = 16;

    template <int count>
    KURTOSCOPE_AVX2 static void multiply(const float* a, std::int64_t aStride, const float* b,
                                         std::int64_t depth, float* c, std::int64_t cStride, bool more,
                                         const float* bias) {
        __m256 low[count], high[count];
#pragma GCC unroll 6
        for (int r = 0; r < count; ++r)
            low[r] = high[r] = _mm256_setzero_ps();
        for (std::int64_t k = 0; k < depth; ++k, b += columns) {
            const __m256 first = _mm256_load_ps(b), second = _mm256_load_ps(b + 8);
#pragma GCC unroll 6
            for (int r = 0; r < count; ++r) {
                const __m256 spread = _mm256_broadcast_ss(a + r * aStride + k);
                low[r] = _mm256_fmadd_ps(spread, first, low[r]);
                high[r] = _mm256_fmadd_ps(spread, second, high[r]);
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < count; ++r) {
            float* to = c + r * cStride;
            if (more) {
                low[r] = _mm256_add_ps(_mm256_loadu_ps(to), low[r]);
                high[r] = _mm256_add_ps(_mm256_loadu_ps(to + 8), high[r]);
            }
            if (bias) {
                low[r] = _mm256_add_ps(low[r], _mm256_loadu_ps(bias));
                high[r] = _mm256_add_ps(high[r], _mm256_loadu_ps(bias + 8));
            }
            _mm256_storeu_ps(to, low[r]);
            _mm256_storeu_ps(to + 8, high[r]);
        }
    }
};

struct FloatTileAvx512 {
    using Word = float;
    static constexpr std::int64_t rows = 14, columns = 32;

    template <int count>
    KURTOSCOPE_AVX512 static void multiply(const float* a, std::int64_t aStride, const float* b,
                                           std::int64_t depth, float* c, std::int64_t cStride, bool more,
                                           const float* bias) {
        __m512 low[count], high[count];
#pragma GCC unroll 14
        for (int r = 0; r < count; ++r)
            low[r] = high[r] = _mm512_setzero_ps();
        for (std::int64_t k = 0; k < depth; ++k, b += columns, ++a) {
            const __m512 first = _mm512_load_ps(b), second = _mm512_load_ps(b + 16);
#pragma GCC unroll 14
            for (int r = 0; r < count; ++r) {
                const __m512 spread = _mm512_set1_ps(a[r * aStride]);
                low[r] = _mm512_fmadd_ps(spread, first, low[r]);
                high[r] = _mm512_fmadd_ps(spread, second, high[r]);
            }
        }
#pragma GCC unroll 14
        for (int r = 0; r < count; ++r) {
            float* to = c + r * cStride;
            if (more) {
                low[r] = _mm512_add_ps(_mm512_loadu_ps(to), low[r]);
                high[r] = _mm512_add_ps(_mm512_loadu_ps(to + 16), high[r]);
            }
            if (bias) {
                low[r] = _mm512_add_ps(low[r], _mm512_loadu_ps(bias));
                high[r] = _mm512_add_ps(high[r], _mm512_loadu_ps(bias + 16));
            }
            _mm512_storeu_ps(to, low[r]);
            _mm512_storeu_ps(to + 16, high[r]);
        }
    }
};

inline bool hasAvx512() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

// `count` rows of `depth` values, at most `columns`, as the columns of a panel [depth, columns]; what is
// beyond is zero.
template <std::int64_t columns>
KURTOSCOPE_AVX2 void packColumns(const float* rows, std::int64_t stride, std::int64_t count,
                                 std::int64_t depth, float* panel) {
    for (std::int64_t eighth = 0; eighth < columns; eighth += 8) {
        const std::int64_t there = std::clamp<std::int64_t>(count - eighth, 0, 8);
        const float* from = rows + eighth * stride;
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
                    float* to = panel + (k + i) * columns + eighth;
                    _mm256_store_ps(to, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
                    _mm256_store_ps(to + 4 * columns, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
                }
            }
        for (; k < depth; ++k)
            for (std::int64_t i = 0; i < 8; ++i)
                panel[k * columns + eighth + i] = i < there ? from[i * stride + k] : 0.0F;
    }
}

} // namespace kurtoscope

#endif
