// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/pass.h"

#include "core/base/error.h"
#include "core/base/phases.h"
#include "core/engine/blocks.h"
#include "core/engine/kernels/float_product.h"

#include <algorithm>
#include <numeric>

#include <c10/core/GradMode.h>

namespace kurtoscope {

namespace {

ShownRows shownTo(RowTaker& taker) {
    return [&taker](const float* values, std::int64_t stride, std::int64_t firstRow, std::int64_t lastRow,
                    std::int64_t firstColumn, std::int64_t lastColumn) {
        taker.take(values, stride, firstRow, lastRow, firstColumn, lastColumn);
    };
}

} // namespace

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

bool Pass::somebodyLooksAt(Site site) const {
    return (tap_ && (tap_->wants(site) || tap_->wantsReshaped(site))) ||
           (arithmetic_ && arithmetic_->looksAt(site));
}

at::Tensor Pass::normedOperand(Site site, const at::Tensor& x, const NormStep& norm) {
    if (arithmetic_ && !somebodyLooksAt(site))
        if (at::Tensor y = arithmetic_->normed(site, x, norm, true, batch_); y.defined()) return y;
    return operand(site, seenNorm(site, x, norm));
}

at::Tensor Pass::normed(Site site, Site input, const at::Tensor& x, const NormStep& norm) {
    if (arithmetic_)
        if (at::Tensor y = arithmetic_->normed(input, x, norm, false, batch_); y.defined())
            return see(site, y);
    return seenNorm(site, x, norm);
}

at::Tensor Pass::seenNorm(Site site, const at::Tensor& x, const NormStep& norm) {
    if (!fitsNorm(x, norm)) return see(site, applyNorm(x, norm));
    const auto taker = takesPieces(site, x.size(-1), shownNormRows);
    if (!taker) return see(site, applyNorm(x, norm));
    at::Tensor y = applyNorm(x, norm, shownTo(*taker));
    taker->finish();
    return y;
}

at::Tensor Pass::linear(const Linear& linear, const at::Tensor& x, const Then& then) const {
    if (arithmetic_) return arithmetic_->linearThen(linear, x, batch_, then);
    const PhaseTimer timer(Phase::gemm);
    return product(x, linear.weight, linear.bias, then);
}

at::Tensor Pass::linearOperand(Site site, const Linear& layer, const at::Tensor& x, Then then) {
    if (!somebodyLooksAt(site)) then.reader = &site;
    return operand(site, seenLinear(layer, x, then));
}

at::Tensor Pass::seenLinear(const Linear& layer, const at::Tensor& x, const Then& then) {
    if (arithmetic_ || !fitsProduct(x, layer.weight, layer.bias, then))
        return see(layer.output, linear(layer, x, then));
    const auto taker = takesPieces(layer.output, layer.weight.size(0));
    if (!taker) return see(layer.output, linear(layer, x, then));
    const ShownRows shown = shownTo(*taker);
    Then seen = then;
    seen.atEnd = &shown;
    at::Tensor y = linear(layer, x, seen);
    taker->finish();
    return y;
}

std::array<at::Tensor, 3> Pass::seenLinears(const std::array<const Linear*, 3>& layers, const at::Tensor& x) {
    std::array<at::Tensor, 3> seen;
    if (arithmetic_) {
        const auto made = arithmetic_->linears({layers.begin(), layers.end()}, x, batch_);
        for (std::size_t i = 0; i < seen.size(); ++i)
            seen[i] = see(layers[i]->output, made[i]);
        return seen;
    }
    std::array<std::unique_ptr<RowTaker>, 3> takers;
    std::array<ShownRows, 3> shown;
    std::vector<Factor> factors;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const Linear& layer = *layers[i];
        if (fitsProduct(x, layer.weight, layer.bias, {}))
            takers[i] = takesPieces(layer.output, layer.weight.size(0));
        factors.push_back({layer.weight, layer.bias});
        if (!takers[i]) continue;
        shown[i] = shownTo(*takers[i]);
        factors.back().then.atEnd = &shown[i];
    }
    const auto made = [&] {
        const PhaseTimer timer(Phase::gemm);
        return products(x, factors);
    }();
    for (std::size_t i = 0; i < seen.size(); ++i) {
        if (takers[i]) takers[i]->finish();
        seen[i] = takers[i] ? made[i] : see(layers[i]->output, made[i]);
    }
    return seen;
}

