// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>

namespace kurtoscope {

// Rows of `columns` values that are worth another thread: fewer are done before it has woken up, and on a
// busy machine long before it gets its turn.
constexpr std::int64_t rowsWorthAThread(std::int64_t columns) {
    constexpr std::int64_t values = 1 << 14;
    return std::max<std::int64_t>(16, values / std::max<std::int64_t>(1, columns));
}

// Whether so many multiply–adds are.
constexpr bool isWorthThreads(std::int64_t multiplyAdds) {
    return multiplyAdds >= 1 << 19;
}

} // namespace kurtoscope
