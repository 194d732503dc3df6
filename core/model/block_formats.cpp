// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/block_formats.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

// Weights are stored little-endian and read in place.
static_assert(std::endian::native == std::endian::little);

namespace kurtoscope {
namespace {

struct TypeRow {
    StoredType type;
    const char* name;
    BlockFormat format;
};
// In the order of the enumeration.
constexpr std::array typeRows = {
    TypeRow{StoredType::F64, "F64", {1, 8}},         TypeRow{StoredType::F32, "F32", {1, 4}},
    TypeRow{StoredType::F16, "F16", {1, 2}},         TypeRow{StoredType::BF16, "BF16", {1, 2}},
    TypeRow{StoredType::I64, "I64", {1, 8}},         TypeRow{StoredType::I32, "I32", {1, 4}},
    TypeRow{StoredType::I16, "I16", {1, 2}},         TypeRow{StoredType::I8, "I8", {1, 1}},
    TypeRow{StoredType::U8, "U8", {1, 1}},           TypeRow{StoredType::BOOL, "BOOL", {1, 1}},
    TypeRow{StoredType::Q8_0, "Q8_0", {32, 34}},     TypeRow{StoredType::Q4_0, "Q4_0", {32, 18}},
    TypeRow{StoredType::Q4_1, "Q4_1", {32, 20}},     TypeRow{StoredType::Q5_0, "Q5_0", {32, 22}},
    TypeRow{StoredType::Q5_1, "Q5_1", {32, 24}},     TypeRow{StoredType::Q2_K, "Q2_K", {256, 84}},
    TypeRow{StoredType::Q3_K, "Q3_K", {256, 110}},   TypeRow{StoredType::Q4_K, "Q4_K", {256, 144}},
    TypeRow{StoredType::Q5_K, "Q5_K", {256, 176}},   TypeRow{StoredType::Q6_K, "Q6_K", {256, 210}},
    TypeRow{StoredType::F8_E4M3, "F8_E4M3", {1, 1}}, TypeRow{StoredType::F8_E5M2, "F8_E5M2", {1, 1}},
};
static_assert([] {
    for (std::size_t i = 0; i < typeRows.size(); ++i)
        if (typeRows[i].type != static_cast<StoredType>(i)) return false;
    return true;
}());

using Bytes = const unsigned char* __restrict;
using Floats = float* __restrict;

template <class T>
T load(const unsigned char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// IEEE half to single without a table or a branch, so that loops over it vectorize. A subnormal half is its
// integer mantissa times 2^-24, which is a normal float.
float widenHalf(std::uint16_t half); // below

// OCP 8-bit floating point 1.0. E5M2 is the upper half of an IEEE half; E4M3 has no ∞ and one NaN of each
// sign.
void decodeE5M2(Bytes in, std::int64_t count, Floats out) {
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = widenHalf(static_cast<std::uint16_t>(in[i] << 8));
}

void decodeE4M3(Bytes in, std::int64_t count, Floats out) {
    static const std::array<float, 256> values = [] {
        std::array<float, 256> all{};
        for (int code = 0; code < 256; ++code) {
            const int exponent = code >> 3 & 15, fraction = code & 7;
            float size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -9)
                                       : std::ldexp(static_cast<float>(8 + fraction), exponent - 10);
            if ((code & 127) == 127) size = std::numeric_limits<float>::quiet_NaN();
            all[static_cast<std::size_t>(code)] = code & 128 ? -size : size;
        }
        return all;
    }();
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = values[in[i]];
}

float widenHalf(std::uint16_t half) {
    const std::uint32_t magnitude = half & 0x7FFFu;
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    const std::uint32_t rebias =
        magnitude >= 0x7C00u ? 224u << 23 : 112u << 23; // ∞ and NaN keep a full exponent
    const std::uint32_t normal = (magnitude << 13) + rebias;
    const auto subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24F);
    return std::bit_cast<float>((magnitude < 0x400u ? subnormal : normal) | sign);
}

float halfAt(Bytes at) {
    return widenHalf(load<std::uint16_t>(at));
}

template <class T>
void decodePlain(Bytes in, std::int64_t count, Floats out) {
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = static_cast<float>(load<T>(in + i * static_cast<std::int64_t>(sizeof(T))));
}

void decodeF16(Bytes in, std::int64_t count, Floats out) {
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = halfAt(in + 2 * i);
}

void decodeBF16(Bytes in, std::int64_t count, Floats out) {
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(in + 2 * i)) << 16);
}

void decodeBool(Bytes in, std::int64_t count, Floats out) {
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = in[i] != 0 ? 1.0F : 0.0F;
}

// In every format below with an offset, scale × code has at most 22 significant bits and is exact in float:
// the result is the same whether or not the compiler fuses the multiplication and the addition.

void decodeQ8_0(Bytes in, Floats out) {
    const float scale = halfAt(in);
    for (int i = 0; i < 32; ++i)
        out[i] = static_cast<float>(static_cast<signed char>(in[2 + i])) * scale;
}

