// SPDX-License-Identifier: GPL-3.0-or-later
// The tile for 64-bit Arm processors with a dot product of bytes (sdot, since Armv8.2): 16 products to an
// instruction, signed on both sides, so that weights are lowered by the 128 they were raised by.
#include "core/quantization/kernels/integer_product.h"

#if defined(__aarch64__) && defined(__linux__)

#include <algorithm>

#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")

namespace kurtoscope {
namespace {

constexpr std::int64_t mostRows = 6; // × 16 outputs: 24 accumulators, four registers of weights, one of values

// Four outputs of one row.
inline void finish(int32x4_t sums, std::size_t row, std::int64_t output, const IntegerWork& work,
                   float* out) {
    const IntegerRows& x = work.x;
    const int32x4_t exact = vsubq_s32(sums, vmulq_n_s32(vld1q_s32(work.weight.sums() + output), x.zeros[row]));
    const float32x4_t scale = vmulq_n_f32(vld1q_f32(work.weight.scales() + output), x.scales[row]);
    float32x4_t y = vfmaq_f32(work.onto ? vld1q_f32(out) : vld1q_f32(work.weight.bias() + output),
                              vcvtq_f32_s32(exact), scale);
    const float* kept = x.kept.data() + row * std::size_t(x.keptCount);
    for (std::int64_t k = 0; k < x.keptCount; ++k)
        y = vfmaq_n_f32(y, vld1q_f32(work.weight.keptColumn(k) + output), kept[k]);
    vst1q_f32(out, y);
}

template <int rows>
void tile(std::int64_t begin, std::int64_t panel, const IntegerWork& work) {
    int32x4_t sums[rows][4];
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r)
        sums[r][0] = sums[r][1] = sums[r][2] = sums[r][3] = vdupq_n_s32(0);
    const std::int64_t stride = work.x.stride, groups = work.weight.groups();
    const std::int8_t* values = work.x.values.as<std::int8_t>() + begin * stride;
    const std::uint8_t* w = work.weight.panelAt(panel);
    const uint8x16_t raised = vdupq_n_u8(128);
    for (std::int64_t group = 0; group < groups; ++group, w += 64, values += 4) {
        int8x16_t weights[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
            weights[i] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w + 16 * i), raised));
#pragma GCC unroll 6
        for (int r = 0; r < rows; ++r) { // four inputs of each row and of 16 outputs
            const auto four = vreinterpretq_s8_s32(
                vld1q_dup_s32(reinterpret_cast<const std::int32_t*>(values + r * stride)));
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i)
                sums[r][i] = vdotq_s32(sums[r][i], weights[i], four);
        }
    }
    const std::int64_t output = panel * PackedWeight::panel;
    const std::int64_t there = std::min<std::int64_t>(PackedWeight::panel, work.weight.outputs() - output);
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r) {
        float* out = work.out + (begin - work.begin + r) * work.stride + output;
        float whole[PackedWeight::panel] = {};
        float* to = there == PackedWeight::panel ? out : whole;
        if (to == whole && work.onto) std::copy_n(out, std::max<std::int64_t>(0, there), whole);
        for (int i = 0; i < 4; ++i)
            finish(sums[r][i], std::size_t(begin + r), output + 4 * i, work, to + 4 * i);
        if (to == whole && there > 0) std::copy_n(whole, there, out);
    }
}

template <int rows>
void upTo(std::int64_t begin, std::int64_t count, std::int64_t panel, const IntegerWork& work) {
    if (count == rows) return tile<rows>(begin, panel, work);
    if constexpr (rows > 1) upTo<rows - 1>(begin, count, panel, work);
}

void multiply(const IntegerWork& work) {
    const std::int64_t rows = work.end - work.begin, tiles = (rows + mostRows - 1) / mostRows;
    for (std::int64_t panel = work.first; panel < work.last; ++panel)
        for (std::int64_t t = 0; t < tiles; ++t) { // of nearly the same height
            const std::int64_t row = work.begin + t * rows / tiles;
            upTo<mostRows>(row, work.begin + (t + 1) * rows / tiles - row, panel, work);
        }
}

} // namespace

const IntegerKernel* armKernel() {
    static const IntegerKernel kernel{"Arm dot product", multiply};
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? &kernel : nullptr;
}

} // namespace kurtoscope

#pragma GCC pop_options

#else

namespace kurtoscope {

const IntegerKernel* armKernel() {
    return nullptr;
}

} // namespace kurtoscope

#endif
