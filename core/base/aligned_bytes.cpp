// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/aligned_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace kurtoscope {
namespace {

constexpr std::size_t line = 64;

} // namespace

AlignedBytes::AlignedBytes(std::size_t bytes) : size_((bytes + line - 1) / line * line) {
    if (size_ == 0) return;
    // As operator new does: whoever can make room is asked before it fails.
    while (!bytes_) {
        bytes_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(line, size_)));
        if (bytes_) break;
        const std::new_handler makeRoom = std::get_new_handler();
        if (!makeRoom) throw std::bad_alloc();
        makeRoom();
    }
    std::memset(bytes_.get(), 0, size_);
}

AlignedBytes AlignedBytes::copy() const {
    AlignedBytes made(size_);
    if (size_ > 0) std::memcpy(made.bytes_.get(), bytes_.get(), size_);
    return made;
}

void AlignedBytes::Free::operator()(std::uint8_t* memory) const {
    std::free(memory);
}

} // namespace kurtoscope