void decodeQ4_0(Bytes in, Floats out) {
    const float scale = halfAt(in);
    for (int i = 0; i < 16; ++i) {
        const int both = in[2 + i];
        out[i] = static_cast<float>((both & 15) - 8) * scale;
        out[i + 16] = static_cast<float>((both >> 4) - 8) * scale;
    }
}

void decodeQ4_1(Bytes in, Floats out) {
    const float scale = halfAt(in), low = halfAt(in + 2);
    for (int i = 0; i < 16; ++i) {
        const int both = in[4 + i];
        out[i] = static_cast<float>(both & 15) * scale + low;
        out[i + 16] = static_cast<float>(both >> 4) * scale + low;
    }
}

void decodeQ5_0(Bytes in, Floats out) {
    const float scale = halfAt(in);
    const auto fifth = load<std::uint32_t>(in + 2); // bit i: the fifth bit of value i
    for (unsigned i = 0; i < 16; ++i) {
        const unsigned both = in[6 + i];
        const unsigned first = (both & 15) | ((fifth >> i) & 1) << 4;
        const unsigned second = both >> 4 | ((fifth >> (i + 16)) & 1) << 4;
        out[i] = static_cast<float>(static_cast<int>(first) - 16) * scale;
        out[i + 16] = static_cast<float>(static_cast<int>(second) - 16) * scale;
    }
}

void decodeQ5_1(Bytes in, Floats out) {
    const float scale = halfAt(in), low = halfAt(in + 2);
    const auto fifth = load<std::uint32_t>(in + 4);
    for (unsigned i = 0; i < 16; ++i) {
        const unsigned both = in[8 + i];
        const unsigned first = (both & 15) | ((fifth >> i) & 1) << 4;
        const unsigned second = both >> 4 | ((fifth >> (i + 16)) & 1) << 4;
        out[i] = static_cast<float>(static_cast<int>(first)) * scale + low;
        out[i + 16] = static_cast<float>(static_cast<int>(second)) * scale + low;
    }
}

// 256 values: 16 bytes of (scale, offset) nibbles, 64 of 2-bit codes, then the two halves that scale those
// nibbles.
void decodeQ2_K(Bytes in, Floats out) {
    const unsigned char *nibbles = in, *codes = in + 16;
    const float scale = halfAt(in + 80), offset = halfAt(in + 82);
    for (int group = 0; group < 16; ++group) { // of 16 values
        const int plane = group / 2 % 4;       // which two bits of the byte
        const unsigned char* from = codes + group / 8 * 32 + group % 2 * 16;
        const float step = scale * static_cast<float>(nibbles[group] & 15);
        const float low = offset * static_cast<float>(nibbles[group] >> 4);
        for (int i = 0; i < 16; ++i)
            out[group * 16 + i] = step * static_cast<float>((from[i] >> (2 * plane)) & 3) - low;
    }
}

// 32 bytes of high bits (one bit plane per 32 values), 64 of 2-bit codes, 12 of 6-bit scales, one half.
void decodeQ3_K(Bytes in, Floats out) {
    const unsigned char *highBits = in, *codes = in + 32, *packed = in + 96;
    const float scale = halfAt(in + 108);
    for (int group = 0; group < 16; ++group) {
        const int plane = group / 2 % 4;
        const unsigned char* from = codes + group / 8 * 32 + group % 2 * 16;
        const unsigned char* high = highBits + group % 2 * 16;
        // A scale's low four bits are in the first eight bytes (groups 8–15 in the upper nibbles), its high
        // two after.
        const int low4 = (packed[group % 8] >> (group / 8 * 4)) & 15;
        const int high2 = (packed[8 + group % 4] >> (group / 4 * 2)) & 3;
        const float step = scale * static_cast<float>((low4 | high2 << 4) - 32);
        for (int i = 0; i < 16; ++i) {
            const int below = (high[i] >> (group / 2)) & 1 ? 0 : 4; // a clear bit means four less
            out[group * 16 + i] = step * static_cast<float>(((from[i] >> (2 * plane)) & 3) - below);
        }
    }
}

struct SixBitPair {
    int scale, offset;
};

// Eight pairs of 6-bit numbers in 12 bytes: four whole pairs, then four split between the last bytes' nibbles
// and the upper two bits of the first eight.
SixBitPair sixBitPair(Bytes packed, int group) {
    if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
    const int nibbles = packed[group + 4];
    return {(nibbles & 15) | (packed[group - 4] >> 6) << 4, nibbles >> 4 | (packed[group] >> 6) << 4};
}

