// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/aligned_bytes.h"
#include "core/base/parallel.h"

#include <cstdint>
#include <vector>

namespace kurtoscope {

// A linear layer's weight as integers: w = (q − zero) · scale, each scale for `group` inputs of an output.
struct LevelsView {
    std::int64_t outputs = 0, inputs = 0, group = 0;
    int bits = 0;                       // 2…8: q and zeros in −2^(bits−1) … 2^(bits−1)−1
    const std::int8_t* q = nullptr;     // [output, input]
    const float* scales = nullptr;      // [output, group]
    const std::int8_t* zeros = nullptr; // the same shape; null: all 0
    std::vector<int> kept;              // inputs whose weights are float32 instead
    const float* keptWeights = nullptr; // [kept, output]
};

// Such a weight laid out for float32 activations, up to 4 bits in half a byte each, else in a byte. It is
// decoded piece by piece into the second cache as the product comes to it: less is read from memory than of
// float32 weights, and each product is the same to the bit as with the decoded weight (float_product.h).
class PackedLevels {
public:
    KURTOSCOPE_API explicit PackedLevels(const LevelsView& levels);

    std::int64_t outputs() const { return outputs_; }
    std::size_t bytes() const { return codes_.size() + scales_.size() + zeros_.size() + keptWeights_.size(); }

    // out [row, output] = x [row, input] · wᵀ + bias, bias null or [output]; `stride`: floats from row to row
    // of `out`. Needs hasFloatKernels(). `narrow`: by AVX2 also where there is AVX-512, with the same
    // results.
    KURTOSCOPE_API void multiply(const float* x, std::int64_t rows, const float* bias, float* out,
                                 std::int64_t stride, const AfterRows& after = {}, bool narrow = false) const;

private:
    template <class Tile> // [depth, Tile::columns] of the decoded weight, from input k on
    void decodeColumns(std::int64_t column, std::int64_t k, std::int64_t depth, float* to) const;
    template <class Tile>
    void multiplyBy(const float* x, std::int64_t rows, const float* bias, float* out, std::int64_t stride,
                    const AfterRows& after) const;

    // Panels of 32 outputs: of each input their codes, the upper sixteen in the upper halves of bytes; of
    // each group their scales and the codes that stand for zero.
    std::int64_t outputs_, inputs_, group_, groups_, codeBytes_;
    AlignedBytes codes_, scales_, zeros_;
    std::vector<int> kept_;    // in order
    AlignedBytes keptWeights_; // [kept, output], outputs filled up to whole panels
};

} // namespace kurtoscope
