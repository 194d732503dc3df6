// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/adamw.h"

#include <c10/core/GradMode.h>

namespace kurtoscope {

AdamW::AdamW(std::vector<ParameterGroup> groups, double beta1, double beta2, double epsilon)
    : groups_(std::move(groups)), beta1_(beta1), beta2_(beta2), epsilon_(epsilon) {
    for (const ParameterGroup& group : groups_) {
        first_.emplace_back(), second_.emplace_back();
        for (const at::Tensor& tensor : group.tensors) {
            first_.back().push_back(at::zeros_like(tensor.detach()));
            second_.back().push_back(at::zeros_like(tensor.detach()));
        }
    }
}

void AdamW::step(double learningRate) {
    const c10::NoGradGuard plain;
    ++steps_;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        std::vector<at::Tensor> parameters, gradients, first, second, steps;
        const ParameterGroup& group = groups_[g];
        const auto take = [&](double rate) {
            if (!parameters.empty())
                at::_fused_adamw_(parameters, gradients, first, second, {}, steps, learningRate * rate,
                                  beta1_, beta2_, group.decay, epsilon_, false, false);
            for (auto* list : {&parameters, &gradients, &first, &second, &steps})
                list->clear();
        };
        for (std::size_t i = 0; i < group.tensors.size(); ++i) {
            const at::Tensor& tensor = group.tensors[i];
            if (!tensor.grad().defined()) continue;
            parameters.push_back(tensor);
            gradients.push_back(tensor.grad());
            first.push_back(first_[g][i]);
            second.push_back(second_[g][i]);
            steps.push_back(at::full({}, double(steps_), tensor.options().dtype(at::kFloat)));
            if (group.bySpan) take(group.rate * (tensor[-1] - tensor[0]).item<double>());
        }
        take(group.rate);
    }
}

std::vector<at::Tensor> AdamW::gradients() const {
    std::vector<at::Tensor> all;
    for (const ParameterGroup& group : groups_)
        for (const at::Tensor& tensor : group.tensors)
            if (tensor.grad().defined()) all.push_back(tensor.grad());
    return all;
}

void AdamW::clearGradients() {
    for (ParameterGroup& group : groups_)
        for (at::Tensor& tensor : group.tensors)
            tensor.mutable_grad() = at::Tensor();
}

double AdamW::clipGradients(double limit) {
    const c10::NoGradGuard plain;
    const std::vector<at::Tensor> all = gradients();
    if (all.empty()) return 0;
    const double norm = at::stack(at::_foreach_norm(all)).norm().item<double>();
    if (limit > 0 && std::isfinite(norm) && norm > limit) scaleGradients(limit / (norm + 1e-6));
    return norm;
}

void AdamW::scaleGradients(double factor) {
    const c10::NoGradGuard plain;
    std::vector<at::Tensor> all = gradients();
    if (!all.empty()) at::_foreach_mul_(all, factor);
}

std::vector<at::Tensor> AdamW::state() const {
    std::vector<at::Tensor> all;
    for (std::size_t g = 0; g < groups_.size(); ++g)
        for (std::size_t i = 0; i < first_[g].size(); ++i)
            all.push_back(first_[g][i]), all.push_back(second_[g][i]);
    return all;
}

void AdamW::restore(const std::vector<at::Tensor>& state, std::int64_t steps) {
    const c10::NoGradGuard plain;
    std::size_t next = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g)
        for (std::size_t i = 0; i < first_[g].size(); ++i)
            first_[g][i].copy_(state.at(next++)), second_[g][i].copy_(state.at(next++));
    steps_ = steps;
}

} // namespace kurtoscope
