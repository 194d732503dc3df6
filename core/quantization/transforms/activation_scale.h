// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/transform.h"

namespace kurtoscope {

// Enlarges the weights that meet large activations, so that they round finer: channel j of a linear input is
// divided by mean|x_j|^α (Lin et al. 2024, arXiv 2306.00978), brought to a geometric middle of 1. α is the
// one of 0, 0.05 … 0.95 under which the outputs of the layers that read the input err least with weights
// rounded as the plan says; or the same everywhere.
class ActivationScale : public Transform {
public:
    explicit ActivationScale(std::optional<double> alpha) : alpha_(alpha) {}
    std::string key(const Plan& plan) const override;
    bool needsCalibration() const override { return true; }
    bool scalesChannels() const override { return true; }
    void apply(Workpiece& piece, const Plan& plan, CalibrationSet* calibration, const std::string& shapedKey,
               std::stop_token stop, const OnProgress& progress) const override;

private:
    std::optional<double> alpha_; // empty: searched
};

} // namespace kurtoscope
