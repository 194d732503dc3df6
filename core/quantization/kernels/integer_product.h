// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/aligned_bytes.h"
#include "core/base/parallel.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace kurtoscope {

// Rows of activations as integers: x ≈ (q − zero) · scale, each row with its own scale and zero. Channels
// that are kept hold the zero, and stand in `kept` as they were. A row with a NaN has a scale of NaN.
struct IntegerRows {
    static constexpr std::int64_t whole = 32;        // channels are padded with zeros to a multiple of it
    std::int64_t rows = 0, channels = 0, stride = 0; // stride: channels, padded
    AlignedBytes values;                             // int8 [row, stride]
    std::vector<float> scales;
    std::vector<std::int32_t> zeros, sums; // sums: Σ q of a row
    std::int64_t keptCount = 0;
    std::vector<float> kept; // [row, keptCount]
};

// What takes finished rows [row, output], `stride` floats apart, on the thread that made them; it may change
// them.
using TakeRows =
    std::function<void(float* values, std::int64_t stride, std::int64_t firstRow, std::int64_t lastRow)>;

// What another choice of kept inputs changes in a weight: a few columns, and the rows whose scale they
// decide.
struct ToggledColumns {
    std::vector<int> columns;          // whose integers are others in every row
    std::vector<std::int8_t> columnsQ; // [column, output]; 0 where it is kept
    std::vector<std::int64_t> rows;    // outputs that have another scale, and so other integers
    std::vector<std::int8_t> rowsQ;    // [row, input]
    std::vector<float> scales;         // [row]
    std::vector<int> keptInputs;       // all that are kept now
    std::vector<float> keptColumns;    // [kept, output]
};

// A linear layer's weight as integers, w = q · scale, laid out once for the product: panels of 16 outputs, in
// them four inputs of each output side by side.
class PackedWeight {
public:
    // q [output, input] within ±127, a scale for each output; `keptInputs` with their float32 columns
    // [kept, output], whose q must be 0. `bias` may be null.
    KURTOSCOPE_API PackedWeight(const std::int8_t* q, std::int64_t outputs, std::int64_t inputs,
                                std::vector<float> scales, const float* bias, std::vector<int> keptInputs,
                                std::vector<float> keptColumns);
    // `base` with other inputs kept: what they do not touch is copied as it lies.
    KURTOSCOPE_API PackedWeight(const PackedWeight& base, const ToggledColumns& toggled);

    std::int64_t outputs() const { return outputs_; }
    std::int64_t inputs() const { return inputs_; }
    const std::vector<int>& keptInputs() const { return keptInputs_; }
    std::size_t bytes() const {
        return panels_.size() + scales_.size() + bias_.size() + sums_.size() + kept_.size();
    }

    // out [row, output] = x · wᵀ + bias: integers multiplied and added up exactly, then scaled, the kept
    // columns' float32 product added. Equal on any number of threads and with every kernel. `stride`: floats
    // from row to row of `out`, 0 for outputs(). `onto`: what is in `out` takes the bias's place.
    KURTOSCOPE_API void multiply(const IntegerRows& x, float* out, std::int64_t stride = 0,
                                 const AfterRows& after = {}, bool onto = false) const;
    KURTOSCOPE_API void multiplyBy(const struct IntegerKernel& kernel, const IntegerRows& x, float* out,
                                   std::int64_t stride = 0, const AfterRows& after = {},
                                   bool onto = false) const;
    // The sum of several products of the same sizes [row, output], each of its own inputs: one strip of rows
    // after another, so that what is added onto is near. The first's bias, or what is in `out`, is added.
    struct Term {
        const IntegerRows* x;
        const PackedWeight* weight;
    };
    KURTOSCOPE_API static void multiplyTogether(const struct IntegerKernel& kernel,
                                                const std::vector<Term>& terms, float* out,
                                                std::int64_t stride, const AfterRows& after, bool onto);
    // Several such sums of the same rows at once: a strip of rows stays near while all their panels pass by.
    struct Sum {
        std::vector<Term> terms;
        float* out;
        std::int64_t stride = 0; // 0: its outputs
        AfterRows after = {};
        bool onto = false;
    };
    KURTOSCOPE_API static void multiplyEach(const struct IntegerKernel& kernel, const std::vector<Sum>& sums);
    KURTOSCOPE_API static void multiplyEach(const std::vector<Sum>& sums);
    KURTOSCOPE_API static void multiplyTogether(const std::vector<Term>& terms, float* out,
                                                const AfterRows& after);
    // The same sums, which nobody keeps: rows go to `take` once, whole. False, and nothing done, where there
    // are too few of them to be shared out so.
    KURTOSCOPE_API static bool multiplyInto(const std::vector<Term>& terms, const TakeRows& take);
    // The same by a plain loop over q: what the kernels are tested against.
    KURTOSCOPE_API void multiplyPlainly(const IntegerRows& x, float* out) const;

    // For the kernels.
    static constexpr std::int64_t panel = 16;
    const std::uint8_t* panelAt(std::int64_t index) const {
        return panels_.as<std::uint8_t>() + index * panel * groups_ * 4;
    }
    std::int64_t groups() const { return groups_; } // of four inputs; an even number
    const float* scales() const { return scales_.as<float>(); }
    const float* bias() const { return bias_.as<float>(); }
    const std::int32_t* sums() const { return sums_.as<std::int32_t>(); } // Σ q of an output
    const float* keptColumn(std::int64_t index) const { return kept_.as<float>() + index * paddedOutputs(); }
    std::int64_t paddedOutputs() const { return (outputs_ + 2 * panel - 1) / (2 * panel) * (2 * panel); }

private:
    std::uint8_t* groupAt(std::int64_t output);
    void putRow(std::int64_t output, const std::int8_t* q);
    void keep(const std::vector<float>& columns);

    std::int64_t outputs_, inputs_, groups_;
    AlignedBytes panels_;               // q + 128, as the processors' dot product takes one side unsigned
    AlignedBytes scales_, bias_, sums_; // [padded output]
    std::vector<int> keptInputs_;
    AlignedBytes kept_; // [kept, padded output]
};

// Rows `begin` … `end` against the panels `first` … `last`, an even number of them, into `out`, where row
// `begin` comes to lie, `stride` floats from row to row. Results are the plain loop's, to the last bit.
struct IntegerWork {
    const IntegerRows& x;
    const PackedWeight& weight;
    std::int64_t begin, end, first, last;
    float* out;
    std::int64_t stride;
    bool onto;
    bool past = false; // written past the caches: whole aligned lines, more of them than a cache holds
};
struct IntegerKernel {
    const char* name;
    void (*multiply)(const IntegerWork& work);
};
extern KURTOSCOPE_API const IntegerKernel portableKernel;
// Null where this processor has no such instructions.
const IntegerKernel* vnniKernel();
const IntegerKernel* avx2Kernel();
const IntegerKernel* armKernel();
// What this processor has, the fastest first, the portable one last.
KURTOSCOPE_API std::vector<const IntegerKernel*> integerKernels();
// Whether one of them beats multiplying in floating point.
KURTOSCOPE_API bool hasFastIntegers();

} // namespace kurtoscope
