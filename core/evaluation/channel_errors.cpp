// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/channel_errors.h"

#include <cmath>

namespace kurtoscope {

void ChannelErrorProbe::add(Site site, const at::Tensor& before, const at::Tensor& after,
                            const Batch& batch) const {
    if (before.dim() > 3) return; // attn_probs: its last dimension is positions
    Sums& sums = sums_[site];
    const auto sum = [](const at::Tensor& rows, at::Tensor& into) {
        const at::Tensor here = rows.square().sum({0}, false, at::kDouble).to(at::kCPU);
        into = into.defined() ? into + here : here;
    };
    if (before.dim() < 3) {
        sum(before, sums.signal);
        sum(before - after, sums.noise);
        return;
    }
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        const int length = batch.lengths[std::size_t(sequence)];
        const at::Tensor x = before.select(0, sequence).narrow(0, 0, length); // [position, channel]
        sum(x, sums.signal);
        sum(x - after.select(0, sequence).narrow(0, 0, length), sums.noise);
    }
}

at::Tensor ChannelErrorProbe::value(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor y = recipe_.value(site, x, batch);
    if (!y.is_same(x)) add(site, x, y, batch);
    return sites_.value(site, x, batch);
}

at::Tensor ChannelErrorProbe::operand(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor exact = sites_.operand(site, x, batch);
    const at::Tensor given = recipe_.value(recipe_.model().origin(site), x, batch);
    const at::Tensor y = recipe_.operand(site, given, batch);
    if (!y.is_same(given)) add(site, exact, y, batch);
    return exact;
}

at::Tensor ChannelErrorProbe::cached(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor y = recipe_.cached(site, x, batch);
    if (!y.is_same(x)) add(site, x, y, batch);
    return sites_.cached(site, x, batch);
}

void ChannelErrorProbe::report(RoundingErrors& errors) const {
    errors.sites = sites_.errors();
    for (const auto& [site, sums] : sums_) {
        const at::Tensor signal = sums.signal.contiguous(), noise = sums.noise.contiguous();
        const double* of = signal.const_data_ptr<double>();
        const double* lost = noise.const_data_ptr<double>();
        auto& row = errors.noiseToSignal[site];
        for (std::int64_t channel = 0; channel < signal.numel(); ++channel)
            row.push_back(of[channel] > 0 ? static_cast<float>(lost[channel] / of[channel]) : std::nanf(""));
    }
}

} // namespace kurtoscope
