// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace kurtoscope {

// Parameters that share a learning rate and a decay.
struct ParameterGroup {
    std::vector<at::Tensor> tensors;
    double rate = 1; // times the step's learning rate
    double decay = 0;
    bool bySpan = false; // and times each tensor's last value less its first
};

// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), as PyTorch computes it.
class AdamW {
public:
    AdamW(std::vector<ParameterGroup> groups, double beta1, double beta2, double epsilon);

    void step(double learningRate); // from the tensors' gradients, which it leaves; those without one wait
    void clearGradients();
    // √Σ g² over all gradients; scales them down to `limit` where it is above it (0: not at all). NaN and ∞
    // come back as they are, and nothing is scaled.
    double clipGradients(double limit);
    void scaleGradients(double factor);
    std::vector<at::Tensor> gradients() const;

    // First and second moments, in the order of the groups' tensors, to be kept and put back.
    std::vector<at::Tensor> state() const;
    std::int64_t steps() const { return steps_; }
    void restore(const std::vector<at::Tensor>& state, std::int64_t steps);

private:
    std::vector<ParameterGroup> groups_;
    std::vector<std::vector<at::Tensor>> first_, second_; // by group
    double beta1_, beta2_, epsilon_;
    std::int64_t steps_ = 0;
};

} // namespace kurtoscope
