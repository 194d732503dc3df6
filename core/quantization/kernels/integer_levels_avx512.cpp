// SPDX-License-Identifier: GPL-3.0-or-later
// Rows as integers, sixteen values at a time. A vector's division takes as long as everything else here
// together, so the quotient is made of the scale's reciprocal and corrected twice by its exact remainder,
// after which it is rounded as a division rounds (Markstein 1990, IBM J. Res. Dev. 34, theorem 8.1: the first
// correction leaves it within one unit of the last place, the second is exact).
#include "core/quantization/kernels/integer_levels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define KURTOSCOPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

namespace kurtoscope {
namespace {

// Quotients beyond it are clamped anyway, those far below it round to nothing; with scales between these no
// remainder that matters leaves float32's range.
constexpr float mostLevels = 1 << 20, leastScale = 0x1p-60F, mostScale = 0x1p60F;

KURTOSCOPE_AVX512 std::int32_t levels(const float* row, std::int8_t* out, std::int64_t channels,
                                      const Grid& grid, std::int32_t& nan) {
    const __m512 scale = _mm512_set1_ps(grid.scale), zero = _mm512_set1_ps(grid.zero);
    const __m512 reciprocal = _mm512_set1_ps(1 / grid.scale), low = _mm512_set1_ps(grid.low),
                 high = _mm512_set1_ps(grid.high), most = _mm512_set1_ps(mostLevels * grid.scale),
                 least = _mm512_set1_ps(-mostLevels * grid.scale);
    const bool divides = !(grid.scale >= leastScale && grid.scale <= mostScale);
    __m512i sum = _mm512_setzero_si512();
    __mmask16 odd = 0;
    for (std::int64_t c = 0; c < channels; c += 16) {
        const auto there = static_cast<__mmask16>(channels - c >= 16 ? 0xffff : (1 << (channels - c)) - 1);
        const __m512 x = _mm512_maskz_loadu_ps(there, row + c);
        const __mmask16 unordered = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
        __m512 q;
        if (divides) {
            q = _mm512_div_ps(x, scale);
        } else {
            const __m512 bounded = _mm512_max_ps(_mm512_min_ps(x, most), least);
            q = _mm512_mul_ps(bounded, reciprocal);
            q = _mm512_fmadd_ps(_mm512_fnmadd_ps(q, scale, bounded), reciprocal, q);
            q = _mm512_fmadd_ps(_mm512_fnmadd_ps(q, scale, bounded), reciprocal, q);
        }
        q = _mm512_add_ps(q, zero);
        q = _mm512_mask_mov_ps(q, unordered, _mm512_setzero_ps()); // the row is spoilt anyway
        q = _mm512_min_ps(_mm512_max_ps(q, low), high);
        const __m512i whole = _mm512_cvtps_epi32(q); // half to even
        _mm512_mask_cvtepi32_storeu_epi8(out + c, there, whole);
        sum = _mm512_mask_add_epi32(sum, there, sum, whole);
        odd = static_cast<__mmask16>(odd | unordered);
    }
    nan = odd != 0;
    return _mm512_reduce_add_epi32(sum);
}

} // namespace

IntegerLevels avx512Levels() {
    __builtin_cpu_init();
    const bool there = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    return there ? levels : nullptr;
}

} // namespace kurtoscope

#else

namespace kurtoscope {

IntegerLevels avx512Levels() {
    return nullptr;
}

} // namespace kurtoscope

#endif
