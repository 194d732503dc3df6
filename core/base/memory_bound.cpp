// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/memory_bound.h"

#include <atomic>
#include <unistd.h>

namespace kurtoscope {
namespace {

std::atomic<std::int64_t> told = 0;

} // namespace

std::int64_t memoryBound() {
    if (const std::int64_t bytes = told; bytes > 0) return bytes;
    static const std::int64_t half =
        std::int64_t(sysconf(_SC_PHYS_PAGES)) * std::int64_t(sysconf(_SC_PAGESIZE)) / 2;
    return half;
}

void setMemoryBound(std::int64_t bytes) {
    told = bytes;
}

} // namespace kurtoscope
