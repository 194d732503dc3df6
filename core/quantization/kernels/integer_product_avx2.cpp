// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel for processors with AVX2 and no dot product of bytes. Their multiply–add of bytes, vpmaddubsw,
// adds two products into 16 bits and saturates there. Weights are raised to 1 … 255, so a sum of products
// stays exact as long as neither the positive nor the negative activations in it exceed 128 together. Runs of
// eight inputs are therefore sorted for each tile of rows: calm ones, where that holds for the four products
// that meet in a lane, are added up in 16 bits before they are widened; mild ones, where it holds for two,
// are widened at once; in wild ones the product takes |x| and the weight under x's sign, which never
// saturates: 2 · 128 · 127 < 2¹⁵. The order of an integer sum does not matter, so every path gives the plain
// loop's sums.
#include "core/quantization/kernels/integer_product.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#define KURTOSCOPE_AVX2 __attribute__((target("avx2,fma")))
#define KURTOSCOPE_INLINE KURTOSCOPE_AVX2 __attribute__((always_inline)) inline

namespace kurtoscope {
namespace {

constexpr std::int64_t mostRows = 5; // × 16 outputs: ten accumulators, and five registers to work with
constexpr int run = 8;               // inputs: two groups of four

// How the runs of one tile's rows are multiplied.
struct Tile {
    std::int64_t row = 0;
    int rows = 0;
    std::vector<std::uint16_t> calm, mild, wild;
    std::int32_t wildSums[mostRows] = {}; // Σ x over the wild runs
};

KURTOSCOPE_AVX2 void sort(const IntegerRows& x, std::int64_t runs, Tile& tile) {
    tile.calm.clear(), tile.mild.clear(), tile.wild.clear();
    std::fill_n(tile.wildSums, mostRows, 0);
    const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(1), limit = _mm256_set1_epi16(128);
    for (std::int64_t at = 0; at < runs; at += 4) {
        __m256i twos = zero, fours = zero; // the largest sums of one sign, of two and of four activations
        for (int r = 0; r < tile.rows; ++r) {
            const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(
                x.values.as<std::int8_t>() + (tile.row + r) * x.stride + at * run));
            const __m256i positive = _mm256_max_epi8(v, zero), negative = _mm256_sub_epi8(positive, v);
            const __m256i up = _mm256_maddubs_epi16(positive, ones),
                          down = _mm256_maddubs_epi16(negative, ones);
            twos = _mm256_max_epi16(twos, _mm256_max_epi16(up, down));
            fours = _mm256_max_epi16(fours,
                                     _mm256_max_epi16(_mm256_add_epi16(up, _mm256_srli_epi64(up, 32)),
                                                      _mm256_add_epi16(down, _mm256_srli_epi64(down, 32))));
        }
        const auto wild = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi16(twos, limit)));
        const auto lively =
            static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi16(fours, limit)));
        for (std::int64_t i = 0; i < std::min<std::int64_t>(4, runs - at); ++i) {
            const auto index = static_cast<std::uint16_t>(at + i);
            if (wild >> 8 * i & 0xff)
                tile.wild.push_back(index);
            else if (lively >> 8 * i & 0x0f) // a lane's four meet in the run's lower half
                tile.mild.push_back(index);
            else
                tile.calm.push_back(index);
        }
    }
    for (const std::uint16_t index : tile.wild)
        for (int r = 0; r < tile.rows; ++r)
            for (int i = 0; i < run; ++i)
                tile.wildSums[r] += x.values.as<std::int8_t>()[(tile.row + r) * x.stride + index * run + i];
}

KURTOSCOPE_INLINE __m256i four(const std::int8_t* values) {
    std::int32_t bytes;
    std::memcpy(&bytes, values, 4);
    return _mm256_set1_epi32(bytes);
}

KURTOSCOPE_INLINE __m256i weights(const std::uint8_t* at) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
}

KURTOSCOPE_INLINE void finish(__m256i sums, const Tile& tile, int r, std::int64_t output,
                              const IntegerWork& work, float* out) {
    const auto row = std::size_t(tile.row + r);
    const IntegerRows& x = work.x;
    const __m256i exact = _mm256_sub_epi32(
        _mm256_sub_epi32(sums, _mm256_set1_epi32(128 * (x.sums[row] - tile.wildSums[r]))),
        _mm256_mullo_epi32(_mm256_set1_epi32(x.zeros[row]),
                           _mm256_load_si256(reinterpret_cast<const __m256i*>(work.weight.sums() + output))));
    __m256 y = _mm256_fmadd_ps(
        _mm256_cvtepi32_ps(exact),
        _mm256_mul_ps(_mm256_set1_ps(x.scales[row]), _mm256_load_ps(work.weight.scales() + output)),
        work.onto ? _mm256_loadu_ps(out) : _mm256_load_ps(work.weight.bias() + output));
    const float* kept = x.kept.data() + row * std::size_t(x.keptCount);
    for (std::int64_t k = 0; k < x.keptCount; ++k)
        y = _mm256_fmadd_ps(_mm256_broadcast_ss(kept + k), _mm256_load_ps(work.weight.keptColumn(k) + output),
                            y);
    _mm256_storeu_ps(out, y);
}

