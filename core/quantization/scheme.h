// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "core/data/channel_stats.h"
#include "core/data/reading.h"
#include "core/data/recipe.h"

#include <optional>
#include <string>

namespace kurtoscope {

// How one site's values are put on a grid. Static rules take their range from calibration, dynamic ones from
// the values: each sequence's own when per tensor, each row's own when per token.
struct ActivationRule {
    int bits = 8;
    bool symmetric = true, dynamic = false, perToken = false;
};

// How a linear layer's weight is put on a symmetric grid: one scale, or one for each output channel.
struct WeightRule {
    int bits = 8;
    bool perChannel = true;

    bool operator==(const WeightRule&) const = default;
};

// A way to quantize. What it says holds for every site and linear layer of the recipe's scope; kept channels
// and sites in high precision are honoured for all schemes alike. One file each, registered on its last line.
class Scheme {
public:
    virtual ~Scheme() = default;
    std::string_view id() const { return info().id; }
    virtual const SchemeInfo& info() const = 0;
    // Rules for a recipe whose parameters were checked; empty: that side stays in float32. Throws Error for
    // parameters that exclude one another.
    virtual std::optional<ActivationRule> activations(const Recipe& recipe) const = 0;
    virtual std::optional<WeightRule> weights(const Recipe& recipe) const = 0;
    virtual KernelTag kernels(const Recipe& recipe) const = 0;
};

template <>
Registry<Scheme>& Registry<Scheme>::instance();

// The value of a parameter of `recipe`, or the scheme's default.
std::string parameter(const SchemeInfo& info, const Recipe& recipe, const std::string& id);
int integerParameter(const SchemeInfo& info, const Recipe& recipe, const std::string& id);

// Scheme, parameter names, values and combinations are right. Throws Error naming the offending one and what
// there is.
const Scheme& checkedScheme(const Recipe& recipe);

} // namespace kurtoscope
