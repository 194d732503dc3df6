// SPDX-License-Identifier: GPL-3.0-or-later
// A product of few rows in float32, with AVX-512: rows lie side by side in a vector and each weight is spread
// over them, so that weights are read once, as they lie. Sums are added in the order of the other tiles and
// round alike. For this folder's .cpp files.
#pragma once

#include "core/engine/kernels/float_product.h"
#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/tile_loop.h"

#if defined(__x86_64__)

namespace kurtoscope {

constexpr std::int64_t vectorRows = 16; // in one vector

// sums [output, vectors · 16] (+)= Σₖ x [k, vectors · 16] · w [output, k]; `ahead`: the weights that come
// next.
template <int vectors, int outputs>
KURTOSCOPE_AVX512 void spreadWeights(const float* x, const float* w, std::int64_t stride, std::int64_t depth,
                                     float* sums, bool more, std::int64_t ahead) {
    constexpr std::int64_t line = 16; // floats in a line of the cache
    __m512 sum[outputs][vectors];
#pragma GCC unroll 28
    for (int o = 0; o < outputs; ++o)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; ++v)
            sum[o][v] = _mm512_setzero_ps();
    for (std::int64_t first = 0; first < depth; first += line) {
#pragma GCC unroll 28
        for (int o = 0; o < outputs; ++o)
            _mm_prefetch(reinterpret_cast<const char*>(w + o * stride + first + ahead), _MM_HINT_T1);
        for (std::int64_t k = first; k < std::min(depth, first + line); ++k, x += vectors * vectorRows) {
            __m512 row[vectors];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; ++v)
                row[v] = _mm512_load_ps(x + v * vectorRows);
#pragma GCC unroll 28
            for (int o = 0; o < outputs; ++o) {
                const __m512 spread = _mm512_set1_ps(w[o * stride + k]);
#pragma GCC unroll 3
                for (int v = 0; v < vectors; ++v)
                    sum[o][v] = _mm512_fmadd_ps(row[v], spread, sum[o][v]);
            }
        }
    }
#pragma GCC unroll 28
    for (int o = 0; o < outputs; ++o)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; ++v, sums += vectorRows)
            _mm512_store_ps(sums, more ? _mm512_add_ps(_mm512_load_ps(sums), sum[o][v]) : sum[o][v]);
}

template <int vectors, int most>
void spreadWeightsOf(std::int64_t count, const float* x, const float* w, std::int64_t stride,
                     std::int64_t depth, float* sums, bool more, std::int64_t ahead) {
    if (count == most) return spreadWeights<vectors, most>(x, w, stride, depth, sums, more, ahead);
    if constexpr (most > 1) spreadWeightsOf<vectors, most - 1>(count, x, w, stride, depth, sums, more, ahead);
}

// Outputs [first, first + count) of out [row, output] = x · wᵀ + bias; x lies as [input, vectors · 16].
template <int vectors, int most>
void multiplyFewColumns(const float* x, std::int64_t rows, std::int64_t inputs, const FloatProduct& p,
                        std::int64_t first, std::int64_t count) {
    constexpr std::int64_t across = vectors * vectorRows, width = 32;
    static_assert(most <= width);
    alignas(64) float sums[most * across], turned[across * width];
    const std::int64_t blocks = std::max<std::int64_t>(1, (inputs + deepestTile - 1) / deepestTile);
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t k = block * inputs / blocks, depth = (block + 1) * inputs / blocks - k;
        spreadWeightsOf<vectors, most>(count, x + k * across, p.w + first * inputs + k, inputs, depth, sums,
                                       block > 0, count * inputs);
    }
    packColumns<width>(sums, across, count, across, turned); // [row, output]
    for (std::int64_t row = 0; row < rows; ++row) {
        float* made = p.out + row * p.stride + first;
        std::copy_n(turned + row * width, count, made);
        if (p.bias) addRow(made, p.bias + first, count);
    }
}

// All products of at most `vectors` · 16 rows, their outputs shared out as if they were one's.
template <int vectors>
void multiplyFewRows(const float* x, std::int64_t rows, std::int64_t inputs,
                     const std::vector<FloatProduct>& products) {
    constexpr std::int64_t across = vectors * vectorRows, most = 28 / vectors;
    const auto tilesOf = [](const FloatProduct& p) { return (p.outputs + most - 1) / most; };
    AlignedBytes columns(std::size_t(inputs * across) * sizeof(float)); // x as [input, across]
    packColumns<across>(x, inputs, rows, inputs, columns.as<float>());
    SideBySide sides(1);
    std::int64_t outputs = 0;
    for (const FloatProduct& p : products)
        sides.add(tilesOf(p)), outputs += p.outputs;
    parallelFor(sides.columns(),
                isWorthThreads(std::max<std::int64_t>(rows, 4) * inputs * outputs) ? 1 : sides.columns(),
                [&](std::int64_t begin, std::int64_t end) {
                    sides.within(begin, end, [&](std::size_t product, std::int64_t from, std::int64_t to) {
                        const FloatProduct& p = products[product];
                        const std::int64_t tiles = tilesOf(p);
                        for (std::int64_t tile = from; tile < to; ++tile) {
                            const std::int64_t first = tile * p.outputs / tiles,
                                               count = (tile + 1) * p.outputs / tiles - first;
                            multiplyFewColumns<vectors, int(most)>(columns.as<float>(), rows, inputs, p,
                                                                   first, count);
                        }
                        if (p.after) p.after(0, rows, from * p.outputs / tiles, to * p.outputs / tiles);
                    });
                });
}

} // namespace kurtoscope

#endif