template <int rows>
KURTOSCOPE_AVX2 void multiplyTile(const Tile& tile, std::int64_t panel, const IntegerWork& work) {
    const std::int64_t stride = work.x.stride;
    const std::int8_t* x = work.x.values.as<std::int8_t>() + tile.row * stride;
    const std::uint8_t* w = work.weight.panelAt(panel);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums[rows][2];
#pragma GCC unroll 5
    for (int r = 0; r < rows; ++r)
        sums[r][0] = sums[r][1] = _mm256_setzero_si256();
    for (const std::uint16_t index : tile.calm) {
        const std::uint8_t* pair = w + index * 128;
        const std::int8_t* values = x + index * run;
#pragma GCC unroll 5
        for (int r = 0; r < rows; ++r) {
            const __m256i front = four(values + r * stride), back = four(values + r * stride + 4);
#pragma GCC unroll 2
            for (int c = 0; c < 2; ++c) {
                const __m256i both =
                    _mm256_add_epi16(_mm256_maddubs_epi16(weights(pair + 32 * c), front),
                                     _mm256_maddubs_epi16(weights(pair + 64 + 32 * c), back));
                sums[r][c] = _mm256_add_epi32(sums[r][c], _mm256_madd_epi16(both, ones));
            }
        }
    }
    for (const std::uint16_t index : tile.mild)
        for (int half = 0; half < 2; ++half) {
            const std::uint8_t* group = w + index * 128 + half * 64;
            const std::int8_t* values = x + index * run + half * 4;
            const __m256i low = weights(group), high = weights(group + 32);
#pragma GCC unroll 5
            for (int r = 0; r < rows; ++r) {
                const __m256i spread = four(values + r * stride);
                sums[r][0] =
                    _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(_mm256_maddubs_epi16(low, spread), ones));
                sums[r][1] =
                    _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(_mm256_maddubs_epi16(high, spread), ones));
            }
        }
    const __m256i raised = _mm256_set1_epi8(-128);
    for (const std::uint16_t index : tile.wild)
        for (int half = 0; half < 2; ++half) {
            const std::uint8_t* group = w + index * 128 + half * 64;
            const std::int8_t* values = x + index * run + half * 4;
            const __m256i low = _mm256_xor_si256(weights(group), raised),
                          high = _mm256_xor_si256(weights(group + 32), raised); // no longer raised
#pragma GCC unroll 5
            for (int r = 0; r < rows; ++r) {
                const __m256i spread = four(values + r * stride), size = _mm256_abs_epi8(spread);
                sums[r][0] = _mm256_add_epi32(
                    sums[r][0],
                    _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(low, spread)), ones));
                sums[r][1] = _mm256_add_epi32(
                    sums[r][1],
                    _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(high, spread)), ones));
            }
        }
    const std::int64_t output = panel * PackedWeight::panel;
    const std::int64_t there = std::min<std::int64_t>(PackedWeight::panel, work.weight.outputs() - output);
#pragma GCC unroll 5
    for (int r = 0; r < rows; ++r) {
        float* out = work.out + (tile.row - work.begin + r) * work.stride + output;
        alignas(32) float whole[PackedWeight::panel];
        float* to = there == PackedWeight::panel ? out : whole;
        if (to == whole && work.onto)
            for (std::int64_t i = 0; i < PackedWeight::panel; ++i)
                whole[i] = i < there ? out[i] : 0.0F;
        finish(sums[r][0], tile, r, output, work, to);
        finish(sums[r][1], tile, r, output + 8, work, to + 8);
        if (to == whole && there > 0) std::memcpy(out, whole, std::size_t(there) * sizeof(float));
    }
}

template <int rows>
void upTo(const Tile& tile, std::int64_t panel, const IntegerWork& work) {
    if (tile.rows == rows) return multiplyTile<rows>(tile, panel, work);
    if constexpr (rows > 1) upTo<rows - 1>(tile, panel, work);
}

void multiply(const IntegerWork& work) {
    thread_local std::vector<Tile> tiles;
    const std::int64_t rows = work.end - work.begin, count = (rows + mostRows - 1) / mostRows;
    if (std::int64_t(tiles.size()) < count) tiles.resize(std::size_t(count));
    for (std::int64_t t = 0; t < count; ++t) { // of nearly equal heights
        Tile& tile = tiles[std::size_t(t)];
        tile.row = work.begin + t * rows / count;
        tile.rows = static_cast<int>(work.begin + (t + 1) * rows / count - tile.row);
        sort(work.x, work.weight.groups() / 2, tile);
    }
    for (std::int64_t panel = work.first; panel < work.last; ++panel)
        for (std::int64_t t = 0; t < count; ++t)
            upTo<mostRows>(tiles[std::size_t(t)], panel, work);
}

} // namespace

const IntegerKernel* avx2Kernel() {
    static const IntegerKernel kernel{"AVX2", multiply};
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernel : nullptr;
}

} // namespace kurtoscope

#else

namespace kurtoscope {

const IntegerKernel* avx2Kernel() {
    return nullptr;
}

} // namespace kurtoscope

#endif
