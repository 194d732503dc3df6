// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/transform.h"

namespace kurtoscope {

// Moves outliers from activations into weights: channel j of a linear input is divided by
// max|x_j|^α / max|W_j|^(1−α), all its readers' weights together (Xiao et al. 2023, arXiv 2211.10438,
// equation 4). With `search`, each input has the α of 0, 0.1 … 1 under which its layers' outputs err least
// when rounded as the plan says.
class Smooth : public Transform {
public:
    Smooth(double alpha, bool search) : alpha_(alpha), search_(search) {}
    std::string key(const Plan& plan) const override;
    bool needsCalibration() const override { return true; }
    bool scalesChannels() const override { return true; }
    void apply(Workpiece& piece, const Plan& plan, CalibrationSet* calibration, const std::string& shapedKey,
               std::stop_token stop, const OnProgress& progress) const override;

private:
    double alpha_;
    bool search_;
};

} // namespace kurtoscope
