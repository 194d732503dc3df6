// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/output_head.h"

#include <algorithm>

namespace kurtoscope {

const Linear* vocabularyHead(const Transformer& transformer) {
    if (!transformer.info().causal) return nullptr;
    for (const auto& linear : transformer.linears())
        if (linear->head && linear->input == Site{-1, Place::final_norm}) return linear.get();
    return nullptr;
}

bool ownsWeight(const Transformer& opened, const Linear& linear) {
    const auto tensors = opened.tensors();
    return std::any_of(tensors.begin(), tensors.end(),
                       [&](const NamedTensor& tensor) { return tensor.name == linear.name + ".weight"; });
}

} // namespace kurtoscope
