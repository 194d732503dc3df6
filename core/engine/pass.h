// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/arithmetic.h"
#include "core/engine/pass_memory.h"
#include "core/engine/tap.h"

#include <array>
#include <stop_token>
#include <vector>

namespace kurtoscope {

// What a tap is given of `rows`, float32 in host memory, which must outlive it: [sequence, position,
// channel], for attn_probs [sequence, head, query, key], for class logits [sequence, channel].
SiteTensor siteTensor(const at::Tensor& rows, const Batch& batch);

// One forward pass over one batch: what an architecture's code needs at hand. Lives on the engine thread for
// the length of the pass. Throws Cancelled between blocks once a stop is asked for.
class Pass {
public:
    Pass(const Batch& batch, at::Device device, Tap* tap = nullptr, const Arithmetic* arithmetic = nullptr,
         std::stop_token stop = {});

    // Of a batch without padding whose ids lie on the device: nothing is copied from the host, so that a CUDA
    // graph can hold the pass.
    Pass(const Batch& batch, at::Tensor ids, at::Tensor typeIds, const Arithmetic* arithmetic)
        : batch_(batch),
          tap_(nullptr),
          arithmetic_(arithmetic),
          ids_(std::move(ids)),
          typeIds_(std::move(typeIds)) {}

    const Batch& batch() const { return batch_; }
    const at::Tensor& ids() const { return ids_; }         // [sequence, position] int64
    const at::Tensor& typeIds() const { return typeIds_; } // the same shape
    bool padded() const { return mask_.defined(); }
    const at::Tensor& mask() const {
        return mask_;
    } // [sequence, 1, 1, position] bool, true where valid; may be undefined

    // Shows `x` to the tap and returns what all its readers get. x is [sequence, position, channel], for
    // attn_probs [sequence, head, query, key], for class logits [sequence, channel].
    at::Tensor see(Site site, const at::Tensor& x);
    // What the linear layers that read `site` multiply.
    at::Tensor operand(Site site, const at::Tensor& x) const;
    // What the linear layers of `site` multiply, of a tensor that they alone read and a norm makes.
    at::Tensor normedOperand(Site site, const at::Tensor& x, const NormStep& norm);
    // norm(x) for all its readers, the linear layers of `input` among them, shown at `site`.
    at::Tensor normed(Site site, Site input, const at::Tensor& x, const NormStep& norm);
    // What attention reads of keys and values.
    at::Tensor cached(Site site, const at::Tensor& x) const {
        return arithmetic_ ? arithmetic_->cached(site, x, batch_) : x;
    }
    AttentionNumbers attention(int layer) const {
        return arithmetic_ ? arithmetic_->attention(layer) : AttentionNumbers::float32;
    }
    // What a language model's output head multiplies.
    at::Tensor headInput(const at::Tensor& x) const {
        return arithmetic_ && arithmetic_->roundsHead() ? operand({-1, Place::final_norm}, x) : x;
    }
    at::Tensor linear(const Linear& linear, const at::Tensor& x,
                      const Then& then = {}) const; // x [.., in] → [.., out]
    // What the linear layers of `site` multiply, of a tensor that they alone read and `layer` makes.
    at::Tensor linearOperand(Site site, const Linear& layer, const at::Tensor& x, Then then);
    // see(linear.output, linear(x)); whoever looks gets what is made piece by piece where that can be.
    at::Tensor seenLinear(const Linear& linear, const at::Tensor& x, const Then& then = {});
    // seenLinear() of layers that read one tensor, in one go where all of them may be.
    std::array<at::Tensor, 3> seenLinears(const std::array<const Linear*, 3>& layers, const at::Tensor& x);
    // see(sum, stream + see(linear.output, linear(x))), in one go where nobody changes what is added.
    at::Tensor linearOnto(Site sum, const at::Tensor& stream, const Linear& linear, const at::Tensor& x);
    // Rows of padding left out, in a layer where nobody would miss them: [sequence, position, channel] → [1,
    // row, channel] and back, with zeros. Whether that may be done and is worth it.
    bool mayLeaveOutPadding(int layer, const std::vector<Place>& places) const;
    at::Tensor withoutPadding(const at::Tensor& x);
    at::Tensor withPadding(const at::Tensor& rows) const;
    const std::vector<std::int64_t>& firstRows() const {
        return firstRows_;
    } // of each sequence among those rows

    // Whether attention must form its probabilities one by one for somebody to see or change.
    bool needsProbabilities(int layer) const;
    // Who takes them block by block, where nobody changes them; null: nobody.
    std::unique_ptr<ProbabilityTaker> takesProbabilities(int layer, int heads) const;
    // Who takes pieces of `site` as they are made (Tap::byPieces), where nobody changes them; null: see() is
    // to be called.
    std::unique_ptr<RowTaker> takesPieces(Site site, std::int64_t channels,
                                          std::int64_t rowsAtOnce = 0) const;
    void throwIfStopped() const;

private:
    bool somebodyLooksAt(Site site) const; // at what its linear layers read
    at::Tensor seenNorm(Site site, const at::Tensor& x, const NormStep& norm);

    PassMemory memory_; // the first to come, the last to go
    const Batch& batch_;
    Tap* tap_;
    const Arithmetic* arithmetic_;
    std::stop_token stop_;
    at::Tensor ids_, typeIds_, mask_;
    at::Tensor validRows_; // [row] int64; made when first needed
    std::vector<std::int64_t> firstRows_;
};

} // namespace kurtoscope
