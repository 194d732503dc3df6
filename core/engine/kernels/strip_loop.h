// SPDX-License-Identifier: GPL-3.0-or-later
// The walk of tile_loop.h for products whose sums nobody keeps: a strip of rows at a time lies in the
// thread's own memory, goes to whoever makes other numbers of it, and gives its place to the next. For this
// folder's .cpp files.
#pragma once

#include "core/engine/kernels/tile_loop.h"

namespace kurtoscope {

// Columns [first, last) of all rows. All blocks of words follow one another within a strip, so that sums are
// added in the same order as there.
template <class Tile, class Panels, class TakeStrip>
void stripColumns(const typename Tile::Word* x, std::int64_t rows, std::int64_t words, Panels panels,
                  const float* bias, std::int64_t first, std::int64_t last, const TakeStrip& take) {
    constexpr std::int64_t width = Tile::columns;
    const std::int64_t blocks = std::max<std::int64_t>(1, (words + deepestTile - 1) / deepestTile);
    const std::int64_t tiles = (rows + Tile::rows - 1) / Tile::rows;
    const std::int64_t stride = (last - first + width - 1) / width * width;
    thread_local AlignedBytes memory;
    memory.reserve(std::size_t(stripTiles * Tile::rows * stride) * sizeof(float));
    float* const strips = memory.as<float>();
    alignas(64) float edgeBias[width] = {};
    if (const std::int64_t over = (last - first) % width; bias && over != 0)
        std::copy_n(bias + last - over, over, edgeBias); // of the last panel, where it is not full
    for (std::int64_t strip = 0; strip < tiles; strip += stripTiles) {
        const std::int64_t end = std::min(tiles, strip + stripTiles), firstRow = strip * rows / tiles;
        for (std::int64_t column = first; column < last; column += width)
            for (std::int64_t block = 0; block < blocks; ++block) {
                const std::int64_t k = block * words / blocks, depth = (block + 1) * words / blocks - k;
                panels.prepare(first, last, k, depth);
                const float* terms = !bias || block + 1 < blocks ? nullptr
                                     : last - column < width     ? edgeBias
                                                                 : bias + column;
                for (std::int64_t tile = strip; tile < end; ++tile) {
                    const std::int64_t row = tile * rows / tiles, count = (tile + 1) * rows / tiles - row;
                    multiplyTile<Tile>(count, x + row * words + k, words, panels.at(column), depth,
                                       strips + (row - firstRow) * stride + column - first, stride, block > 0,
                                       terms);
                }
            }
        take(strips, stride, firstRow, end * rows / tiles, first, last);
    }
}

} // namespace kurtoscope
