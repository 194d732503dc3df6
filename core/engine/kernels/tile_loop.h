// SPDX-License-Identifier: GPL-3.0-or-later
// How a product x · wᵀ walks its tiles, whatever its numbers are: a Tile is a kind of inner loop
// (float_tile.h, bf16_product.cpp) with its Word, one 32-bit piece of a row; Panels hold the weights' columns
// as the tile reads them. For this folder's .cpp files.
#pragma once

#include "core/base/aligned_bytes.h"
#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/base/side_by_side.h"
#include "core/engine/kernels/row_functions.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <omp.h>

namespace kurtoscope {

constexpr std::int64_t deepestTile = 512;      // words at a time: sums leave the registers seldom enough
constexpr std::int64_t partBytes = 384 * 1024; // of packed weights, in the second
constexpr std::int64_t stripTiles = 8;         // whose finished rows are still near for what comes after

// A tile of `count` rows, at most Tile::rows.
template <class Tile, int most = static_cast<int>(Tile::rows)>
inline void multiplyTile(std::int64_t count, const typename Tile::Word* a, std::int64_t aStride,
                         const typename Tile::Word* b, std::int64_t depth, float* c, std::int64_t cStride,
                         bool more, const float* bias = nullptr) {
    if (count == most) return Tile::template multiply<most>(a, aStride, b, depth, c, cStride, more, bias);
    if constexpr (most > 1) multiplyTile<Tile, most - 1>(count, a, aStride, b, depth, c, cStride, more, bias);
}

// Panels that are made when a block of inputs comes up: `make(column, k, depth, to)` writes [depth,
// Tile::columns] floats. Each thread has a copy, and memory of its own.
template <class Tile, class Make>
class FreshPanels {
public:
    explicit FreshPanels(Make make) : make_(make) {}

    void prepare(std::int64_t first, std::int64_t last, std::int64_t k, std::int64_t depth) {
        constexpr std::int64_t width = Tile::columns;
        thread_local AlignedBytes memory;
        memory.reserve(std::size_t((last - first + width - 1) / width * width * depth) * sizeof(float));
        first_ = first, depth_ = depth, made_ = memory.as<float>();
        for (std::int64_t column = first; column < last; column += width)
            make_(column, k, depth, made_ + (column - first) * depth);
    }
    const float* at(std::int64_t column) const { return made_ + (column - first_) * depth_; }

private:
    Make make_;
    std::int64_t first_ = 0, depth_ = 0;
    float* made_ = nullptr;
};

// Columns [first, last) of all rows. The words are the outermost loop: the activations are then read once for
// each share of columns, and what is added onto lies in the second cache.
template <class Tile, class Panels>
void multiplyColumns(const typename Tile::Word* x, std::int64_t rows, std::int64_t words, Panels panels,
                     const float* bias, float* out, std::int64_t stride, std::int64_t first,
                     std::int64_t last, const AfterRows& after) {
    constexpr std::int64_t width = Tile::columns;
    const std::int64_t blocks = std::max<std::int64_t>(1, (words + deepestTile - 1) / deepestTile);
    const std::int64_t tiles = (rows + Tile::rows - 1) / Tile::rows;
    alignas(64) float edge[Tile::rows * width], edgeBias[width] = {};
    const std::int64_t over = (last - first) % width; // columns of the last panel, where it is not full
    if (bias && over != 0) std::copy_n(bias + last - over, over, edgeBias);
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t k = block * words / blocks, depth = (block + 1) * words / blocks - k;
        panels.prepare(first, last, k, depth);
        for (std::int64_t strip = 0; strip < tiles; strip += stripTiles) {
            const std::int64_t stripEnd = std::min(tiles, strip + stripTiles);
            for (std::int64_t column = first; column < last; column += width) {
                const typename Tile::Word* b = panels.at(column);
                const std::int64_t there = std::min(width, last - column);
                for (std::int64_t tile = strip; tile < stripEnd; ++tile) {
                    const std::int64_t row = tile * rows / tiles, count = (tile + 1) * rows / tiles - row;
                    const typename Tile::Word* a = x + row * words + k;
                    float* c = out + row * stride + column;
                    const float* terms = bias && block + 1 == blocks ? bias + column : nullptr;
                    if (there == width) {
                        multiplyTile<Tile>(count, a, words, b, depth, c, stride, block > 0, terms);
                        continue;
                    }
                    for (std::int64_t r = 0; r < count && block > 0; ++r)
                        std::copy_n(c + r * stride, there, edge + r * width);
                    multiplyTile<Tile>(count, a, words, b, depth, edge, width, block > 0,
                                       terms ? edgeBias : nullptr);
                    for (std::int64_t r = 0; r < count; ++r)
                        std::copy_n(edge + r * width, there, c + r * stride);
                }
            }
            if (block + 1 < blocks) continue;
            const std::int64_t row = strip * rows / tiles, end = stripEnd * rows / tiles;
            if (after) after(row, end, first, last);
        }
    }
}

// multiply(first, last) for all columns, shared between threads in parts whose panels of `depth` words at a
// time stay near.
template <class Tile, class Multiply>
void shareColumns(std::int64_t rows, std::int64_t words, std::int64_t depth, std::int64_t outputs,
                  const Multiply& multiply) {
    const std::int64_t count = (outputs + Tile::columns - 1) / Tile::columns;
    const std::int64_t panelBytes =
        std::max<std::int64_t>(depth, 1) * Tile::columns * std::int64_t(sizeof(float));
    const std::int64_t fit = std::max<std::int64_t>(1, partBytes / panelBytes);
    const std::int64_t threads = omp_get_max_threads();
    const std::int64_t parts = std::min(count, ((count + fit - 1) / fit + threads - 1) / threads * threads);
    parallelFor(parts, isWorthThreads(rows * words * outputs) ? 1 : parts,
                [&](std::int64_t from, std::int64_t to) {
                    for (std::int64_t part = from; part < to; ++part)
                        multiply(part * count / parts * Tile::columns,
                                 std::min(outputs, (part + 1) * count / parts * Tile::columns));
                });
}

// One of the products of some rows.
template <class Panels>
struct TileProduct {
    Panels panels;
    std::int64_t outputs;
    const float* bias;
    float* out;
    std::int64_t stride;
    const AfterRows& after;
};

// All of them in one parallel region, their columns shared out as if they were one product's.
template <class Tile, class Panels>
void multiplyTiles(const typename Tile::Word* x, std::int64_t rows, std::int64_t words,
                   const std::vector<TileProduct<Panels>>& products) {
    SideBySide sides(Tile::columns);
    for (const TileProduct<Panels>& p : products)
        sides.add(p.outputs);
    shareColumns<Tile>(
        rows, words, std::min(words, deepestTile), sides.columns(),
        [&](std::int64_t first, std::int64_t last) {
            sides.within(first, last, [&](std::size_t product, std::int64_t from, std::int64_t to) {
                const TileProduct<Panels>& p = products[product];
                multiplyColumns<Tile>(x, rows, words, p.panels, p.bias, p.out, p.stride, from, to, p.after);
            });
        });
}

} // namespace kurtoscope
