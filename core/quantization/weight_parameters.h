// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/scheme.h"

namespace kurtoscope {

// The parameters of integer weights in groups, shared by the schemes that are about weights: bits, group,
// symmetric, levels, activation_bits.
struct WeightParameters {
    // `nearest`: every weight goes to its nearest level, so that how it is divided can be chosen too.
    static std::vector<ParameterInfo> all(bool symmetric, bool nearest = false);
    static WeightRule rule(const Told& told);
    // Insists on the weights; rounds activations too (each token its own range) where it is told their bits,
    // else leaves them to the recipe's other schemes.
    static void claim(const std::string& scheme, const Told& told, Plan& plan, WeightRule rule);
};

} // namespace kurtoscope
