// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/recipe.h"

#include <vector>

namespace kurtoscope {

// Training's pieces on plain values, without a model: for tests and for showing one at work.

struct Differentiated {
    double value = 0;
    std::vector<double> gradient; // by every value given
    bool defined = false;         // false: the member has nothing to say of this side
};
enum class PenaltySide : unsigned char { output, input, weight };
// A regularizer's penalty, before λ, of rows × channels values. Throws Error for what is no regularizer.
KURTOSCOPE_API Differentiated penaltyOf(const RecipePart& regularizer, PenaltySide side,
                                        const std::vector<double>& values, int rows, int channels);
// Σ weights · f(values), where f is what the regularizer makes of a linear input when `done` of the steps are
// done.
KURTOSCOPE_API Differentiated reshapedSum(const RecipePart& regularizer, const std::vector<double>& values,
                                          const std::vector<double>& weights, int rows, int channels,
                                          double done);

struct ClipGradients {
    std::vector<double> rounded, byValue; // d Σ weights · rounded / d value
    double byLow = 0, byHigh = 0;
};
// Learned clipping in double, or in float32 as training runs it.
KURTOSCOPE_API ClipGradients fakeQuantized(const std::vector<double>& values,
                                           const std::vector<double>& weights, int rows, int channels,
                                           double low, double high, int bits, bool single, double pull = 0);

struct LinearGradients {
    std::vector<double> made, byInput, byWeight, byBias; // d Σ weights · made
};
// A linear layer in float32 as training multiplies it: x [row, input], w [output, input], bias empty or
// [output].
KURTOSCOPE_API LinearGradients trainedLinear(const std::vector<double>& x, const std::vector<double>& w,
                                             const std::vector<double>& bias,
                                             const std::vector<double>& weights, int rows, int outputs);

struct AdamWSettings {
    double rate = 1e-3, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, decay = 0.1;
};
// One parameter after as many steps as there are gradients.
KURTOSCOPE_API std::vector<float> adamWSteps(const std::vector<float>& start,
                                             const std::vector<std::vector<float>>& gradients,
                                             const AdamWSettings& settings);

} // namespace kurtoscope
