// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/transformer.h"

namespace kurtoscope {

// The linear layer that makes a decoder's logits out of its final hidden state, which recipes leave in high
// precision unless told otherwise; null for encoders, whose heads read other tensors.
const Linear* vocabularyHead(const Transformer& transformer);
// Whether its weight is no other tensor's in the model as it was opened: tied ones are the table that embeds
// tokens.
bool ownsWeight(const Transformer& opened, const Linear& linear);

} // namespace kurtoscope
