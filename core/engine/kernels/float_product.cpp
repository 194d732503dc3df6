// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/float_product.h"

#include "core/base/aligned_bytes.h"
#include "core/engine/kernels/few_rows.h"
#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/tile_loop.h"

#include <algorithm>

namespace kurtoscope {

#if defined(__x86_64__)

namespace {

template <class Tile>
void multiply(const float* x, std::int64_t rows, std::int64_t inputs,
              const std::vector<FloatProduct>& products) {
    const auto packing = [inputs](const float* w, std::int64_t outputs) {
        return [=](std::int64_t column, std::int64_t k, std::int64_t depth, float* to) {
            packColumns<Tile::columns>(w + column * inputs + k, inputs,
                                       std::min(Tile::columns, outputs - column), depth, to);
        };
    };
    using Panels = FreshPanels<Tile, decltype(packing(nullptr, 0))>;
    std::vector<TileProduct<Panels>> tiles;
    for (const FloatProduct& p : products)
        tiles.push_back({Panels(packing(p.w, p.outputs)), p.outputs, p.bias, p.out, p.stride, p.after});
    multiplyTiles<Tile>(x, rows, inputs, tiles);
}

} // namespace

bool hasFloatKernels() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs,
                    const std::vector<FloatProduct>& products) {
    static const bool wide = hasAvx512();
    if (wide && rows <= vectorRows) return multiplyFewRows<1>(x, rows, inputs, products);
    if (wide && rows <= 2 * vectorRows) return multiplyFewRows<2>(x, rows, inputs, products);
    const auto fastest = wide ? multiply<FloatTileAvx512> : multiply<FloatTileAvx2>;
    fastest(x, rows, inputs, products);
}

#else

bool hasFloatKernels() {
    return false;
}

void multiplyFloats(const float*, std::int64_t, std::int64_t, const std::vector<FloatProduct>&) {}

#endif

void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs, const float* w,
                    std::int64_t outputs, const float* bias, float* out, std::int64_t stride,
                    const AfterRows& after) {
    multiplyFloats(x, rows, inputs, {{w, outputs, bias, out, stride, after}});
}

} // namespace kurtoscope
