// SPDX-License-Identifier: GPL-3.0-or-later
// Floats as bits of narrower formats, to the nearest, halves to even: by plain arithmetic, so that every
// architecture and the tests on the processor do the same.
#pragma once

#include "core/cuda/kernels/launch.cuh"

namespace {

// 2^exponent, for what a normal float can hold.
__device__ inline float powerOfTwo(int exponent) {
    return __uint_as_float(unsigned(exponent + 127) << 23);
}

// OCP E4M3: beyond the largest, 448, saturating.
__device__ inline std::uint8_t e4m3Bits(float x) {
    const unsigned int bits = __float_as_uint(x), sign = bits >> 31 << 7;
    if (x != x) return std::uint8_t(sign | 0x7f);
    const float size = fminf(fabsf(x), 448.0f);
    const int exponent = max(int(__float_as_uint(size) >> 23) - 127, -6);
    // Steps between two powers of two are alike; eight of them lead from one power to the next.
    const int steps = int(rintf(size * powerOfTwo(3 - exponent)));
    return std::uint8_t(sign | unsigned(min(((exponent + 6) << 3) + steps, 0x7e)));
}

// IEEE binary16: beyond the largest ∞.
__device__ inline std::uint16_t halfBits(float x) {
    const unsigned int bits = __float_as_uint(x), sign = bits >> 31 << 15;
    if (x != x) return std::uint16_t(sign | 0x7e00);
    const float size = fabsf(x);
    if (size >= 65520.0f) return std::uint16_t(sign | 0x7c00);
    const int exponent = max(int(__float_as_uint(size) >> 23) - 127, -14);
    const int steps = int(rintf(size * powerOfTwo(10 - exponent)));
    return std::uint16_t(sign | unsigned(((exponent + 14) << 10) + steps));
}

} // namespace
