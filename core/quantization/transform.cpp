// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transform.h"

#include "core/engine/weight_memory.h"

#include <algorithm>

namespace kurtoscope {

at::Tensor applySteps(const std::vector<OnlineStep>& steps, const at::Tensor& x) {
    at::Tensor y = x;
    for (const OnlineStep& step : steps)
        y = step.rotation.defined() ? at::matmul(y, step.rotation) : y / step.divisor;
    return y;
}

Transformer& Workpiece::own() {
    if (!own_) own_ = base_.clone();
    return *own_;
}

const std::vector<OnlineStep>& Workpiece::online(Site input) const {
    static const std::vector<OnlineStep> none;
    const auto found = online_.find(input);
    return found == online_.end() ? none : found->second;
}

std::vector<std::shared_ptr<Linear>> Workpiece::readers(Site input) const {
    std::vector<std::shared_ptr<Linear>> all;
    for (const auto& linear : model().linears())
        if (!linear->head && linear->input == input) all.push_back(linear);
    return all;
}

std::vector<Site> Workpiece::inputs() const {
    std::vector<Site> sites;
    for (const auto& linear : model().linears())
        if (!linear->head && std::find(sites.begin(), sites.end(), linear->input) == sites.end())
            sites.push_back(linear->input);
    return sites;
}

bool Workpiece::divideInput(Site input, const at::Tensor& divisor) {
    // What already turns the input at run time comes after what is folded into its maker.
    const bool folded = online(input).empty() && own().foldDivisor(input, divisor);
    own();
    for (const auto& linear : readers(input))
        linear->weight = WeightMemory::keep(linear->weight * divisor);
    if (!folded) online_[input].push_back({divisor, {}, 4.0 * double(divisor.numel())});
    return folded;
}

at::Tensor Workpiece::foldable(Site input, const at::Tensor& perChannel) const {
    const ModelInfo& info = model().info();
    if (input.place != Place::attn_context || info.keyValueHeads <= 0 || !online(input).empty())
        return perChannel;
    const at::Tensor heads = perChannel.view({info.keyValueHeads, info.heads / info.keyValueHeads, -1});
    return heads.amax(1, true).expand_as(heads).reshape(-1);
}

void Workpiece::rotateInput(Site input, const at::Tensor& rotation, double bytes) {
    own();
    // In double, as rounding would otherwise be a change of the model.
    const at::Tensor turn = rotation.to(at::kDouble);
    for (const auto& linear : readers(input))
        linear->weight = WeightMemory::keep(at::matmul(linear->weight.to(at::kDouble), turn).to(at::kFloat));
    online_[input].push_back({{}, rotation, bytes});
}

bool Workpiece::rotateStream(const at::Tensor& rotation, double bytes) {
    for (const auto& [input, steps] : online_)
        if (input.place == Place::attn_input || input.place == Place::mlp_input) return false;
    if (!own().rotateStream(rotation)) return false;
    streamBytes_ += bytes;
    return true;
}

} // namespace kurtoscope
