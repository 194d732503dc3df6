// SPDX-License-Identifier: GPL-3.0-or-later
// Encodings: OCP 8-bit floating point 1.0, OCP Microscaling 1.0, NVIDIA's NVFP4.
#include "core/export/narrow_floats.h"

#include "core/quantization/number_format.h"

#include <cmath>

namespace kurtoscope {
namespace {

// The bits of a value that the format can hold exactly, sign first.
std::uint8_t encode(float value, const NumberFormat& format, int exponentBits) {
    const int bias = (1 << (exponentBits - 1)) - 1;
    const float size = std::abs(value);
    const auto sign = static_cast<unsigned>(std::signbit(value)) << (exponentBits + format.fractionBits);
    if (size == 0) return static_cast<std::uint8_t>(sign);
    const int exponent = std::max(std::ilogb(size), format.minExponent);
    const auto steps =
        static_cast<unsigned>(std::ldexp(size, format.fractionBits - exponent)); // 1.fraction as whole
    const bool normal = steps >= (1U << format.fractionBits);
    const unsigned stored = normal ? (static_cast<unsigned>(exponent + bias) << format.fractionBits) +
                                         (steps - (1U << format.fractionBits))
                                   : steps;
    return static_cast<std::uint8_t>(sign | stored);
}

} // namespace

std::string floatBytes(const at::Tensor& values) {
    const at::Tensor plain = values.to(at::kCPU, at::kFloat).contiguous();
    return {static_cast<const char*>(plain.const_data_ptr()),
            static_cast<std::size_t>(plain.numel()) * sizeof(float)};
}

std::string e4m3Bytes(const at::Tensor& values) {
    const NumberFormat& format = numberFormat(Format::e4m3);
    const at::Tensor cast = castTo(values.to(at::kCPU, at::kFloat), format).contiguous();
    const float* from = cast.const_data_ptr<float>();
    std::string bytes(static_cast<std::size_t>(cast.numel()), '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(std::isnan(from[i]) ? 0x7F : encode(from[i], format, 4));
    return bytes;
}

Fp4Weight fp4Bytes(const at::Tensor& weight, Format format) {
    const NumberFormat &number = numberFormat(format), &scaleFormat = numberFormat(Format::e4m3);
    const std::int64_t outputs = weight.size(0), blocks = weight.size(1) / number.block;
    const at::Tensor split = weight.to(at::kCPU, at::kFloat).reshape({outputs, blocks, number.block});
    const at::Tensor largest = split.abs().amax(-1, true);
    Fp4Weight made;
    at::Tensor scale;
    if (format == Format::nvfp4) {
        float whole = largest.amax().item<float>() / (number.largest * scaleFormat.largest);
        if (!(whole > 0)) whole = 1;
        const at::Tensor stored = castTo(largest / number.largest / whole, scaleFormat);
        made.scales = e4m3Bytes(stored);
        made.globalScale = 1 / whole;
        scale = stored * whole;
    } else {
        const at::Tensor plain = largest.contiguous();
        const float* of = plain.const_data_ptr<float>();
        made.scales.resize(static_cast<std::size_t>(outputs * blocks));
        scale = at::empty_like(plain);
        for (std::size_t i = 0; i < made.scales.size(); ++i) {
            const int exponent =
                of[i] > 0 ? std::clamp(std::ilogb(of[i]) - number.maxExponent, -127, 127) : -127;
            made.scales[i] = static_cast<char>(exponent + 127);
            scale.data_ptr<float>()[i] = std::ldexp(1.0F, exponent);
        }
    }
    const at::Tensor divisor =
        at::where(scale > 0, scale, at::full({}, std::numeric_limits<float>::max(), scale.options()));
    const at::Tensor cast = castTo(split / divisor, number).contiguous();
    const float* from = cast.const_data_ptr<float>();
    made.values.resize(static_cast<std::size_t>(cast.numel() / 2));
    for (std::size_t i = 0; i < made.values.size(); ++i)
        made.values[i] =
            static_cast<char>(encode(from[2 * i], number, 2) | encode(from[2 * i + 1], number, 2) << 4);
    return made;
}

} // namespace kurtoscope
