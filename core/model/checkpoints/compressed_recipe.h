// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kurtoscope {

// How compressed-tensors says that one side of a linear layer is rounded (its QuantizationArgs).
struct CompressedArguments {
    int bits = 8, group = 0;
    bool isFloat = false, symmetric = true, dynamic = false;
    std::int64_t blockRows = 0, blockColumns = 0;
    std::string strategy; // tensor, channel, token, group, tensor_group, block
};

// The recipe, as text, that rounds as these do; "" where no scheme is near.
std::string nearestRecipe(const CompressedArguments& weights,
                          const std::optional<CompressedArguments>& activations);

} // namespace kurtoscope
