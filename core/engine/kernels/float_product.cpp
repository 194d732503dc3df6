// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/float_product.h"

#include "core/base/aligned_bytes.h"
#include "core/base/grain.h"
#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/row_functions.h"

#include <algorithm>

#include <omp.h>

namespace kurtoscope {

#if defined(__x86_64__)

namespace {

constexpr std::int64_t deepest = 256;          // inputs at a time: a panel of them stays in the first cache
constexpr std::int64_t partBytes = 384 * 1024; // of packed weights, in the second
constexpr std::int64_t stripTiles = 8;         // whose finished rows are still near for what comes after

// Columns [first, last) of all rows. The inputs are the outermost loop: the activations are then read once
// for each share of columns, and what is added onto lies in the second cache.
template <class Tile>
void multiplyColumns(const float* x, std::int64_t rows, std::int64_t inputs, const float* w,
                     const float* bias, float* out, std::int64_t stride, std::int64_t first,
                     std::int64_t last, const AfterRows& after) {
    constexpr std::int64_t width = Tile::columns;
    const std::int64_t blocks = std::max<std::int64_t>(1, (inputs + deepest - 1) / deepest);
    const std::int64_t tiles = (rows + Tile::rows - 1) / Tile::rows;
    thread_local AlignedBytes packed;
    packed.reserve(std::size_t((last - first + width - 1) / width * width * std::min(inputs, deepest)) *
                   sizeof(float));
    alignas(64) float edge[Tile::rows * width];
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t k = block * inputs / blocks, depth = (block + 1) * inputs / blocks - k;
        for (std::int64_t column = first; column < last; column += width)
            packColumns<width>(w + column * inputs + k, inputs, std::min(width, last - column), depth,
                               packed.as<float>() + (column - first) * depth);
        for (std::int64_t strip = 0; strip < tiles; strip += stripTiles) {
            const std::int64_t stripEnd = std::min(tiles, strip + stripTiles);
            for (std::int64_t column = first; column < last; column += width) {
                const float* b = packed.as<float>() + (column - first) * depth;
                const std::int64_t there = std::min(width, last - column);
                for (std::int64_t tile = strip; tile < stripEnd; ++tile) {
                    const std::int64_t row = tile * rows / tiles, count = (tile + 1) * rows / tiles - row;
                    const float* a = x + row * inputs + k;
                    float* c = out + row * stride + column;
                    if (there == width) {
                        multiplyTile<Tile>(count, a, inputs, b, depth, c, stride, block > 0);
                        continue;
                    }
                    for (std::int64_t r = 0; r < count && block > 0; ++r)
                        std::copy_n(c + r * stride, there, edge + r * width);
                    multiplyTile<Tile>(count, a, inputs, b, depth, edge, width, block > 0);
                    for (std::int64_t r = 0; r < count; ++r)
                        std::copy_n(edge + r * width, there, c + r * stride);
                }
            }
            if (block + 1 < blocks) continue;
            const std::int64_t row = strip * rows / tiles, end = stripEnd * rows / tiles;
            if (bias)
                for (std::int64_t r = row; r < end; ++r)
                    addRow(out + r * stride + first, bias + first, last - first);
            if (after) after(row, end, first, last);
        }
    }
}

template <class Tile>
void multiply(const float* x, std::int64_t rows, std::int64_t inputs, const float* w, std::int64_t outputs,
              const float* bias, float* out, std::int64_t stride, const AfterRows& after) {
    const std::int64_t panels = (outputs + Tile::columns - 1) / Tile::columns;
    const std::int64_t panelBytes =
        std::clamp<std::int64_t>(inputs, 1, deepest) * Tile::columns * std::int64_t(sizeof(float));
    const std::int64_t fit = std::max<std::int64_t>(1, partBytes / panelBytes);
    const std::int64_t threads = omp_get_max_threads();
    const std::int64_t parts = std::min(panels, ((panels + fit - 1) / fit + threads - 1) / threads * threads);
    parallelFor(
        parts, isWorthThreads(rows * inputs * outputs) ? 1 : parts, [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t part = from; part < to; ++part)
                multiplyColumns<Tile>(x, rows, inputs, w, bias, out, stride,
                                      part * panels / parts * Tile::columns,
                                      std::min(outputs, (part + 1) * panels / parts * Tile::columns), after);
        });
}

} // namespace

bool hasFloatKernels() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs, const float* w,
                    std::int64_t outputs, const float* bias, float* out, std::int64_t stride,
                    const AfterRows& after) {
    static const auto fastest = hasAvx512() ? multiply<FloatTileAvx512> : multiply<FloatTileAvx2>;
    fastest(x, rows, inputs, w, outputs, bias, out, stride, after);
}

#else

bool hasFloatKernels() {
    return false;
}

void multiplyFloats(const float*, std::int64_t, std::int64_t, const float*, std::int64_t, const float*,
                    float*, std::int64_t, const AfterRows&) {}

#endif

} // namespace kurtoscope
