// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/matrix_decoder.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace kurtoscope {
namespace {

std::uint32_t wordAt(const std::byte* words, std::int64_t index) {
    std::uint32_t word = 0;
    std::memcpy(&word, words + 4 * index, sizeof word);
    return word;
}

// Single to half and back, ties to even; beyond the largest half it is infinite.
float throughHalf(float value) {
    const float size = std::abs(value);
    if (!(size < 65520.0F)) return std::isnan(value) ? value : std::copysign(INFINITY, value);
    if (size < 0x1p-14F) { // subnormal halves lie 2^-24 apart
        const float steps = std::nearbyint(size * 0x1p24F);
        return std::copysign(steps * 0x1p-24F, value);
    }
    auto bits = std::bit_cast<std::uint32_t>(value);
    bits += 0xFFFu + (bits >> 13 & 1u);
    return std::bit_cast<float>(bits & ~0x1FFFu);
}

float throughBrain(float value) {
    if (std::isnan(value)) return value;
    auto bits = std::bit_cast<std::uint32_t>(value);
    bits += 0x7FFFu + (bits >> 16 & 1u);
    return std::bit_cast<float>(bits & ~0xFFFFu);
}

} // namespace

std::uint32_t stridedBitField(const std::byte* words, std::int64_t stride, std::int64_t i, int bits) {
    const std::int64_t at = i * bits, word = at / 32;
    const int shift = static_cast<int>(at % 32);
    std::uint64_t field = wordAt(words, word * stride) >> shift;
    if (shift + bits > 32) field |= std::uint64_t{wordAt(words, (word + 1) * stride)} << (32 - shift);
    return static_cast<std::uint32_t>(field & ((std::uint64_t{1} << bits) - 1));
}

std::uint32_t bitField(const std::byte* words, std::int64_t i, int bits) {
    return stridedBitField(words, 1, i, bits);
}

float roundedTo(StoredType type, float value) {
    if (type == StoredType::F16) return throughHalf(value);
    if (type == StoredType::BF16) return throughBrain(value);
    return value;
}

void LevelDecoder::decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const {
    std::call_once(once_, [&] { levels_ = makeLevels_(); });
    const auto width = static_cast<std::size_t>(columns_);
    for (std::int64_t row = first; row < first + count; ++row) {
        const auto values = out.subspan(static_cast<std::size_t>(row - first) * width, width);
        read_(row, values);
        const auto line = static_cast<std::size_t>(row / levels_.rowBlock * levels_.groups);
        for (std::size_t column = 0; column < width; ++column) {
            const std::size_t at =
                line + (levels_.groupOf.empty() ? 0 : static_cast<std::size_t>(levels_.groupOf[column]));
            const float zero = levels_.zeros.empty() ? 0.0F : levels_.zeros[at];
            values[column] =
                roundedTo(levels_.type, (values[column] - zero) * levels_.scales[at]) * levels_.after;
        }
    }
}

} // namespace kurtoscope
