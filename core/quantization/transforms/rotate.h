// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/transform.h"
#include "core/quantization/transforms/hadamard.h"

namespace kurtoscope {

// Turns what linear layers read, so that an outlier spreads over all channels (Ashkboos et al. 2024, QuaRot,
// arXiv 2404.00456): the residual stream, folded into the weights around it, or each input at run time. What
// attention's projection and the second feed-forward layer read is always turned at run time, if `online`.
class Rotate : public Transform {
public:
    enum class Where : unsigned char { automatic, residual, inputs };
    Rotate(Where where, bool random, bool online, std::uint64_t seed)
        : where_(where), random_(random), online_(online), seed_(seed) {}
    std::string key(const Plan& plan) const override;
    bool needsCalibration() const override { return false; }
    void apply(Workpiece& piece, const Plan& plan, CalibrationSet* calibration, const std::string& shapedKey,
               std::stop_token stop, const OnProgress& progress) const override;

private:
    Where where_;
    bool random_, online_;
    std::uint64_t seed_;
};

} // namespace kurtoscope
