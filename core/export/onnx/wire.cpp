// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/wire.h"

#include <bit>

namespace kurtoscope {
namespace {

constexpr unsigned varintKind = 0, lengthKind = 2, fourByteKind = 5;

} // namespace

void WireMessage::varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    bytes_ += static_cast<char>(value);
}

WireMessage& WireMessage::integer(int field, std::int64_t value) {
    key(field, varintKind);
    varint(static_cast<std::uint64_t>(value));
    return *this;
}

WireMessage& WireMessage::real(int field, float value) {
    key(field, fourByteKind);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8)
        bytes_ += static_cast<char>(bits >> shift & 0xFF);
    return *this;
}

WireMessage& WireMessage::bytes(int field, std::string_view value) {
    key(field, lengthKind);
    varint(value.size());
    bytes_ += value;
    return *this;
}

} // namespace kurtoscope
