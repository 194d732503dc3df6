// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/activation.h"
#include "core/engine/pass.h"
#include "core/model/model_folder.h"

namespace kurtoscope {

// y = x / √(mean(x²) + ε) · w over the last dimension (Zhang & Sennrich 2019).
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon);
at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon);
at::Tensor applyNorm(const at::Tensor& x, const NormStep& norm); // whichever it is
// The same, shown `shownNormRows` rows at once while they are near; only where fitsNorm().
constexpr std::int64_t shownNormRows = 128;
at::Tensor applyNorm(const at::Tensor& x, const NormStep& norm, const ShownRows& shown);
bool fitsNorm(const at::Tensor& x, const NormStep& norm);

// Scaled dot-product attention of one layer; shows attn_probs and attn_context where asked for. q is
// [sequence, position, heads × size], k and v [sequence, position, keyValueHeads × size]; returns the context
// [sequence, position, heads × size].
at::Tensor attention(Pass& pass, int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, std::int64_t keyValueHeads, bool causal);

// Rows of valid positions, padding left out: [sequence, .., position, channel] → [row, channel]. Class
// logits, which have no positions, stay as they are.
at::Tensor validRows(const at::Tensor& x, const Batch& batch);

// One vector for each sequence out of hidden [sequence, position, channel], padding left out: [sequence,
// channel]. Means where `pooling` names no other way.
at::Tensor pool(const at::Tensor& hidden, const std::vector<int>& lengths, Pooling pooling);

// Rotary position embedding in Hugging Face's order: channel i turns with channel i + size/2 (Su et al.
// 2021).
struct Rotary {
    at::Tensor inverseFrequency;                                     // [size / 2]
    at::Tensor apply(const at::Tensor& x, std::int64_t heads) const; // [sequence, position, heads × size]

private:
    mutable at::Tensor cosine_, sine_,
        of_; // [position, size / 2] of the longest seen, and of what frequencies
};

} // namespace kurtoscope
