// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tensor_file.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

namespace kurtoscope {

// Little-endian fields of `bits` bits, one after the other, across the words of `words`: the i-th.
std::uint32_t bitField(const std::byte* words, std::int64_t i, int bits);
// The same where consecutive words of the stream lie `stride` words apart.
std::uint32_t stridedBitField(const std::byte* words, std::int64_t stride, std::int64_t i, int bits);

// `value` as the nearest number of a stored floating-point type (F32, F16, BF16), ties to even.
float roundedTo(StoredType type, float value);

// Levels that integers stand for: value = (q − zero) · scale, computed in the scales' own type as the
// libraries do that made them.
struct LevelTable {
    StoredType type = StoredType::F32;
    std::int64_t rowBlock = 1;         // rows that share a line of scales
    std::int64_t groups = 1;           // scales in a line
    std::vector<float> scales, zeros;  // [line][group]; zeros may be empty
    std::vector<std::int32_t> groupOf; // of each column; empty: one group
    float after = 1;                   // what the product is multiplied by
};

// One row of integers to `out`.
using RowReader = std::function<void(std::int64_t row, std::span<float> out)>;

// A matrix of integers that levels give their values. The levels are made when the first row is asked for.
class LevelDecoder final : public TensorDecoder {
public:
    LevelDecoder(std::int64_t columns, RowReader read, std::function<LevelTable()> makeLevels)
        : columns_(columns), read_(std::move(read)), makeLevels_(std::move(makeLevels)) {}
    void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const override;

private:
    std::int64_t columns_;
    RowReader read_;
    std::function<LevelTable()> makeLevels_;
    mutable std::once_flag once_;
    mutable LevelTable levels_;
};

} // namespace kurtoscope
