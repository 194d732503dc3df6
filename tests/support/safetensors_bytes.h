// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kurtoscope::test {

// A safetensors file as bytes: header length, header, data. A test may give a length that is not the
// header's.
inline std::string safetensorsBytes(std::string_view header, std::string_view data,
                                    std::uint64_t headerLength) {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
        bytes[i] = static_cast<char>(headerLength >> (8 * i) & 0xFF);
    return bytes.append(header).append(data);
}
inline std::string safetensorsBytes(std::string_view header, std::string_view data) {
    return safetensorsBytes(header, data, header.size());
}

} // namespace kurtoscope::test
