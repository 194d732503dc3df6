// SPDX-License-Identifier: GPL-3.0-or-later
// The inner loop of products in bfloat16, and the cast to it. For this folder's .cpp files.
#pragma once

#if defined(__x86_64__)

#include <cstdint>

#include <immintrin.h>

#define KURTOSCOPE_BF16 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma")))

namespace kurtoscope {

// c [row, columns] = (more ? c : 0) + Σ a [row, word] · b [word, columns] + bias, two products in each word.
struct Bf16Tile {
    using Word = std::uint32_t;
    static constexpr std::int64_t rows = 14, columns = 32;

    template <int count>
    KURTOSCOPE_BF16 static void multiply(const Word* a, std::int64_t aStride, const Word* b,
                                         std::int64_t depth, float* c, std::int64_t cStride, bool more,
                                         const float* bias) {
        __m512 low[count], high[count];
#pragma GCC unroll 14
        for (int r = 0; r < count; ++r)
            low[r] = high[r] = _mm512_setzero_ps();
        for (std::int64_t k = 0; k < depth; ++k, b += columns, ++a) {
            const auto first = reinterpret_cast<__m512bh>(_mm512_load_si512(b)),
                       second = reinterpret_cast<__m512bh>(_mm512_load_si512(b + 16));
#pragma GCC unroll 14
            for (int r = 0; r < count; ++r) {
                const auto spread = reinterpret_cast<__m512bh>(_mm512_set1_epi32(int(a[r * aStride])));
                low[r] = _mm512_dpbf16_ps(low[r], spread, first);
                high[r] = _mm512_dpbf16_ps(high[r], spread, second);
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

// to = x · factor in bfloat16, halves to even.
KURTOSCOPE_BF16 inline void castRow(const float* x, std::int64_t channels, std::uint16_t* to,
                                    float factor = 1) {
    const __m512 times = _mm512_set1_ps(factor);
    std::int64_t c = 0;
    for (; c + 32 <= channels; c += 32) { // whole lines: masks on stores of 16 bits are slow
        const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_mul_ps(_mm512_loadu_ps(x + c + 16), times),
                                                  _mm512_mul_ps(_mm512_loadu_ps(x + c), times));
        _mm512_storeu_si512(to + c, reinterpret_cast<__m512i>(both));
    }
    for (; c < channels; c += 16) {
        const auto there = static_cast<__mmask16>(channels - c >= 16 ? 0xffff : (1 << (channels - c)) - 1);
        const __m256bh cast =
            _mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_maskz_loadu_ps(there, x + c), times));
        _mm256_mask_storeu_epi16(to + c, there, reinterpret_cast<__m256i>(cast));
    }
}

// Two rows side by side, a word for each channel; `second` null: zeros.
KURTOSCOPE_BF16 inline void castPairs(const float* first, const float* second, std::int64_t channels,
                                      std::uint32_t* to) {
    for (std::int64_t c = 0; c < channels; c += 16) {
        const auto there = static_cast<__mmask16>(channels - c >= 16 ? 0xffff : (1 << (channels - c)) - 1);
        const __m256bh low = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, first + c)),
                       high = _mm512_cvtneps_pbh(second ? _mm512_maskz_loadu_ps(there, second + c)
                                                        : _mm512_setzero_ps());
        const __m512i lowWords = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(low)),
                      highWords = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(high));
        _mm512_mask_storeu_epi32(to + c, there,
                                 _mm512_or_si512(lowWords, _mm512_slli_epi32(highWords, 16)));
    }
}

} // namespace kurtoscope

#endif
