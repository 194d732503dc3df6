// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace kurtoscope {

// Memory on a cache line's boundary, its size rounded up to whole lines; what lies beyond is zero.
class AlignedBytes {
public:
    AlignedBytes() = default;
    KURTOSCOPE_API explicit AlignedBytes(std::size_t bytes);
    template <class T>
    T* as() {
        return reinterpret_cast<T*>(bytes_.get());
    }
    template <class T>
    const T* as() const {
        return reinterpret_cast<const T*>(bytes_.get());
    }
    std::size_t size() const { return size_; }

private:
    struct Free {
        KURTOSCOPE_API void operator()(std::uint8_t* memory) const;
    };
    std::unique_ptr<std::uint8_t, Free> bytes_;
    std::size_t size_ = 0;
};

// Rows of activations as integers: x ≈ (q − zero) · scale, each row with its own scale and zero. Channels
// that are kept hold the zero, and stand in `kept` as they were. A row with a NaN has a scale of NaN.
struct IntegerRows {
    std::int64_t rows = 0, channels = 0, stride = 0; // stride: channels, rounded up to four
    AlignedBytes values;                             // int8 [row, stride]
    std::vector<float> scales;
    std::vector<std::int32_t> zeros, sums; // sums: Σ q of a row
    std::int64_t keptCount = 0;
    std::vector<float> kept; // [row, keptCount]
};

// A linear layer's weight as integers, w = q · scale, laid out once for the product: panels of 32 outputs, in
// them four inputs of each output side by side.
class PackedWeight {
public:
    // q [output, input] within ±127, a scale for each output; `keptInputs` with their float32 columns
    // [kept, output], whose q must be 0. `bias` may be null.
    KURTOSCOPE_API PackedWeight(const std::int8_t* q, std::int64_t outputs, std::int64_t inputs,
                                std::vector<float> scales, const float* bias, std::vector<int> keptInputs,
                                std::vector<float> keptColumns);

    std::int64_t outputs() const { return outputs_; }
    std::int64_t inputs() const { return inputs_; }
    const std::vector<int>& keptInputs() const { return keptInputs_; }
    std::size_t bytes() const { return panels_.size(); }

    // out [row, output] = x · wᵀ + bias: integers multiplied and added up exactly, then scaled, the kept
    // columns' float32 product added. Equal on any number of threads. `out` need not be aligned.
    KURTOSCOPE_API void multiply(const IntegerRows& x, float* out) const;
    // The same by a plain loop over q: what the kernels are tested against.
    KURTOSCOPE_API void multiplyPlainly(const IntegerRows& x, float* out) const;

    // For the kernels.
    static constexpr std::int64_t panel = 32;
    const std::uint8_t* panelAt(std::int64_t index) const {
        return panels_.as<std::uint8_t>() + index * panel * groups_ * 4;
    }
    std::int64_t groups() const { return groups_; } // of four inputs
    const float* scales() const { return scales_.as<float>(); }
    const float* bias() const { return bias_.as<float>(); }
    const std::int32_t* sums() const { return sums_.as<std::int32_t>(); } // Σ q of an output
    const float* keptColumn(std::int64_t index) const { return kept_.as<float>() + index * paddedOutputs(); }
    std::int64_t paddedOutputs() const { return (outputs_ + panel - 1) / panel * panel; }

private:
    std::int64_t outputs_, inputs_, groups_;
    AlignedBytes panels_;               // q + 128, as the processors' dot product takes one side unsigned
    AlignedBytes scales_, bias_, sums_; // [padded output]
    std::vector<int> keptInputs_;
    AlignedBytes kept_; // [kept, padded output]
};

// Rows `begin` … `begin + count` (at most integerTileRows) against one panel, into out [row, outputs].
inline constexpr std::int64_t integerTileRows = 14;
using IntegerTile = void (*)(const IntegerRows& x, const PackedWeight& weight, std::int64_t begin,
                             std::int64_t count, std::int64_t panel, float* out);
KURTOSCOPE_API void portableTile(const IntegerRows& x, const PackedWeight& weight, std::int64_t begin,
                                 std::int64_t count, std::int64_t panel, float* out);
// Null where this processor has no such instructions.
KURTOSCOPE_API IntegerTile vnniTile();

} // namespace kurtoscope
