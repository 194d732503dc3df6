// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/pass.h"
#include "core/model/model_folder.h"

#include <string>

namespace kurtoscope {

// y = x / √(mean(x²) + ε) · w over the last dimension (Zhang & Sennrich 2019).
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon);
at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon);

// An activation function by config.json's name ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu",
// "tanh").
using ActivationFunction = at::Tensor (*)(const at::Tensor&);
ActivationFunction activationFunction(const std::string& name, const std::string& where); // throws Error

// Scaled dot-product attention of one layer; shows attn_probs where asked for. q is [sequence, position,
// heads × size], k and v [sequence, position, keyValueHeads × size]; returns the context [sequence, position,
// heads × size].
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
};

} // namespace kurtoscope
