// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/float_product.h"

#include "core/base/aligned_bytes.h"
#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/tile_loop.h"

#include <algorithm>

namespace kurtoscope {

#if defined(__x86_64__)

namespace {

// Weights [output, input] as panels that are laid out when a block of inputs comes up.
template <class Tile>
class FreshPanels {
public:
    FreshPanels(const float* w, std::int64_t inputs) : w_(w), inputs_(inputs) {}

    void prepare(std::int64_t first, std::int64_t last, std::int64_t k, std::int64_t depth) {
        constexpr std::int64_t width = Tile::columns;
        thread_local AlignedBytes memory;
        memory.reserve(std::size_t((last - first + width - 1) / width * width * depth) * sizeof(float));
        first_ = first, depth_ = depth, packed_ = memory.as<float>();
        for (std::int64_t column = first; column < last; column += width)
            packColumns<width>(w_ + column * inputs_ + k, inputs_, std::min(width, last - column), depth,
                               packed_ + (column - first) * depth);
    }
    const float* at(std::int64_t column) const { return packed_ + (column - first_) * depth_; }

private:
    const float* w_;
    std::int64_t inputs_, first_ = 0, depth_ = 0;
    float* packed_ = nullptr;
};

template <class Tile>
void multiply(const float* x, std::int64_t rows, std::int64_t inputs, const float* w, std::int64_t outputs,
              const float* bias, float* out, std::int64_t stride, const AfterRows& after) {
    multiplyTiles<Tile>(x, rows, inputs, FreshPanels<Tile>(w, inputs), outputs, bias, out, stride, after);
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
