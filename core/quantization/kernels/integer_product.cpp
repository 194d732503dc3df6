// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/kernels/integer_product.h"

#include "core/base/parallel.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include <omp.h>

namespace kurtoscope {
namespace {

constexpr std::size_t line = 64;
constexpr std::int64_t stripBytes = 24 * 1024; // rows of activations that stay in the first cache

AlignedBytes floats(const std::vector<float>& values, std::int64_t padded) {
    AlignedBytes made(std::size_t(padded) * sizeof(float));
    std::copy(values.begin(), values.end(), made.as<float>());
    return made;
}

} // namespace

AlignedBytes::AlignedBytes(std::size_t bytes) : size_((bytes + line - 1) / line * line) {
    if (size_ == 0) return;
    bytes_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(line, size_)));
    if (!bytes_) throw std::bad_alloc();
    std::memset(bytes_.get(), 0, size_);
}

void AlignedBytes::Free::operator()(std::uint8_t* memory) const {
    std::free(memory);
}

PackedWeight::PackedWeight(const std::int8_t* q, std::int64_t outputs, std::int64_t inputs,
                           std::vector<float> scales, const float* bias, std::vector<int> keptInputs,
                           std::vector<float> keptColumns)
    : outputs_(outputs),
      inputs_(inputs),
      groups_((inputs + 3) / 4),
      panels_(std::size_t(paddedOutputs() * groups_ * 4)),
      scales_(floats(scales, paddedOutputs())),
      bias_(std::size_t(paddedOutputs()) * sizeof(float)),
      sums_(std::size_t(paddedOutputs()) * sizeof(std::int32_t)),
      keptInputs_(std::move(keptInputs)),
      kept_(keptInputs_.size() * std::size_t(paddedOutputs()) * sizeof(float)) {
    if (bias) std::copy(bias, bias + outputs, bias_.as<float>());
    std::memset(panels_.as<std::uint8_t>(), 128, panels_.size()); // zero, raised by 128
    std::int32_t* sums = sums_.as<std::int32_t>();
    for (std::int64_t output = 0; output < outputs; ++output) {
        std::uint8_t* to =
            panels_.as<std::uint8_t>() + output / panel * panel * groups_ * 4 + output % panel * 4;
        for (std::int64_t input = 0; input < inputs; ++input) {
            const int value = q[output * inputs + input];
            to[input / 4 * panel * 4 + input % 4] = static_cast<std::uint8_t>(value + 128);
            sums[output] += value;
        }
    }
    for (std::size_t i = 0; i < keptInputs_.size(); ++i)
        std::copy_n(keptColumns.begin() + std::ptrdiff_t(i) * outputs, outputs,
                    kept_.as<float>() + std::int64_t(i) * paddedOutputs());
}

void PackedWeight::multiply(const IntegerRows& x, float* out) const {
    static const IntegerTile tile = vnniTile() ? vnniTile() : portableTile;
    // Strips of rows that stay in the first cache while the weight's panels pass by; where there are fewer
    // strips than threads, the panels are shared out too.
    const std::int64_t panels = paddedOutputs() / panel;
    const std::int64_t tiles =
        std::max<std::int64_t>(1, stripBytes / std::max<std::int64_t>(1, x.stride) / integerTileRows);
    const std::int64_t strip = tiles * integerTileRows, strips = (x.rows + strip - 1) / strip;
    const std::int64_t threads = omp_get_max_threads();
    const std::int64_t parts =
        std::clamp<std::int64_t>((4 * threads + strips - 1) / std::max<std::int64_t>(1, strips), 1, panels);
    parallelFor(strips * parts, 1, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t unit = from; unit < to; ++unit) {
            const std::int64_t first = unit / parts * strip, last = std::min(x.rows, first + strip);
            const std::int64_t part = unit % parts;
            for (std::int64_t p = part * panels / parts; p < (part + 1) * panels / parts; ++p)
                for (std::int64_t row = first; row < last; row += integerTileRows)
                    tile(x, *this, row, std::min(integerTileRows, last - row), p, out);
        }
    });
}

void PackedWeight::multiplyPlainly(const IntegerRows& x, float* out) const {
    for (std::int64_t row = 0; row < x.rows; ++row)
        for (std::int64_t output = 0; output < outputs_; ++output) {
            const std::uint8_t* w = panelAt(output / panel) + output % panel * 4;
            std::int64_t sum = 0;
            for (std::int64_t input = 0; input < inputs_; ++input)
                sum += (std::int64_t(w[input / 4 * panel * 4 + input % 4]) - 128) *
                       (x.values.as<std::int8_t>()[row * x.stride + input] - x.zeros[std::size_t(row)]);
            float y = std::fma(static_cast<float>(sum), x.scales[std::size_t(row)] * scales()[output],
                               bias()[output]);
            for (std::int64_t k = 0; k < x.keptCount; ++k)
                y = std::fma(x.kept[std::size_t(row * x.keptCount + k)], keptColumn(k)[output], y);
            out[row * outputs_ + output] = y;
        }
}

void portableTile(const IntegerRows& x, const PackedWeight& weight, std::int64_t begin, std::int64_t count,
                  std::int64_t panel, float* out) {
    constexpr std::int64_t width = PackedWeight::panel;
    const std::int64_t first = panel * width, outputs = std::min(width, weight.outputs() - first);
    for (std::int64_t row = begin; row < begin + count; ++row) {
        std::int32_t sums[width] = {};
        const std::int8_t* values = x.values.as<std::int8_t>() + row * x.stride;
        const std::uint8_t* w = weight.panelAt(panel);
        for (std::int64_t group = 0; group < weight.groups(); ++group, w += width * 4)
            for (std::int64_t output = 0; output < width; ++output) {
                std::int32_t sum = 0;
                for (int i = 0; i < 4; ++i)
                    sum += std::int32_t(w[output * 4 + i]) * values[group * 4 + i];
                sums[output] += sum;
            }
        const auto r = std::size_t(row);
        for (std::int64_t output = 0; output < outputs; ++output) {
            const std::int32_t sum =
                sums[output] - 128 * x.sums[r] - x.zeros[r] * weight.sums()[first + output];
            float y = std::fma(float(sum), x.scales[r] * weight.scales()[first + output],
                               weight.bias()[first + output]);
            for (std::int64_t k = 0; k < x.keptCount; ++k)
                y = std::fma(x.kept[r * std::size_t(x.keptCount) + std::size_t(k)],
                             weight.keptColumn(k)[first + output], y);
            out[row * weight.outputs() + first + output] = y;
        }
    }
}

} // namespace kurtoscope
