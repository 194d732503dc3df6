// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/site.h"
#include "core/engine/batch.h"

#include <cstdint>
#include <memory>

namespace kurtoscope {

// One site's values of one batch as contiguous float32 rows of `channels`, in host memory. Rows run over
// [sequence, group, position]; `groups` is the head count for attn_probs and 1 elsewhere. `perSequence`: one
// row per sequence and no positions (class logits). Valid only during Tap::take.
struct SiteTensor {
    const float* values = nullptr;
    std::int64_t channels = 0;
    int groups = 1;
    bool perSequence = false;
    const Batch* batch = nullptr;
};

// A block of query rows of one head's attention probabilities, `stride` floats apart, zero where a causal
// mask or padding leaves nothing. Valid only during ProbabilityTaker::take.
struct ProbabilityRows {
    const float* values = nullptr; // [query, key]
    std::int64_t stride = 0;
    int sequence = 0, head = 0;
    int firstQuery = 0, queries = 0, keys = 0; // `keys`: the sequence's valid positions
};

// Takes the probabilities of one layer as attention makes them. take() is called from several threads at
// once; blocks of one head come in order and from one thread.
class ProbabilityTaker {
public:
    virtual ~ProbabilityTaker() = default;
    virtual void take(const ProbabilityRows& rows) = 0;
    virtual void finish() = 0; // on the thread that runs the model, once everything was given
};

// Takes the values of one site as they are made: some rows and channels of it, float32 in host memory, while
// they are in cache. `values` is the whole tensor, `stride` floats from row to row; rows run over [sequence,
// position], those of padding among them. take() is called from several threads at once.
class RowTaker {
public:
    virtual ~RowTaker() = default;
    virtual void take(const float* values, std::int64_t stride, std::int64_t firstRow, std::int64_t lastRow,
                      std::int64_t firstChannel, std::int64_t lastChannel) = 0;
    virtual void finish() = 0; // on the thread that runs the model, once everything was given
};

// An observer of a forward pass: first asked whether it wants a site, then given the tensor. Called on the
// thread that runs the model, between its operators; what it throws ends the pass.
class Tap {
public:
    virtual ~Tap() = default;
    virtual bool wants(Site site) const = 0;
    virtual void take(Site site, const SiteTensor& tensor) = 0;
    // Somebody to whom the attn_probs that it wants at `site` may be given block by block, while they are in
    // cache, so that the matrix of all heads is never made; null: take() gets them whole.
    virtual std::unique_ptr<ProbabilityTaker> byRows(Site /*site*/, const Batch& /*batch*/, int /*heads*/) {
        return nullptr;
    }
    // The same for any other place of [sequence, position, channel]; null: take() gets it whole. All rows of
    // a channel come in order and from one thread; or, where `rowsAtOnce` is not 0, so many rows with all
    // their channels (the last ones may be fewer) from any thread and in any order.
    virtual std::unique_ptr<RowTaker> byPieces(Site /*site*/, const Batch& /*batch*/, int /*channels*/,
                                               std::int64_t /*rowsAtOnce*/) {
        return nullptr;
    }
    // The same as take() of what linear layers multiply in place of the tensor at `input`, where a step at
    // run time makes it another one; not yet rounded.
    virtual bool wantsReshaped(Site /*input*/) const { return false; }
    virtual void takeReshaped(Site /*input*/, const SiteTensor& /*tensor*/) {}
};

} // namespace kurtoscope
