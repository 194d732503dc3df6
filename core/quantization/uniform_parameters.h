// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/scheme.h"

namespace kurtoscope {

// The parameters of uniform integers, shared by every scheme that ends in them. `defaults` replaces default
// values by id. What a scheme has settled for good it leaves out of its parameters and names in `settled`.
struct UniformParameters {
    using Values = std::map<std::string, std::string>;

    static std::vector<ParameterInfo> activations(const Values& defaults = {}, const Values& settled = {});
    static std::vector<ParameterInfo> weights(const Values& defaults = {}, const Values& settled = {});
    static std::vector<ParameterInfo> both(const Values& defaults = {}, const Values& settled = {});

    // Empty where 16 bits leave that side alone. Throws Error for what excludes one another.
    static std::optional<ActivationRule> activationRule(const Told& told, const Values& settled = {});
    static std::optional<WeightRule> weightRule(const Told& told, const Values& settled = {});
    // Claims both sides: as told where one of a side's parameters was given, else as `usual`.
    static void claim(const std::string& scheme, const Told& told, Plan& plan, Plan::Claim usual,
                      const Values& settled = {});
    // The same with rules that a scheme has made of what it was told (empty leaves a side to other schemes),
    // `words` being its own parameters that speak for activations.
    static void claim(const std::string& scheme, const Told& told, Plan& plan,
                      std::optional<ActivationRule> activation, std::optional<WeightRule> weight,
                      const std::vector<std::string>& words);
};

} // namespace kurtoscope
