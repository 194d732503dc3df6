// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/scheme.h"

namespace kurtoscope {

// The parameters of uniform integers, shared by every scheme that ends in them. `defaults` replaces default
// values by id.
struct UniformParameters {
    static std::vector<ParameterInfo> activations(const std::map<std::string, std::string>& defaults = {});
    static std::vector<ParameterInfo> weights(const std::map<std::string, std::string>& defaults = {});
    static std::vector<ParameterInfo> both(const std::map<std::string, std::string>& defaults = {});

    // Empty where 16 bits leave that side alone. Throws Error for what excludes one another.
    static std::optional<ActivationRule> activationRule(const Told& told);
    static std::optional<WeightRule> weightRule(const Told& told);
    // Claims both sides: as told where one of a side's parameters was given, else as `usual`.
    static void claim(const std::string& scheme, const Told& told, Plan& plan, Plan::Claim usual);
};

} // namespace kurtoscope
