// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/parallel.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace kurtoscope {

// Softmax's result for rows `first` … of one head of one sequence, in cache: [row, key], `stride` floats
// apart, zero beside the valid ones.
struct AttentionBlock {
    const float* probabilities;
    std::int64_t stride, sequence, head, first, rows, keys;
};

// Attention of every head of every sequence over float32 rows, padded on the right: q and out [sequence ×
// length, heads × size], k and v [sequence × length, keyValueHeads × size], each with its stride in floats.
// Rows of padding are not read, and come out as zero.
struct AttentionWork {
    const float *q, *k, *v;
    float* out;
    std::int64_t qStride, kStride, vStride, outStride;
    std::int64_t sequences, length, heads, keyValueHeads, size;
    const std::vector<int>* lengths; // valid positions of each sequence
    bool causal;
    const std::vector<std::int64_t>* firstRows =
        nullptr; // of each sequence, where rows of padding are left out
    // Where somebody looks at softmax's result [sequence, head, query, key], zero beside the valid ones, it
    // is made alone, and what became of it is multiplied in a second call. Both null: neither is kept.
    float* probabilities = nullptr;
    const float* given = nullptr;
    // In bfloat16: q, k, v and softmax's result, divided by its sum, are cast, and `narrow` ones multiplied as
    // such, which needs hasBf16Products(); else in float32. Sums and softmax are float32.
    enum class Numbers : unsigned char { float32, cast, narrow } numbers = Numbers::float32;
    // Where somebody only looks: called from several threads at once, blocks of one head in order and from
    // one of them. `out` is what it is without.
    const std::function<void(const AttentionBlock&)>* show = nullptr;
    const AfterRows* after = nullptr; // the same for `out`
};
// softmax(q kᵀ / √size) v. No matrix of probabilities is kept: a block of query rows at a time, in cache.
// Needs hasFloatKernels(); a sequence's result does not depend on the others or on the number of threads.
KURTOSCOPE_API void attendRows(const AttentionWork& work);

} // namespace kurtoscope
