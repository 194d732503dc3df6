// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstddef>
#include <string>
#include <vector>

namespace kurtoscope::test {

// The sentence of the Error that `act` throws, or "no error". Anything else that is thrown passes through.
template <class Act>
std::string failure(Act&& act) {
    try {
        act();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

inline std::vector<std::byte> asBytes(const std::string& text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
}

} // namespace kurtoscope::test
