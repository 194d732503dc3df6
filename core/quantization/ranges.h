// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/plan.h"
#include "core/quantization/rounding.h"

#include <set>

namespace kurtoscope {

struct CalibratedSite;

// The range that a static per-tensor rule takes from calibration, kept channels left out; holds 0.
Extent staticExtent(const ActivationRule& rule, const CalibratedSite& seen, const std::set<int>& kept);

} // namespace kurtoscope
