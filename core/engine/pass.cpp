// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/pass.h"

#include "core/base/error.h"
#include "core/base/phases.h"

namespace kurtoscope {

Pass::Pass(const Batch& batch, at::Device device, Tap* tap, const Arithmetic* arithmetic,
           std::stop_token stop)
    : batch_(batch), tap_(tap), arithmetic_(arithmetic), stop_(std::move(stop)) {
    const auto toTensor = [&](const std::vector<int>& values) {
        return at::from_blob(const_cast<int*>(values.data()), {batch.sequences, batch.length}, at::kInt)
            .to(device, at::kLong);
    };
    ids_ = toTensor(batch.ids);
    typeIds_ = batch.typeIds.empty() ? at::zeros_like(ids_) : toTensor(batch.typeIds);
    bool padded = false;
    for (int length : batch.lengths)
        padded |= length < batch.length;
    if (padded) {
        const auto lengths =
            at::from_blob(const_cast<int*>(batch.lengths.data()), {batch.sequences, 1, 1, 1}, at::kInt);
        mask_ = at::arange(batch.length, at::kInt)
                    .view({1, 1, 1, -1})
                    .lt(lengths)
                    .to(device); // [sequence, 1, 1, key]
    }
}

SiteTensor siteTensor(const at::Tensor& rows, const Batch& batch) {
    SiteTensor seen;
    seen.values = rows.const_data_ptr<float>();
    seen.channels = rows.size(-1);
    seen.groups = rows.dim() == 4 ? static_cast<int>(rows.size(1)) : 1;
    seen.perSequence = rows.dim() == 2;
    seen.batch = &batch;
    return seen;
}

at::Tensor Pass::see(Site site, const at::Tensor& x) {
    if (tap_ && tap_->wants(site)) {
        const at::Tensor rows = x.to(at::kCPU, at::kFloat).contiguous();
        tap_->take(site, siteTensor(rows, batch_));
    }
    return arithmetic_ ? arithmetic_->value(site, x, batch_) : x;
}

at::Tensor Pass::operand(Site site, const at::Tensor& x) const {
    if (!arithmetic_) return x;
    if (tap_ && tap_->wantsReshaped(site))
        if (const at::Tensor y = arithmetic_->reshaped(site, x); !y.is_same(x)) {
            const at::Tensor rows = y.to(at::kCPU, at::kFloat).contiguous();
            tap_->takeReshaped(site, siteTensor(rows, batch_));
        }
    return arithmetic_->operand(site, x, batch_);
}

at::Tensor Pass::linear(const Linear& linear, const at::Tensor& x) const {
    if (arithmetic_) return arithmetic_->linear(linear, x, batch_);
    const PhaseTimer timer(Phase::gemm);
    return at::linear(x, linear.weight, linear.bias);
}

bool Pass::needsProbabilities(int layer) const {
    const Site site{layer, Place::attn_probs};
    return (tap_ && tap_->wants(site)) || (arithmetic_ && arithmetic_->treats(site));
}

void Pass::throwIfStopped() const {
    if (stop_.stop_requested()) throw Cancelled();
}

} // namespace kurtoscope
