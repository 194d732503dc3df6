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

constexpr std::int64_t deepest = 256; // inputs at a time: sixteen columns of them fit the first cache
constexpr std::int64_t partBytes = 160 * 1024; // of packed weights, in the second
constexpr std::int64_t stripRows = 8 * floatTileRows;

} // namespace

bool hasFloatKernels() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool hasFastFloatProduct() {
    return hasFloatKernels() && !__builtin_cpu_supports("avx512f");
}

void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs, const float* w,
                    std::int64_t outputs, const float* bias, float* out, std::int64_t stride,
                    const AfterRows& after) {
    const std::int64_t panels = (outputs + floatTileColumns - 1) / floatTileColumns;
    const std::int64_t fit = std::max<std::int64_t>(1, partBytes / std::max<std::int64_t>(1, inputs * 64));
    const std::int64_t threads = omp_get_max_threads();
    const std::int64_t parts = std::min(panels, ((panels + fit - 1) / fit + threads - 1) / threads * threads);
    const std::int64_t blocks = std::max<std::int64_t>(1, (inputs + deepest - 1) / deepest);
    parallelFor(
        parts, isWorthThreads(rows * inputs * outputs) ? 1 : parts, [&](std::int64_t from, std::int64_t to) {
            thread_local AlignedBytes packed;
            alignas(32) float edge[floatTileRows * floatTileColumns];
            for (std::int64_t part = from; part < to; ++part) {
                const std::int64_t begin = part * panels / parts, end = (part + 1) * panels / parts;
                packed.reserve(std::size_t((end - begin) * inputs * floatTileColumns) * sizeof(float));
                for (std::int64_t panel = begin; panel < end; ++panel)
                    packColumns(w + panel * floatTileColumns * inputs, inputs,
                                std::min(floatTileColumns, outputs - panel * floatTileColumns), inputs,
                                packed.as<float>() + (panel - begin) * inputs * floatTileColumns);
                const std::int64_t firstColumn = begin * floatTileColumns,
                                   lastColumn = std::min(outputs, end * floatTileColumns);
                for (std::int64_t strip = 0; strip < rows; strip += stripRows) {
                    const std::int64_t stripEnd = std::min(rows, strip + stripRows);
                    for (std::int64_t block = 0; block < blocks; ++block) {
                        const std::int64_t k = block * inputs / blocks,
                                           depth = (block + 1) * inputs / blocks - k;
                        for (std::int64_t panel = begin; panel < end; ++panel) {
                            const float* b =
                                packed.as<float>() + ((panel - begin) * inputs + k) * floatTileColumns;
                            const std::int64_t column = panel * floatTileColumns;
                            const std::int64_t there = std::min(floatTileColumns, outputs - column);
                            for (std::int64_t row = strip; row < stripEnd; row += floatTileRows) {
                                const std::int64_t count = std::min(floatTileRows, stripEnd - row);
                                float* c = out + row * stride + column;
                                if (there == floatTileColumns) {
                                    floatTileOf(count, x + row * inputs + k, inputs, b, floatTileColumns,
                                                depth, c, stride, block > 0);
                                    continue;
                                }
                                for (std::int64_t r = 0; r < count && block > 0; ++r)
                                    std::copy_n(c + r * stride, there, edge + r * floatTileColumns);
                                floatTileOf(count, x + row * inputs + k, inputs, b, floatTileColumns, depth,
                                            edge, floatTileColumns, block > 0);
                                for (std::int64_t r = 0; r < count; ++r)
                                    std::copy_n(edge + r * floatTileColumns, there, c + r * stride);
                            }
                        }
                    }
                    if (bias)
                        for (std::int64_t row = strip; row < stripEnd; ++row)
                            addRow(out + row * stride + firstColumn, bias + firstColumn,
                                   lastColumn - firstColumn);
                    if (after) after(strip, stripEnd, firstColumn, lastColumn);
                }
            }
        });
}

#else

bool hasFloatKernels() {
    return false;
}

bool hasFastFloatProduct() {
    return false;
}

void multiplyFloats(const float*, std::int64_t, std::int64_t, const float*, std::int64_t, const float*,
                    float*, std::int64_t, const AfterRows&) {}

#endif

} // namespace kurtoscope
