// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

// A linear layer in narrow numbers on the GPU, in three steps: rows are made of activations, multiplied by
// the weight on tensor cores, and finished into float32. See round_cuda.h for what all entries share.

// Rows of float32 as integers of at most 8 bits, x ≈ (q − zero) · scale, or as E4M3 numbers, x ≈ q · scale;
// after a norm where one is given. A row holds `stride` places, cut into `ranges` with a scale each. Kept
// channels hold the zero, padding 0. A row of integers with a NaN has a scale of NaN.
struct KurtoscopeCudaRows {
    const float* x;                         // [sequence, row, channel], contiguous
    std::int64_t sequences, rows, channels; // rows: of each sequence
    std::int64_t positions;                 // as KurtoscopeCudaRound's
    const std::int32_t* lengths;
    const std::int32_t* inlier; // [channel]
    // y = (x − mean) / √(variance + ε) · weight + bias, without a bias x / √(mean(x²) + ε) · weight; null
    // weight: no norm. `normed` [.., channel] takes the result; may be null unless ranges are whole tensors'.
    const float *normWeight, *normBias;
    float epsilon;
    float* normed;
    const std::int32_t* order;    // [stride]: the channel at each place, −1: padding; null: as they come
    const std::int32_t* rangeEnd; // [ranges]: the place behind each; null: one range
    std::int64_t ranges;
    const float *fixedScales, *fixedZeros; // [ranges]: static ranges; else null
    float* extents;                        // [sequence, range, 2]: work space of dynamic per-tensor ranges
    int bits, symmetric, fullRange, perToken, e4m3;
    std::int8_t* q;      // [sequence × row, stride]
    std::int64_t stride; // a multiple of 16
    float* scales;       // [sequence × row, range]
    std::int32_t* zeros; // the same shape
    void* stream;
};
extern "C" const char* kurtoscopeCudaRows(const KurtoscopeCudaRows* work);

// Columns of x named by a list, as halves for a product on tensor cores: each row divided by a power of two,
// so that no outlier is too large for a half.
struct KurtoscopeCudaGather {
    const float* x; // [row, channel]
    std::int64_t rows, channels;
    const std::int32_t* chosen; // [count]
    std::int64_t count, stride; // stride: halves of a row of `out`, filled up with zeros
    std::uint16_t* out;         // [row, stride]
    float* scales;              // [row]: what to multiply by again
    void* stream;
};
extern "C" const char* kurtoscopeCudaGather(const KurtoscopeCudaGather* work);

// out [row, output] = x · wᵀ by cuBLASLt, x [row, input] and w [output, input] with rows of `xStride` and
// `weightStride` numbers. int8 gives int32, all others float32. What it refuses comes back as a reason.
enum KurtoscopeCudaNumbers { kurtoscopeInt8, kurtoscopeE4m3, kurtoscopeHalf, kurtoscopeBfloat16 };
struct KurtoscopeCudaProduct {
    const void *x, *weight;
    void* out;
    std::int64_t rows, outputs, inputs; // inputs: a multiple of 16 bytes, outputs and rows multiples of 16
    std::int64_t xStride, weightStride, outStride;
    int numbers; // KurtoscopeCudaNumbers
    void* workspace;
    std::int64_t workspaceBytes;
    int device;
    void* stream;
};
extern "C" const char* kurtoscopeCudaProduct(const KurtoscopeCudaProduct* work);

// What products become: Σ over parts of (sum − zero of the row · column's sum) · scale of the row · scale of
// the column, + bias or `onto`, + kept channels in float32, + the product of gathered columns; then
// activation, · times, + plus. The order of the sums is the CPU's.
enum KurtoscopeCudaActivation {
    kurtoscopeNoActivation,
    kurtoscopeGelu,
    kurtoscopeGeluTanh,
    kurtoscopeRelu,
    kurtoscopeSilu
};
struct KurtoscopeCudaFinish {
    static constexpr int mostParts = 4, mostKept = 32;
    const void* sums; // [part, paddedRow, paddedOutput], int32 or float32
    int isFloat, parts;
    std::int64_t rows, outputs, sumsStride, partStride; // in numbers
    const float* rowScales;                             // [row, ranges]; null: 1
    const std::int32_t* rowZeros;                       // the same shape; null: 0
    std::int64_t ranges;
    int range[mostParts];           // of each part
    const float* columnScales;      // [part, output]; null: 1
    const std::int32_t* columnSums; // [part, output]; null with rowZeros
    const float *bias, *onto;       // [output], [row, output]; either may be null; onto may be `out`
    const float* x;                 // [row, channel], for kept channels
    std::int64_t channels;
    const std::int32_t* kept; // [keptCount], at most mostKept of them
    int keptCount;
    const float* keptColumns;               // [kept, output]
    const float *gathered, *gatheredScales; // [paddedRow, paddedOutput], [row]; null: none
    int activation;                         // KurtoscopeCudaActivation
    const float *times, *plus;              // [row, output]; may be null
    float* out;                             // [row, output]
    void* stream;
};
extern "C" const char* kurtoscopeCudaFinish(const KurtoscopeCudaFinish* work);
