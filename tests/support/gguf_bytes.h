// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope::test {

// Writes a GGUF file piece by piece into `bytes`, in the order of the calls. Nothing is checked, so that a
// test can write what is wrong.
class GgufBytes {
public:
    explicit GgufBytes(std::uint64_t tensors = 0, std::uint64_t values = 0, std::uint32_t version = 3) {
        bytes = "GGUF";
        put(version).put(tensors).put(values);
    }
    template <class T>
    GgufBytes& put(T value) {
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        return *this;
    }
    GgufBytes& text(std::string_view value) {
        put<std::uint64_t>(value.size());
        bytes += value;
        return *this;
    }
    GgufBytes& key(std::string_view name, std::uint32_t type) { return text(name).put(type); }
    GgufBytes& integer(std::string_view name, std::uint32_t value) { return key(name, 4).put(value); }
    GgufBytes& flag(std::string_view name, bool value) { return key(name, 7).put<std::uint8_t>(value); }
    GgufBytes& text(std::string_view name, std::string_view value) { return key(name, 8).text(value); }
    GgufBytes& array(std::string_view name, std::uint32_t type, std::uint64_t count) {
        return key(name, 9).put(type).put(count);
    }
    GgufBytes& texts(std::string_view name, const std::vector<std::string>& values) {
        array(name, 8, values.size());
        for (const auto& value : values)
            text(value);
        return *this;
    }
    GgufBytes& integers(std::string_view name, const std::vector<std::int32_t>& values) {
        array(name, 5, values.size());
        for (const auto value : values)
            put(value);
        return *this;
    }
    // `innermostFirst` is GGUF's order of dimensions.
    GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& innermostFirst,
                      std::uint32_t type, std::uint64_t offset) {
        text(name).put(static_cast<std::uint32_t>(innermostFirst.size()));
        for (const auto size : innermostFirst)
            put(size);
        return put(type).put(offset);
    }
    GgufBytes& data(std::size_t size, std::size_t alignment = 32) {
        bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
        for (std::size_t i = 0; i < size; ++i)
            bytes += static_cast<char>(i);
        return *this;
    }

    std::string bytes;
};

} // namespace kurtoscope::test
