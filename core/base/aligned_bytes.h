// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace kurtoscope {

// Memory on a cache line's boundary, its size rounded up to whole lines; what lies beyond is zero.
class AlignedBytes {
public:
    AlignedBytes() = default;
    KURTOSCOPE_API explicit AlignedBytes(std::size_t bytes);
    template <class T>
    T* as() {
        return reinterpret_cast<T*>(bytes_.get());
    }
    template <class T>
    const T* as() const {
        return reinterpret_cast<const T*>(bytes_.get());
    }
    std::size_t size() const { return size_; }
    KURTOSCOPE_API AlignedBytes copy() const;
    // At least `bytes` of them; what was there is lost when it grows.
    void reserve(std::size_t bytes) {
        if (size_ < bytes) *this = AlignedBytes(bytes);
    }

private:
    struct Free {
        KURTOSCOPE_API void operator()(std::uint8_t* memory) const;
    };
    std::unique_ptr<std::uint8_t, Free> bytes_;
    std::size_t size_ = 0;
};

} // namespace kurtoscope
