// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/diagnostics.h"
#include "core/quantization/recipe_arithmetic.h"

#include <map>
#include <vector>

namespace kurtoscope {

// Watches what a recipe's rounding does to each site while the model itself runs on in float32, so that every
// site's error is its own. Run the recipe's model under it; engine thread.
class SiteErrorProbe : public Arithmetic {
public:
    explicit SiteErrorProbe(const RecipeArithmetic& recipe) : recipe_(recipe) {}

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override;
    bool roundsHead() const override { return recipe_.roundsHead(); }
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override;
    bool treats(Site site) const override { return recipe_.treats(site); }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override;

    std::vector<SiteError> errors() const; // in forward order

private:
    struct Sums {
        double values = 0, square = 0, clipping = 0, rounding = 0, clipped = 0, cosine = 0, rows = 0;
        double outputSignal = 0, outputNoise = 0;
    };
    void add(Site site, const at::Tensor& x, const at::Tensor& y, const SiteRounding* rounding,
             const Batch& batch) const;
    Sums& sumsOf(Site site) const;

    const RecipeArithmetic& recipe_;
    mutable std::vector<Site> order_;
    mutable std::map<Site, Sums> sums_;
    mutable std::map<Site, at::Tensor> rounded_; // linear inputs of the pass that runs
};

} // namespace kurtoscope
