// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/training_arithmetic.h"

#include "core/engine/blocks.h"
#include "core/quantization/calibration_set.h"
#include "core/quantization/ranges.h"
#include "core/quantization/round_weight.h"
#include "core/training/fake_quantize.h"
#include "core/training/tensor_moments.h"
#include "core/training/trained_product.h"

#include <c10/core/GradMode.h>

#include <ATen/CPUGeneratorImpl.h>

namespace kurtoscope {
namespace {

at::Tensor rowsOf(const at::Tensor& x, const Batch& batch) {
    bool padded = false;
    for (int length : batch.lengths)
        padded |= length < batch.length;
    return padded ? validRows(x, batch) : x.reshape({-1, x.size(-1)});
}

bool writesStream(Place place) {
    return place == Place::embedding || place == Place::attn_output || place == Place::mlp_output;
}

} // namespace

TrainingArithmetic::TrainingArithmetic(const Transformer& model, const TrainingSpec& spec)
    : model_(model),
      inputBits_(spec.inputBits),
      weightBits_(spec.weightBits),
      narrow_(spec.precision == "bf16"),
      clipPull_(spec.clipPull / spec.accumulation),
      dropout_(spec.dropout) {
    for (const RecipePart& part : spec.regularizers) {
        const Regularizer& member = Registry<Regularizer>::instance().get(part.scheme, "regularizer");
        checkTold(member.info(), part, "regularizer");
        const Told told(member.info(), part);
        members_.push_back({part, &member.info(), member.make(told)});
        // A penalty that weighs nothing is not computed.
        const bool idle = !members_.back().penalty->reshapes() && told.real("lambda") == 0;
        if (idle) members_.pop_back();
    }
    for (const auto& linear : model.linears()) {
        if (linear->head) continue;
        inputs_.insert(linear->input);
        if (inputBits_ > 0 && !clips_.contains(linear->input))
            clips_.emplace(linear->input,
                           at::tensor({-1.0F, 1.0F}).to(linear->weight.device()).requires_grad_(true));
    }
}

void TrainingArithmetic::startClips(CalibrationSet& batches) {
    if (clips_.empty()) return;
    const c10::NoGradGuard plain;
    const Workpiece piece(model_);
    CalibrationRequest request;
    request.histograms = true;
    const auto seen = batches.statistics(piece, "", request);
    ActivationRule rule;
    rule.bits = inputBits_, rule.symmetric = false, rule.range = RangeMethod::mse;
    for (auto& [site, clip] : clips_) {
        const CalibratedSite* at = seen->operand(model_, site);
        if (!at) throw Error("nothing reached " + site.name(), "", "Give more text");
        const Extent extent = staticExtent(rule, *at, {});
        clip[0] = extent.min, clip[1] = extent.max;
    }
    keepClipsOpen();
}

void TrainingArithmetic::keepClipsOpen() {
    const c10::NoGradGuard plain;
    constexpr double narrowest = 1e-4;
    for (auto& [site, clip] : clips_) {
        clip[0].clamp_max_(0);
        clip[1].clamp_min_(0);
        if ((clip[1] - clip[0]).item<double>() < narrowest) clip[1] = clip[0] + narrowest;
    }
}

void TrainingArithmetic::begin(double done, bool training, bool watching, std::uint64_t seed) {
    done_ = done, training_ = training, watching_ = watching, seed_ = seed;
    penalty_ = at::Tensor();
    clipped_.clear(), penalties_.clear(), seen_.clear();
    drops_ = 0;
    for (Member& member : members_)
        member.lambda =
            member.penalty->reshapes() ? 0 : Regularizer::lambdaAt(Told(*member.info, member.part), done);
}

std::vector<TrainingSiteFigures> TrainingArithmetic::figures() const {
    std::map<Site, TrainingSiteFigures> all;
    for (const auto& [site, clip] : clips_) {
        if (!rounding_) break;
        all[site].clipLow = clip[0].item<double>();
        all[site].clipHigh = clip[1].item<double>();
        if (const auto found = clipped_.find(site); found != clipped_.end() && found->second.second > 0)
            all[site].clippedShare = found->second.first / found->second.second;
    }
    for (const auto& [site, penalty] : penalties_)
        all[site].penalty = penalty;
    for (const auto& [site, seen] : seen_)
        all[site].kurtosis = seen.first, all[site].maxToMedian = seen.second;
    std::vector<TrainingSiteFigures> list;
    for (auto& [site, figures] : all) {
        figures.site = site;
        list.push_back(figures);
    }
    return list;
}

void TrainingArithmetic::add(const Member& member, Site site, const at::Tensor& penalty) const {
    if (!penalty.defined()) return;
    if (watching_) penalties_[site] += penalty.detach().item<double>();
    const at::Tensor weighted = penalty * member.lambda;
    penalty_ = penalty_.defined() ? penalty_ + weighted : weighted;
}

void TrainingArithmetic::look(Site site, const at::Tensor& rows) const {
    const c10::NoGradGuard plain;
    seen_[site] = {momentsOf(rows).kurtosis(), maxToMedianOf(rows.abs().mean(0))};
}

at::Tensor TrainingArithmetic::value(Site site, const at::Tensor& x, const Batch&) const {
    if (!training_ || dropout_ == 0 || !writesStream(site.place)) return x;
    // Drawn from a seed of its own for each step and place, so that a resumed run draws the same.
    at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed_ * 1000003 + drops_++);
    at::Tensor keep = at::empty(x.sizes(), x.options().device(at::kCPU).requires_grad(false));
    keep.bernoulli_(1 - dropout_, generator).div_(1 - dropout_);
    return x * keep.to(x.device());
}

