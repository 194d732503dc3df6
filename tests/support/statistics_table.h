// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace kurtoscope::test {

// The table of tests/golden/make_statistics.py: integer arithmetic, so the same values on every machine.
inline std::vector<float> statisticsTable(int rows, int channels) {
    std::vector<float> table;
    std::int64_t state = 12345;
    for (int r = 0; r < rows; ++r)
        for (int c = 0; c < channels; ++c) {
            state = (state * 1103515245 + 12345) % 2147483648;
            const double u = static_cast<double>(state / 256 % 4096 - 2048);
            double x = u / 256.0;
            if (c % 5 == 1) x = x * x * x / 64.0;
            if (c % 7 == 2) x += 1000.0;
            if (c == 4) x = 2.5;
            if (r == 0 && c == 9) x = 25400.0;
            table.push_back(static_cast<float>(x));
        }
    return table;
}

} // namespace kurtoscope::test
