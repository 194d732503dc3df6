// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kurtoscope {

// One message in protobuf's wire format: fields by number, in the order in which they are added. Encoding:
// protobuf.dev/programming-guides/encoding.
class WireMessage {
public:
    WireMessage& integer(int field, std::int64_t value);
    WireMessage& real(int field, float value);
    WireMessage& bytes(int field, std::string_view value); // texts too
    WireMessage& message(int field, const WireMessage& value) { return bytes(field, value.encoded()); }

    const std::string& encoded() const { return bytes_; }

private:
    void varint(std::uint64_t value);
    void key(int field, unsigned kind) { varint(static_cast<std::uint64_t>(field) << 3 | kind); }

    std::string bytes_;
};

} // namespace kurtoscope
