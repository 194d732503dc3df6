// SPDX-License-Identifier: GPL-3.0-or-later
// Formats: IEEE 754 binary16, bfloat16, OCP 8-bit floating point 1.0 (E4M3, E5M2), OCP Microscaling 1.0
// (FP6 and FP4 elements, E8M0 scales), NVIDIA's NVFP4.
#include "core/quantization/number_format.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace kurtoscope {
namespace {

constexpr NumberFormat formats[] = {
    {Format::fp16, "fp16", 16, 10, -14, 15, 65504.0F},
    {Format::bf16, "bf16", 16, 7, -126, 127, 3.38953139e38F},
    {Format::e4m3, "e4m3", 8, 3, -6, 8, 448.0F},
    {Format::e5m2, "e5m2", 8, 2, -14, 15, 57344.0F},
    {Format::mxfp8_e4m3, "mxfp8_e4m3", 8, 3, -6, 8, 448.0F, 32},
    {Format::mxfp8_e5m2, "mxfp8_e5m2", 8, 2, -14, 15, 57344.0F, 32},
    {Format::mxfp6_e3m2, "mxfp6_e3m2", 6, 2, -2, 4, 28.0F, 32},
    {Format::mxfp6_e2m3, "mxfp6_e2m3", 6, 3, 0, 2, 7.5F, 32},
    {Format::mxfp4, "mxfp4", 4, 1, 0, 2, 6.0F, 32},
    {Format::nvfp4, "nvfp4", 4, 1, 0, 2, 6.0F, 16},
};

constexpr int exponentBias = 127; // of float32, and of an E8M0 scale
constexpr int fractionBits = 23;  // of float32

// ⌊log2 |x|⌋ from float32's own exponent field; −127 for zero and subnormal values, 128 for ∞ and NaN.
at::Tensor exponentOf(const at::Tensor& x) {
    return x.view(at::kInt).bitwise_right_shift(fractionBits).bitwise_and(0xff).sub_(exponentBias);
}

// 2^exponent as float32, exact for −127 … 127.
at::Tensor powerOfTwo(const at::Tensor& exponent) {
    const at::Tensor power = exponent.clamp_min(1 - exponentBias)
                                 .add_(exponentBias)
                                 .bitwise_left_shift(fractionBits)
                                 .view(at::kFloat);
    // The one below the smallest normal power has no exponent field of its own.
    return at::where(exponent.lt(1 - exponentBias), power * 0.5, power);
}

at::Tensor positiveOr(const at::Tensor& scale, float otherwise) {
    return at::where(scale > 0, scale, at::full({}, otherwise, scale.options()));
}

} // namespace

const NumberFormat& numberFormat(Format format) {
    return *std::find_if(std::begin(formats), std::end(formats) - 1,
                         [&](const NumberFormat& one) { return one.format == format; });
}

Format formatFromName(std::string_view name) {
    return std::find_if(std::begin(formats), std::end(formats) - 1,
                        [&](const NumberFormat& one) { return one.name == name; })
        ->format;
}

at::Tensor castTo(const at::Tensor& x, const NumberFormat& format) {
    if (format.format == Format::fp16) return x.to(at::kHalf).to(at::kFloat);
    if (format.format == Format::bf16) return x.to(at::kBFloat16).to(at::kFloat);
    // Between two powers of two all values are equally far apart; the lowest such step goes on down to zero.
    const at::Tensor step =
        powerOfTwo(exponentOf(x).clamp_min_(format.minExponent).sub_(format.fractionBits));
    return x.div(step).round_().mul_(step).clamp_(-format.largest, format.largest);
}

at::Tensor castScaled(const at::Tensor& x, const at::Tensor& absmax, const NumberFormat& format) {
    const at::Tensor scale = positiveOr(absmax / format.largest, 1);
    return castTo(x / scale, format).mul_(scale);
}

at::Tensor castBlocks(const at::Tensor& x, const at::Tensor& inliers, const at::Tensor& absmax,
                      const NumberFormat& format) {
    const std::int64_t channels = x.size(-1),
                       padding = (format.block - channels % format.block) % format.block;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = -1;
    shape.push_back(format.block);
    const auto split = [&](const at::Tensor& t) {
        return at::constant_pad_nd(t, {0, padding}).view(shape); // [.., block, channel]
    };
    const at::Tensor size = split(inliers.abs());
    const at::Tensor largest = size.masked_fill(size.isfinite().logical_not_(), 0).amax(-1, true);
    at::Tensor scale;
    if (format.format == Format::nvfp4) {
        const NumberFormat& scales = numberFormat(Format::e4m3);
        const at::Tensor whole = positiveOr(absmax / (format.largest * scales.largest), 1).unsqueeze(-1);
        scale = castTo(largest / format.largest / whole, scales) * whole;
    } else {
        scale = powerOfTwo(exponentOf(largest).sub_(format.maxExponent).clamp_(-exponentBias, exponentBias));
    }
    // A block whose scale is too small for E4M3 becomes zero.
    const at::Tensor divisor = positiveOr(scale, std::numeric_limits<float>::max());
    const at::Tensor rounded = castTo(split(x) / divisor, format).mul_(scale);
    return rounded.flatten(-2).narrow(-1, 0, channels);
}

} // namespace kurtoscope
