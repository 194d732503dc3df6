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
    bool onto, past;
};
constexpr std::int64_t mostRows = 14;

KURTOSCOPE_INLINE void finish(__m512i sums, std::size_t row, std::int64_t at, std::uint32_t there,
                              const Panel& p) {
    const __m512i exact = _mm512_sub_epi32(
        _mm512_sub_epi32(sums, _mm512_set1_epi32(128 * p.x.sums[row])),
        _mm512_mullo_epi32(_mm512_set1_epi32(p.x.zeros[row]), _mm512_load_si512(p.weight.sums() + at)));
    float* out = p.out + (std::int64_t(row) - p.begin) * p.stride + at;
    const auto mask = static_cast<__mmask16>(there);
    __m512 y = _mm512_fmadd_ps(
        _mm512_cvtepi32_ps(exact),
        _mm512_mul_ps(_mm512_set1_ps(p.x.scales[row]), _mm512_load_ps(p.weight.scales() + at)),
        p.onto ? _mm512_maskz_loadu_ps(mask, out) : _mm512_load_ps(p.weight.bias() + at));
    const float* kept = p.x.kept.data() + row * std::size_t(p.x.keptCount);
    for (std::int64_t k = 0; k < p.x.keptCount; ++k)
        y = _mm512_fmadd_ps(_mm512_set1_ps(kept[k]), _mm512_load_ps(p.weight.keptColumn(k) + at), y);
    if (p.past)
        _mm512_stream_ps(out, y);
    else
        _mm512_mask_storeu_ps(out, mask, y);
}

// `rows` × 32 accumulators stay in registers over all inputs: 28 of the processor's 32 for 14 rows.
template <int rows>
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
#pragma GCC unroll 14
    for (int r = 0; r < rows; ++r) {
        finish(low[r], std::size_t(begin + r), p.first, p.low, p);
        finish(high[r], std::size_t(begin + r), p.first + 16, p.high, p);
    }
}

template <int rows>
void upTo(std::int64_t begin, std::int64_t count, std::int64_t panel, const Panel& p, std::int64_t ahead) {
    if (count == rows) return tile<rows>(begin, panel, p, ahead);
    if constexpr (rows > 1) upTo<rows - 1>(begin, count, panel, p, ahead);
}

void multiply(const IntegerWork& work) {
    const auto bits = [](std::int64_t there) { return (1U << std::clamp<std::int64_t>(there, 0, 16)) - 1; };
    // Tiles of nearly the same height: a low one would wait for its own sums.
    const std::int64_t rows = work.end - work.begin, tiles = (rows + mostRows - 1) / mostRows;
    for (std::int64_t panel = work.first; panel < work.last; panel += 2) {
        const std::int64_t first = panel * PackedWeight::panel, left = work.weight.outputs() - first;
        const bool past = work.past && left >= 32;
        const Panel p{work.x,   work.weight, first,     bits(left), bits(left - 16),
                      work.out, work.begin,  work.stride, work.onto, past};
        for (std::int64_t tile = 0; tile < tiles; ++tile) {
            const std::int64_t row = work.begin + tile * rows / tiles;
            // The next panels are called for once, while these are multiplied for the first time.
            const std::int64_t ahead =
                tile == 0 && panel + 2 < work.last ? 2 * PackedWeight::panel * work.weight.groups() * 4 : 0;
            upTo<mostRows>(row, work.begin + (tile + 1) * rows / tiles - row, panel, p, ahead);
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
