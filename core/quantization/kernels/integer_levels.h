// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/rounding.h"

namespace kurtoscope {

// integersOf() with AVX-512; null where this processor has none. The same levels, to the last one.
using IntegerLevels = std::int32_t (*)(const float* row, std::int8_t* out, std::int64_t channels,
                                       const Grid& grid, std::int32_t& nan);
KURTOSCOPE_API IntegerLevels avx512Levels();

} // namespace kurtoscope
