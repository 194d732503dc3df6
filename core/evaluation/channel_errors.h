// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/rounding_errors.h"
#include "core/evaluation/site_errors.h"

#include <map>

namespace kurtoscope {

// SiteErrorProbe, and the same error channel by channel. Run the recipe's model under it; engine thread.
class ChannelErrorProbe : public Arithmetic {
public:
    explicit ChannelErrorProbe(const RecipeArithmetic& recipe) : recipe_(recipe), sites_(recipe) {}

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override;
    bool roundsHead() const override { return recipe_.roundsHead(); }
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override;
    bool treats(Site site) const override { return recipe_.treats(site); }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override {
        return sites_.linear(linear, x, batch);
    }

    void report(RoundingErrors& errors) const; // fills sites and noiseToSignal

private:
    void add(Site site, const at::Tensor& before, const at::Tensor& after, const Batch& batch) const;

    struct Sums {
        at::Tensor signal, noise; // [channel], double
    };
    const RecipeArithmetic& recipe_;
    SiteErrorProbe sites_;
    mutable std::map<Site, Sums> sums_;
};

} // namespace kurtoscope
