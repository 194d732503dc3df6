// SPDX-License-Identifier: GPL-3.0-or-later
// The tile for processors with AVX-512 VNNI: 64 products of bytes to an instruction.
#include "core/quantization/kernels/integer_product.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#define KURTOSCOPE_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define KURTOSCOPE_INLINE KURTOSCOPE_VNNI __attribute__((always_inline)) inline

namespace kurtoscope {
namespace {

// What all rows of a tile share.
struct Panel {
    const IntegerRows& x;
    const PackedWeight& weight;
    std::int64_t first;      // output
    std::uint32_t low, high; // which of the 16 + 16 outputs are there, as bits
    float* out;
    std::int64_t begin, stride;
    bool past;
};
constexpr std::int64_t mostRows = 14;

// (sums − 128 Σ x − zero Σ w) · scales + onto, exact up to the scales.
KURTOSCOPE_INLINE __m512 scaled(__m512i sums, __m512i raised, __m512i zero, __m512 rowScale,
                                const std::int32_t* weightSums, const float* weightScales, __m512 onto) {
    const __m512i exact = _mm512_sub_epi32(_mm512_sub_epi32(sums, raised),
                                           _mm512_mullo_epi32(zero, _mm512_load_si512(weightSums)));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(exact), _mm512_mul_ps(rowScale, _mm512_load_ps(weightScales)),
                           onto);
}

template <bool whole>
KURTOSCOPE_INLINE __m512 loaded(__mmask16 mask, const float* from) {
    if constexpr (whole) return _mm512_loadu_ps(from);
    return _mm512_maskz_loadu_ps(mask, from);
}

// The sums of `rows` × 32 scaled, onto the bias or what is there, then the kept columns' products, in the
// order of the plain loop. `whole`: all outputs are there, and go through the caches.
template <int rows, bool onto, bool whole>
KURTOSCOPE_INLINE void finish(const __m512i (&low)[rows], const __m512i (&high)[rows], std::int64_t begin,
                              const Panel& p) {
    const auto row = static_cast<std::size_t>(begin);
    const std::int32_t *sums = p.x.sums.data() + row, *zeros = p.x.zeros.data() + row,
                       *weightSums = p.weight.sums() + p.first;
    const float *scales = p.x.scales.data() + row, *weightScales = p.weight.scales() + p.first,
                *bias = p.weight.bias() + p.first;
    const auto lowMask = static_cast<__mmask16>(p.low), highMask = static_cast<__mmask16>(p.high);
    const std::int64_t across = p.stride, keptCount = p.x.keptCount;
    float* const out = p.out + (begin - p.begin) * across + p.first;
    __m512 y[rows], z[rows];
#pragma GCC unroll 14
    for (int r = 0; r < rows; ++r) {
        const __m512i raised = _mm512_slli_epi32(_mm512_set1_epi32(sums[r]), 7),
                      zero = _mm512_set1_epi32(zeros[r]);
        const __m512 scale = _mm512_set1_ps(scales[r]);
        y[r] = scaled(low[r], raised, zero, scale, weightSums, weightScales,
                      onto ? loaded<whole>(lowMask, out + r * across) : _mm512_load_ps(bias));
        z[r] = scaled(high[r], raised, zero, scale, weightSums + 16, weightScales + 16,
                      onto ? loaded<whole>(highMask, out + r * across + 16) : _mm512_load_ps(bias + 16));
    }
    const float* kept = p.x.kept.data() + row * std::size_t(keptCount);
    for (std::int64_t k = 0; k < keptCount; ++k, ++kept) {
        const float* column = p.weight.keptColumn(k) + p.first;
        const __m512 lowColumn = _mm512_load_ps(column), highColumn = _mm512_load_ps(column + 16);
#pragma GCC unroll 14
        for (int r = 0; r < rows; ++r) {
            const __m512 spread = _mm512_set1_ps(kept[r * keptCount]);
            y[r] = _mm512_fmadd_ps(spread, lowColumn, y[r]);
            z[r] = _mm512_fmadd_ps(spread, highColumn, z[r]);
        }
    }
#pragma GCC unroll 14
    for (int r = 0; r < rows; ++r) {
        float* to = out + r * across;
        if (whole) {
            _mm512_storeu_ps(to, y[r]);
            _mm512_storeu_ps(to + 16, z[r]);
        } else if (p.past) {
            _mm512_stream_ps(to, y[r]);
            _mm512_stream_ps(to + 16, z[r]);
        } else {
            _mm512_mask_storeu_ps(to, lowMask, y[r]);
            _mm512_mask_storeu_ps(to + 16, highMask, z[r]);
        }
    }
}

// `rows` × 32 accumulators stay in registers over all inputs: 28 of the processor's 32 for 14 rows.
template <int rows, bool onto, bool whole>
KURTOSCOPE_VNNI void tile(std::int64_t begin, std::int64_t panel, const Panel& p, std::int64_t ahead) {
    __m512i low[rows], high[rows];
#pragma GCC unroll 14
    for (int r = 0; r < rows; ++r)
        low[r] = high[r] = _mm512_setzero_si512();
    const std::int8_t* values = p.x.values.as<std::int8_t>() + begin * p.x.stride;
    const std::uint8_t *w = p.weight.panelAt(panel), *next = p.weight.panelAt(panel + 1);
    const std::int64_t stride = p.x.stride, groups = p.weight.groups();
    for (std::int64_t group = 0; group < groups; ++group, w += 64, next += 64, values += 4) {
        const __m512i lowWeights = _mm512_load_si512(w), highWeights = _mm512_load_si512(next);
        _mm_prefetch(reinterpret_cast<const char*>(w) + ahead, _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(next) + ahead, _MM_HINT_T0);
#pragma GCC unroll 14
        for (int r = 0; r < rows; ++r) { // four inputs of each row and of 32 outputs
            std::int32_t four;
            std::memcpy(&four, values + r * stride, 4);
            const __m512i spread = _mm512_set1_epi32(four);
            low[r] = _mm512_dpbusd_epi32(low[r], lowWeights, spread);
            high[r] = _mm512_dpbusd_epi32(high[r], highWeights, spread);
        }
    }
    finish<rows, onto, whole>(low, high, begin, p);
}

template <int rows, bool onto, bool whole>
void upTo(std::int64_t begin, std::int64_t count, std::int64_t panel, const Panel& p, std::int64_t ahead) {
    if (count == rows) return tile<rows, onto, whole>(begin, panel, p, ahead);
    if constexpr (rows > 1) upTo<rows - 1, onto, whole>(begin, count, panel, p, ahead);
}

void multiply(const IntegerWork& work) {
    const auto bits = [](std::int64_t there) { return (1U << std::clamp<std::int64_t>(there, 0, 16)) - 1; };
    // Tiles of nearly the same height: a low one would wait for its own sums.
    const std::int64_t rows = work.end - work.begin, tiles = (rows + mostRows - 1) / mostRows;
    for (std::int64_t panel = work.first; panel < work.last; panel += 2) {
        const std::int64_t first = panel * PackedWeight::panel, left = work.weight.outputs() - first;
        const bool past = work.past && left >= 32;
        const Panel p{work.x,   work.weight, first,       bits(left), bits(left - 16),
                      work.out, work.begin,  work.stride, past};
        const bool whole = left >= 32 && !past;
        const auto multiplyTile = work.onto
                                      ? (whole ? upTo<mostRows, true, true> : upTo<mostRows, true, false>)
                                      : (whole ? upTo<mostRows, false, true> : upTo<mostRows, false, false>);
        for (std::int64_t tile = 0; tile < tiles; ++tile) {
            const std::int64_t row = work.begin + tile * rows / tiles;
            // The next panels are called for once, while these are multiplied for the first time.
            const std::int64_t ahead =
                tile == 0 && panel + 2 < work.last ? 2 * PackedWeight::panel * work.weight.groups() * 4 : 0;
            multiplyTile(row, work.begin + (tile + 1) * rows / tiles - row, panel, p, ahead);
        }
    }
    if (work.past) _mm_sfence(); // before another thread reads what went past the caches
}

} // namespace

const IntegerKernel* vnniKernel() {
    static const IntegerKernel kernel{"AVX-512 VNNI", multiply};
    __builtin_cpu_init();
    const bool there = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl");
    return there ? &kernel : nullptr;
}

} // namespace kurtoscope

#else

namespace kurtoscope {

const IntegerKernel* vnniKernel() {
    return nullptr;
}

} // namespace kurtoscope

#endif
