// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/site_errors.h"

#include "core/engine/blocks.h"

#include <cmath>
#include <limits>

namespace kurtoscope {
namespace {

double total(const at::Tensor& x) {
    return at::sum(x, at::kDouble).item<double>();
}

double decibels(double signal, double noise) {
    if (noise == 0) return std::numeric_limits<double>::infinity();
    return signal > 0 ? 10 * std::log10(signal / noise) : -std::numeric_limits<double>::infinity();
}

// True beyond what a static integer grid spans; undefined for every other rounding, which spans all it sees.
at::Tensor beyond(const at::Tensor& x, const SiteRounding& rounding) {
    if (rounding.rule.dynamic || rounding.rule.format != Format::integer) return {};
    const auto tensor = [&](const std::vector<float>& values, float one) {
        return values.empty() ? at::full({1}, one, x.options())
                              : at::tensor(at::ArrayRef<float>(values), x.options());
    };
    const at::Tensor scale = tensor(rounding.scales, rounding.grid.scale),
                     zero = tensor(rounding.zeros, rounding.grid.zero);
    return at::logical_or(x.lt((rounding.grid.low - zero) * scale),
                          x.gt((rounding.grid.high - zero) * scale));
}

} // namespace

SiteErrorProbe::Sums& SiteErrorProbe::sumsOf(Site site) const {
    const auto [found, fresh] = sums_.try_emplace(site);
    if (fresh) order_.push_back(site);
    return found->second;
}

void SiteErrorProbe::add(Site site, const at::Tensor& before, const at::Tensor& after,
                         const SiteRounding* rounding, const Batch& batch) const {
    const at::Tensor x = validRows(before, batch), y = validRows(after, batch);
    Sums& sums = sumsOf(site);
    const at::Tensor error = (x - y).square();
    const double all = total(error);
    double outside = 0, clipped = 0;
    if (rounding)
        if (const at::Tensor where = beyond(x, *rounding); where.defined()) {
            outside = total(error * where);
            clipped = total(where);
        }
    sums.values += double(x.numel());
    sums.square += total(x.square());
    sums.clipping += outside;
    sums.rounding += all - outside;
    sums.clipped += clipped;
    const at::Tensor similarity = at::cosine_similarity(x, y, -1);
    sums.cosine += total(similarity);
    sums.rows += double(similarity.numel());
}

at::Tensor SiteErrorProbe::value(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor y = recipe_.value(site, x, batch);
    if (!y.is_same(x)) add(site, x, y, recipe_.valueRounding(site), batch);
    return x;
}

at::Tensor SiteErrorProbe::operand(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor exact = recipe_.reshaped(site, x);
    const Site made = recipe_.model().origin(site);
    const at::Tensor given = recipe_.value(made, x, batch);
    const at::Tensor y = recipe_.operand(site, given, batch);
    // What value() rounded is counted there; a tensor that only linear layers see is counted here.
    if (!y.is_same(given)) add(site, exact, y, recipe_.rounding(site), batch);
    rounded_[site] = y;
    return exact;
}

at::Tensor SiteErrorProbe::cached(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor y = recipe_.cached(site, x, batch);
    if (!y.is_same(x)) add(site, x, y, recipe_.cacheRounding(site), batch);
    return x;
}

at::Tensor SiteErrorProbe::linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor exact = at::linear(x, linear.weight, linear.bias);
    const auto input = rounded_.find(linear.input);
    if ((linear.head && !recipe_.roundsHead()) || input == rounded_.end()) return exact;
    const at::Tensor rounded = validRows(recipe_.linear(linear, input->second, batch), batch);
    const at::Tensor kept = validRows(exact, batch);
    Sums& sums = sumsOf(linear.input);
    sums.outputSignal += total(kept.square());
    sums.outputNoise += total((kept - rounded).square());
    return exact;
}

std::vector<SiteError> SiteErrorProbe::errors() const {
    std::vector<SiteError> all;
    for (Site site : order_) {
        const Sums& sums = sums_.at(site);
        SiteError error;
        error.site = site;
        error.values = static_cast<std::int64_t>(sums.values);
        if (sums.values > 0) {
            error.meanSquare = sums.square / sums.values;
            error.clipping = sums.clipping / sums.values;
            error.rounding = sums.rounding / sums.values;
            error.clippedShare = sums.clipped / sums.values;
            error.cosine = sums.cosine / sums.rows;
            error.sqnrDb = decibels(sums.square, sums.clipping + sums.rounding);
        } else {
            error.sqnrDb = std::numeric_limits<double>::infinity(); // only its weights are rounded
        }
        if (sums.outputSignal > 0) error.outputSqnrDb = decibels(sums.outputSignal, sums.outputNoise);
        all.push_back(error);
    }
    return all;
}

} // namespace kurtoscope
