// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kurtoscope {

// Numbers as bytes, for another process of the same program on a machine of the same kind; no file format.
class ByteWriter {
public:
    template <class Value>
    requires std::is_trivially_copyable_v<Value>
    void add(const Value& value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
    template <class Value>
    void add(const std::vector<Value>& values) {
        add(values.size());
        bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
    }
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

// Reads in the order that was written. Throws Error where the bytes end before.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
    template <class Value>
    requires std::is_trivially_copyable_v<Value>
    void take(Value& value) { std::memcpy(&value, next(sizeof value), sizeof value); }
    template <class Value>
    void take(std::vector<Value>& values) {
        std::size_t count = 0;
        take(count);
        if (count > rest_.size() / sizeof(Value)) next(rest_.size() + 1);
        const char* from = next(count * sizeof(Value));
        values.resize(count);
        if (count > 0) std::memcpy(values.data(), from, count * sizeof(Value));
    }
    template <class Value>
    Value taken() {
        Value value{};
        take(value);
        return value;
    }

private:
    const char* next(std::size_t count) {
        if (count > rest_.size())
            throw Error("another process sent something else than was expected", "",
                        "Give every process the same command and the same version");
        const char* at = rest_.data();
        rest_.remove_prefix(count);
        return at;
    }
    std::string_view rest_;
};

} // namespace kurtoscope
