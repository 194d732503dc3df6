// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <functional>

namespace kurtoscope {

// Runs body(begin, end) over disjoint ranges that cover [0, count), on the OpenMP pool that LibTorch uses too, so that
// the two never fight for cores. Serial when count ≤ grain. What a body throws is rethrown here.
KURTOSCOPE_API void parallelFor(std::int64_t count, std::int64_t grain,
                                const std::function<void(std::int64_t begin, std::int64_t end)>& body);

// What is done with finished columns of finished rows of a table, on the thread that made them, while they are near.
using AfterRows = std::function<void(std::int64_t firstRow, std::int64_t lastRow, std::int64_t firstColumn,
                                     std::int64_t lastColumn)>;

} // namespace kurtoscope
