// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/bf16_product.h"

#include "core/base/grain.h"
#include "core/engine/kernels/bf16_tile.h"
#include "core/engine/kernels/strip_loop.h"

#if defined(__x86_64__)

namespace kurtoscope {
namespace {

constexpr std::int64_t panelOutputs = Bf16Tile::columns;

// Panels that were laid out before.
class ReadyPanels {
public:
    ReadyPanels(const std::uint32_t* panels, std::int64_t words) : panels_(panels), words_(words) {}
    void prepare(std::int64_t, std::int64_t, std::int64_t k, std::int64_t) { k_ = k; }
    const std::uint32_t* at(std::int64_t column) const {
        return panels_ + column * words_ + k_ * panelOutputs;
    }

private:
    const std::uint32_t* panels_;
    std::int64_t words_, k_ = 0;
};

} // namespace

bool hasBf16Products() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

void Bf16Rows::put(std::int64_t row, std::int64_t first, const float* x, std::int64_t count) {
    auto* to = values.as<std::uint16_t>() + row * words * 2;
    castRow(x, count, to + first);
    if (first + count == channels && channels % 2 != 0) to[channels] = 0;
}

void bf16Rows(const float* x, std::int64_t rows, std::int64_t channels, Bf16Rows& made) {
    made.resize(rows, channels);
    parallelFor(rows, rowsWorthAThread(channels), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
            made.put(row, 0, x + row * channels, channels);
    });
}

PackedBf16::PackedBf16(const std::uint16_t* w, std::int64_t outputs, std::int64_t inputs)
    : outputs_(outputs),
      words_((inputs + 1) / 2),
      panels_(std::size_t((outputs + panelOutputs - 1) / panelOutputs * panelOutputs * words_) *
              sizeof(std::uint32_t)) {
    auto* to = panels_.as<std::uint16_t>();
    for (std::int64_t output = 0; output < outputs; ++output) {
        const std::int64_t panel = output / panelOutputs * panelOutputs * words_,
                           within = output % panelOutputs;
        for (std::int64_t input = 0; input < inputs; ++input)
            to[(panel + input / 2 * panelOutputs + within) * 2 + input % 2] = w[output * inputs + input];
    }
}

void PackedBf16::multiply(const Bf16Rows& x, const float* bias, float* out, std::int64_t stride,
                          const AfterRows& after) const {
    multiplyEach(x, {{*this, bias, out, stride, after}});
}

void PackedBf16::multiplyEach(const Bf16Rows& x, const std::vector<Product>& products) {
    std::vector<TileProduct<ReadyPanels>> tiles;
    for (const Product& p : products)
        tiles.push_back({ReadyPanels(p.weight.panels_.as<std::uint32_t>(), p.weight.words_),
                         p.weight.outputs_, p.bias, p.out, p.stride, p.after});
    multiplyTiles<Bf16Tile>(x.values.as<std::uint32_t>(), x.rows, x.words, tiles);
}

void PackedBf16::multiplyInto(const Bf16Rows& x, const float* bias, const TakeStrip& take) const {
    const auto* rows = x.values.as<std::uint32_t>();
    const ReadyPanels panels(panels_.as<std::uint32_t>(), words_);
    shareColumns<Bf16Tile>(x.rows, words_, words_, outputs_, [&](std::int64_t first, std::int64_t last) {
        stripColumns<Bf16Tile>(rows, x.rows, words_, panels, bias, first, last, take);
    });
}

} // namespace kurtoscope

#else

namespace kurtoscope {

bool hasBf16Products() {
    return false;
}

void Bf16Rows::put(std::int64_t, std::int64_t, const float*, std::int64_t) {}

void bf16Rows(const float*, std::int64_t, std::int64_t, Bf16Rows&) {}

PackedBf16::PackedBf16(const std::uint16_t*, std::int64_t outputs, std::int64_t inputs)
    : outputs_(outputs), words_((inputs + 1) / 2) {}

void PackedBf16::multiply(const Bf16Rows&, const float*, float*, std::int64_t, const AfterRows&) const {}

void PackedBf16::multiplyEach(const Bf16Rows&, const std::vector<Product>&) {}

void PackedBf16::multiplyInto(const Bf16Rows&, const float*, const TakeStrip&) const {}

} // namespace kurtoscope

#endif