at::Tensor TrainingArithmetic::operand(Site site, const at::Tensor& x, const Batch& batch) const {
    at::Tensor y = x;
    if (watching_ && inputs_.contains(site)) look(site, rowsOf(x, batch));
    if (training_)
        for (const Member& member : members_) {
            if (member.penalty->reshapes()) y = member.penalty->reshaped(site, y, done_);
            if (member.lambda > 0) add(member, site, member.penalty->ofInput(site, rowsOf(y, batch)));
        }
    const auto clip = clips_.find(site);
    if (!rounding_ || clip == clips_.end()) return y;
    const at::Tensor rounded = fakeQuantize(y, clip->second, inputBits_, clipPull_);
    if (watching_) {
        const at::Tensor ends = clip->second.detach();
        const double step = (ends[1] - ends[0]).item<double>() / ((1 << inputBits_) - 1);
        // Rounding alone moves a value by up to half a step, and the end by as much.
        const at::Tensor moved = (y.detach() - rounded.detach()).abs();
        auto& [count, of] = clipped_[site];
        count += moved.gt(0.501 * step).sum().item<double>(), of += double(moved.numel());
    }
    return rounded;
}

// Attention multiplies what it is given: in bf16 too, its softmax and sums in float32. On a processor short
// heads over short windows would lose more by the casts than they gain.
at::Tensor TrainingArithmetic::cached(Site, const at::Tensor& x, const Batch& batch) const {
    constexpr int worthIt = 32'768; // positions × channels of a head, as measured
    const ModelInfo& model = model_.info();
    const bool gains = !x.is_cpu() || batch.length * (model.hidden / model.heads) >= worthIt;
    return narrow_ && training_ && gains ? x.to(at::kBFloat16) : x;
}

at::Tensor TrainingArithmetic::linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const {
    at::Tensor weight = linear.weight;
    if (weightBits_ > 0 && !linear.head) {
        WeightRule rule;
        rule.bits = weightBits_;
        const at::Tensor rounded = roundWeight(weight.detach(), rule, {});
        weight = training_ ? straightThrough(weight, rounded) : rounded;
    }
    // What validation sees is what inference will make of the model, to the bit.
    if (!training_) return at::linear(x, weight, linear.bias);
    const at::Tensor y = trainedProduct(x, weight, linear.bias, narrow_ && !linear.head);
    if (linear.head) return y;
    for (const Member& member : members_) {
        if (member.lambda <= 0) continue;
        add(member, linear.input, member.penalty->ofOutput(linear, rowsOf(y, batch)));
        add(member, linear.input, member.penalty->ofWeight(linear));
    }
    return y;
}

} // namespace kurtoscope
