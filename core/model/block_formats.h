// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tensor_file.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

// The smallest unit of a stored type: `elements` values in `bytes` bytes. Plain types have one element.
struct BlockFormat {
    std::int64_t elements;
    std::int64_t bytes;
};
BlockFormat blockFormat(StoredType type);

// Product of the dimensions; empty when one is negative or the product does not fit.
std::optional<std::int64_t> elementCount(const std::vector<std::int64_t>& shape);
// Bytes that a tensor takes; empty when it does not fit or its rows are not whole blocks.
std::optional<std::int64_t> storedBytes(StoredType type, const std::vector<std::int64_t>& shape);
std::string shapeText(const std::vector<std::int64_t>& shape); // "[2, 3]"
// A name out of a file as messages show it: in quotes, control characters replaced, long ones cut.
std::string inQuotes(const std::string& name);

// Decodes `count` consecutive blocks of `type` from `blocks` to `out` (count × elements floats). `blocks`
// need not be aligned. Layouts: github.com/ggml-org/ggml, ggml-common.h.
void decodeBlocks(StoredType type, const std::byte* blocks, std::int64_t count, float* out);

} // namespace kurtoscope