void decodeQ4_K(Bytes in, Floats out) {
    const float scale = halfAt(in), offset = halfAt(in + 2);
    const unsigned char* codes = in + 16;
    for (int group = 0; group < 8; ++group) { // of 32 values
        const auto pair = sixBitPair(in + 4, group);
        const float step = scale * static_cast<float>(pair.scale);
        const float low = offset * static_cast<float>(pair.offset);
        const unsigned char* from = codes + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; ++i)
            out[group * 32 + i] = step * static_cast<float>((from[i] >> shift) & 15) - low;
    }
}

void decodeQ5_K(Bytes in, Floats out) {
    const float scale = halfAt(in), offset = halfAt(in + 2);
    const unsigned char *fifth = in + 16, *codes = in + 48;
    for (int group = 0; group < 8; ++group) {
        const auto pair = sixBitPair(in + 4, group);
        const float step = scale * static_cast<float>(pair.scale);
        const float low = offset * static_cast<float>(pair.offset);
        const unsigned char* from = codes + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; ++i) {
            const int code = ((from[i] >> shift) & 15) | ((fifth[i] >> group) & 1) << 4;
            out[group * 32 + i] = step * static_cast<float>(code) - low;
        }
    }
}

// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed 8-bit scales, one half. Each half block has 128
// values.
void decodeQ6_K(Bytes in, Floats out) {
    const float scale = halfAt(in + 208);
    for (int group = 0; group < 16; ++group) { // of 16 values
        const int half = group / 8, plane = group / 2 % 4, offset = group % 2 * 16;
        const unsigned char* low = in + half * 64 + plane % 2 * 32 + offset;
        const unsigned char* high = in + 128 + half * 32 + offset;
        const int lowShift = plane / 2 * 4, highShift = plane * 2;
        const float step = scale * static_cast<float>(static_cast<signed char>(in[192 + group]));
        for (int i = 0; i < 16; ++i) {
            const int code = ((low[i] >> lowShift) & 15) | ((high[i] >> highShift) & 3) << 4;
            out[group * 16 + i] = step * static_cast<float>(code - 32);
        }
    }
}

template <void (*decode)(Bytes, Floats), StoredType type>
void decodeEach(Bytes in, std::int64_t count, Floats out) {
    constexpr BlockFormat format = typeRows[static_cast<std::size_t>(type)].format;
    for (std::int64_t block = 0; block < count; ++block)
        decode(in + block * format.bytes, out + block * format.elements);
}

} // namespace

BlockFormat blockFormat(StoredType type) {
    return typeRows[static_cast<std::size_t>(type)].format;
}

const char* storedTypeName(StoredType type) {
    return typeRows[static_cast<std::size_t>(type)].name;
}

void decodeBlocks(StoredType type, const std::byte* blocks, std::int64_t count, float* out) {
    const auto* in = reinterpret_cast<const unsigned char*>(blocks);
    switch (type) {
    case StoredType::F64:
        return decodePlain<double>(in, count, out);
    case StoredType::F32:
        return decodePlain<float>(in, count, out);
    case StoredType::F16:
        return decodeF16(in, count, out);
    case StoredType::BF16:
        return decodeBF16(in, count, out);
    case StoredType::I64:
        return decodePlain<std::int64_t>(in, count, out);
    case StoredType::I32:
        return decodePlain<std::int32_t>(in, count, out);
    case StoredType::I16:
        return decodePlain<std::int16_t>(in, count, out);
    case StoredType::I8:
        return decodePlain<std::int8_t>(in, count, out);
    case StoredType::U8:
        return decodePlain<std::uint8_t>(in, count, out);
    case StoredType::BOOL:
        return decodeBool(in, count, out);
    case StoredType::Q8_0:
        return decodeEach<decodeQ8_0, StoredType::Q8_0>(in, count, out);
    case StoredType::Q4_0:
        return decodeEach<decodeQ4_0, StoredType::Q4_0>(in, count, out);
    case StoredType::Q4_1:
        return decodeEach<decodeQ4_1, StoredType::Q4_1>(in, count, out);
    case StoredType::Q5_0:
        return decodeEach<decodeQ5_0, StoredType::Q5_0>(in, count, out);
    case StoredType::Q5_1:
        return decodeEach<decodeQ5_1, StoredType::Q5_1>(in, count, out);
    case StoredType::Q2_K:
        return decodeEach<decodeQ2_K, StoredType::Q2_K>(in, count, out);
    case StoredType::Q3_K:
        return decodeEach<decodeQ3_K, StoredType::Q3_K>(in, count, out);
    case StoredType::Q4_K:
        return decodeEach<decodeQ4_K, StoredType::Q4_K>(in, count, out);
    case StoredType::Q5_K:
        return decodeEach<decodeQ5_K, StoredType::Q5_K>(in, count, out);
    case StoredType::Q6_K:
        return decodeEach<decodeQ6_K, StoredType::Q6_K>(in, count, out);
    case StoredType::F8_E4M3:
        return decodeE4M3(in, count, out);
    case StoredType::F8_E5M2:
        return decodeE5M2(in, count, out);
    }
}

} // namespace kurtoscope
