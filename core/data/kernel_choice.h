// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

namespace kurtoscope {

// Whether a recipe's integers or bfloat16 are really multiplied where there are kernels for it, or always
// simulated.
enum class KernelChoice : unsigned char { automatic, simulated };

// Of each recipe of a request; those that are missing: automatic.
using KernelChoices = std::vector<KernelChoice>;
inline KernelChoice choiceAt(const KernelChoices& choices, std::size_t recipe) {
    return recipe < choices.size() ? choices[recipe] : KernelChoice::automatic;
}

} // namespace kurtoscope
