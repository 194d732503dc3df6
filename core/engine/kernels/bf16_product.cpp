// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/bf16_product.h"

#include "core/base/grain.h"
#include "core/engine/kernels/bf16_tile.h"
#include "core/engine/kernels/tile_loop.h"

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

void bf16Rows(const float* x, std::int64_t rows, std::int64_t channels, Bf16Rows& made) {
    made.rows = rows, made.channels = channels, made.words = (channels + 1) / 2;
    made.values.reserve(std::size_t(rows * made.words) * sizeof(std::uint32_t));
    parallelFor(rows, rowsWorthAThread(channels), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            auto* to = made.values.as<std::uint16_t>() + row * made.words * 2;
            castRow(x + row * channels, channels, to);
            if (channels % 2 != 0) to[channels] = 0;
        }
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
    multiplyTiles<Bf16Tile>(x.values.as<std::uint32_t>(), x.rows, words_,
                            ReadyPanels(panels_.as<std::uint32_t>(), words_), outputs_, bias, out, stride,
                            after);
}

} // namespace kurtoscope

#else

namespace kurtoscope {

bool hasBf16Products() {
    return false;
}

void bf16Rows(const float*, std::int64_t, std::int64_t, Bf16Rows&) {}

PackedBf16::PackedBf16(const std::uint16_t*, std::int64_t outputs, std::int64_t inputs)
    : outputs_(outputs), words_((inputs + 1) / 2) {}

void PackedBf16::multiply(const Bf16Rows&, const float*, float*, std::int64_t, const AfterRows&) const {}

} // namespace kurtoscope

#endif
