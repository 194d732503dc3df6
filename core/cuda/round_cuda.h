// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

// Quantize–dequantize on the GPU. Like all that the CUDA library offers: plain pointers into device memory
// and a stream, so that neither side needs the other's headers; null on success, else CUDA's reason; returns
// when the work is queued.
struct KurtoscopeCudaRound {
    const float* x; // [sequence, row, channel], contiguous
    float* out;     // the same shape
    std::int64_t sequences, rows, channels;
    std::int64_t positions;      // rows of one group: rows / heads for attn_probs, else rows
    const std::int32_t* lengths; // valid positions of each sequence; null: all
    const std::int32_t* inlier;  // 0 where a channel is kept; null: none is
    float* extents;              // [2 × sequences]: work space of dynamic per-tensor ranges; else null
    float scale, zero;           // static ranges only
    int bits, symmetric, dynamic, perToken;
    void* stream;
};

extern "C" const char* kurtoscopeCudaRound(const KurtoscopeCudaRound* work);
