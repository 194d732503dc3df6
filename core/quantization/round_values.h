// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/quantization/plan.h"

#include <set>
#include <vector>

namespace kurtoscope {

// Plain values [sequence, position, channel]; `lengths` are valid positions of each sequence, empty for all.
struct ValueTable {
    int sequences = 1, positions = 1, channels = 1;
    std::vector<float> values;
    std::vector<int> lengths;
};

// What a rule makes of a table, and a weight rule of a weight [out, in], without a model: for tests and for
// showing a rule at work. Static rules take their range from `calibration`. Throws Error when a table's size
// is not what it says.
KURTOSCOPE_API std::vector<float> roundValues(const ActivationRule& rule, const ValueTable& table,
                                              const std::set<int>& kept, const ValueTable& calibration);
// The same by way of the integers that the kernels multiply, (q − zero) · scale, kept channels as they are.
// Throws Error for a rule that has no such integers.
KURTOSCOPE_API std::vector<float> integerValues(const ActivationRule& rule, const ValueTable& table,
                                                const std::set<int>& kept, const ValueTable& calibration);
KURTOSCOPE_API std::vector<float> roundWeightValues(const WeightRule& rule, const std::vector<float>& weight,
                                                    int outputs, int inputs, const std::set<int>& kept);
KURTOSCOPE_API std::vector<float> integerWeightValues(const WeightRule& rule,
                                                      const std::vector<float>& weight, int outputs,
                                                      int inputs, const std::set<int>& kept);

} // namespace kurtoscope
