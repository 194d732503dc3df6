// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/aligned_bytes.h"
#include "core/base/parallel.h"

#include <cstdint>
#include <vector>

namespace kurtoscope {

// Whether this processor multiplies bfloat16 (AVX-512 BF16).
KURTOSCOPE_API bool hasBf16Products();

// Rows of activations as bfloat16, halves to even, two channels in a word; what lies beyond is zero. NaN
// stays NaN; numbers and sums below 2⁻¹²⁶ become 0, as the processor takes them.
struct Bf16Rows {
    std::int64_t rows = 0, channels = 0, words = 0;
    AlignedBytes values; // [row, word]

    // Keeps its memory where that suffices.
    void resize(std::int64_t newRows, std::int64_t newChannels) {
        rows = newRows, channels = newChannels, words = (channels + 1) / 2;
        values.reserve(std::size_t(rows * words) * sizeof(std::uint32_t));
    }
    // Channels [first, first + count) of one row; each of them once. Any thread.
    KURTOSCOPE_API void put(std::int64_t row, std::int64_t first, const float* x, std::int64_t count);
};
// x [row, channel]. `made` keeps its memory where that suffices.
KURTOSCOPE_API void bf16Rows(const float* x, std::int64_t rows, std::int64_t channels, Bf16Rows& made);

// What takes finished columns of finished rows: `values` [row, column], which it may change, on the thread
// that made them.
using TakeStrip =
    std::function<void(float* values, std::int64_t stride, std::int64_t firstRow, std::int64_t lastRow,
                       std::int64_t firstColumn, std::int64_t lastColumn)>;

// A linear layer's weight in bfloat16, laid out once for the product: panels of 32 outputs, in them two
// inputs of each output side by side.
class PackedBf16 {
public:
    // w [output, input], the upper halves of float32 values.
    KURTOSCOPE_API PackedBf16(const std::uint16_t* w, std::int64_t outputs, std::int64_t inputs);

    std::int64_t outputs() const { return outputs_; }
    std::size_t bytes() const { return panels_.size(); }

    // out [row, output] = x · wᵀ + bias, bias null or [output]: products of two bfloat16 are exact, their
    // sums are float32, over the inputs in their order, so that they do not depend on the other rows or on
    // the number of threads. `stride`: floats from row to row of `out`.
    KURTOSCOPE_API void multiply(const Bf16Rows& x, const float* bias, float* out, std::int64_t stride,
                                 const AfterRows& after = {}) const;
    // Several such products of the same rows at once, each with the results that it has alone.
    struct Product {
        const PackedBf16& weight;
        const float* bias;
        float* out;
        std::int64_t stride;
        AfterRows after = {};
    };
    KURTOSCOPE_API static void multiplyEach(const Bf16Rows& x, const std::vector<Product>& products);
    // The same sums, which nobody keeps: each goes to `take` once.
    KURTOSCOPE_API void multiplyInto(const Bf16Rows& x, const float* bias, const TakeStrip& take) const;

private:
    std::int64_t outputs_, words_;
    AlignedBytes panels_;
};

} // namespace kurtoscope