at::Tensor Pass::linearOnto(Site sum, const at::Tensor& stream, const Linear& layer, const at::Tensor& x) {
    const Site site = layer.output;
    const bool looked = (tap_ && tap_->wants(site)) || (arithmetic_ && arithmetic_->looksAt(site));
    Then then{nullptr, nullptr, &stream};
    if (arithmetic_ || !fitsProduct(x, layer.weight, layer.bias, then))
        return see(sum, looked ? stream + see(site, linear(layer, x)) : linear(layer, x, then));
    const auto taker = takesPieces(site, layer.weight.size(0));
    if (looked && !taker) return see(sum, stream + see(site, linear(layer, x)));
    const auto sumTaker = takesPieces(sum, layer.weight.size(0));
    const ShownRows shown = taker ? shownTo(*taker) : ShownRows(),
                    sumShown = sumTaker ? shownTo(*sumTaker) : ShownRows();
    if (taker) then.beforePlus = &shown;
    if (sumTaker) then.atEnd = &sumShown;
    at::Tensor y = linear(layer, x, then);
    if (taker) taker->finish();
    if (!sumTaker) return see(sum, y);
    sumTaker->finish();
    return y;
}

bool Pass::mayLeaveOutPadding(int layer, const std::vector<Place>& places) const {
    if (!padded() || !mask_.is_cpu() || !hasFloatKernels() || c10::GradMode::is_enabled()) return false;
    if (arithmetic_ && !arithmetic_->takesRowsAlone()) return false;
    const std::int64_t all = std::int64_t{batch_.sequences} * batch_.length;
    const std::int64_t valid = std::accumulate(batch_.lengths.begin(), batch_.lengths.end(), std::int64_t{0});
    if (batch_.sequences < 2 || valid > all - all / 16) return false;
    return std::none_of(places.begin(), places.end(), [&](Place place) {
        const Site site{layer, place};
        return (tap_ && tap_->wants(site)) || (arithmetic_ && arithmetic_->looksAt(site));
    });
}

at::Tensor Pass::withoutPadding(const at::Tensor& x) {
    if (!validRows_.defined()) {
        std::vector<std::int64_t> rows;
        for (int sequence = 0; sequence < batch_.sequences; ++sequence) {
            firstRows_.push_back(std::int64_t(rows.size()));
            for (int position = 0; position < batch_.lengths[std::size_t(sequence)]; ++position)
                rows.push_back(std::int64_t{sequence} * batch_.length + position);
        }
        validRows_ = at::tensor(rows, at::kLong);
    }
    return x.reshape({-1, x.size(-1)}).index_select(0, validRows_).unsqueeze(0); // [1, row, channel]
}

at::Tensor Pass::withPadding(const at::Tensor& rows) const {
    const std::int64_t channels = rows.size(-1);
    at::Tensor all = at::zeros({std::int64_t{batch_.sequences} * batch_.length, channels}, rows.options());
    all.index_copy_(0, validRows_, rows.view({-1, channels}));
    return all.view({batch_.sequences, batch_.length, channels}); // [sequence, position, channel]
}

bool Pass::needsProbabilities(int layer) const {
    const Site site{layer, Place::attn_probs};
    return (tap_ && tap_->wants(site)) || (arithmetic_ && arithmetic_->treats(site));
}

std::unique_ptr<ProbabilityTaker> Pass::takesProbabilities(int layer, int heads) const {
    const Site site{layer, Place::attn_probs};
    if (!tap_ || !tap_->wants(site) || (arithmetic_ && arithmetic_->treats(site))) return nullptr;
    return tap_->byRows(site, batch_, heads);
}

std::unique_ptr<RowTaker> Pass::takesPieces(Site site, std::int64_t channels, std::int64_t rowsAtOnce) const {
    if (!tap_ || arithmetic_ || !tap_->wants(site)) return nullptr;
    return tap_->byPieces(site, batch_, static_cast<int>(channels), rowsAtOnce);
}

void Pass::throwIfStopped() const {
    if (stop_.stop_requested()) throw Cancelled();
}

} // namespace kurtoscope
