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
void multiply(const float* x, std::int64_t rows, std::int64_t inputs, const float* w, std::int64_t outputs,
              const float* bias, float* out, std::int64_t stride, const AfterRows& after) {
    const auto pack = [=](std::int64_t column, std::int64_t k, std::int64_t depth, float* to) {
        packColumns<Tile::columns>(w + column * inputs + k, inputs, std::min(Tile::columns, outputs - column),
                                   depth, to);
    };
    const FreshPanels<Tile, decltype(pack)> panels(pack);
    multiplyTiles<Tile>(x, rows, inputs, panels, outputs, bias, out, stride, after);
}

} // namespace

bool hasFloatKernels() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

void multiplyFloats(const float* x, std::int64_t rows, std::int64_t inputs, const float* w,
                    std::int64_t outputs, const float* bias, float* out, std::int64_t stride,
                    const AfterRows& after) {
    static const bool wide = hasAvx512();
    if (wide && rows <= vectorRows)
        return multiplyFewRows<1>(x, rows, inputs, w, outputs, bias, out, stride, after);
    if (wide && rows <= 2 * vectorRows)
        return multiplyFewRows<2>(x, rows, inputs, w, outputs, bias, out, stride, after);
    const auto fastest = wide ? multiply<FloatTileAvx512> : multiply<FloatTileAvx2>;
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
