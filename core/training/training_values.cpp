// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/training_values.h"

#include "core/training/adamw.h"
#include "core/training/fake_quantize.h"
#include "core/training/regularizer.h"
#include "core/training/trained_product.h"

namespace kurtoscope {
namespace {

at::Tensor table(const std::vector<double>& values, int rows, int channels) {
    return at::tensor(values, at::kDouble).view({rows, channels});
}

std::vector<double> plain(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().to(at::kDouble).contiguous().flatten();
    return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

std::unique_ptr<Penalty> made(const RecipePart& part) {
    const Regularizer& member = Registry<Regularizer>::instance().get(part.scheme, "regularizer");
    checkTold(member.info(), part, "regularizer");
    return member.make(Told(member.info(), part));
}

} // namespace

Differentiated penaltyOf(const RecipePart& regularizer, PenaltySide side, const std::vector<double>& values,
                         int rows, int channels) {
    const auto penalty = made(regularizer);
    at::Tensor x = table(values, rows, channels).requires_grad_(true);
    Linear linear;
    linear.weight = x;
    const at::Tensor value = side == PenaltySide::output  ? penalty->ofOutput(linear, x)
                             : side == PenaltySide::input ? penalty->ofInput({}, x)
                                                          : penalty->ofWeight(linear);
    if (!value.defined()) return {};
    value.backward();
    return {value.item<double>(), plain(x.grad()), true};
}

Differentiated reshapedSum(const RecipePart& regularizer, const std::vector<double>& values,
                           const std::vector<double>& weights, int rows, int channels, double done) {
    const auto penalty = made(regularizer);
    if (!penalty->reshapes()) return {};
    at::Tensor x = table(values, rows, channels).requires_grad_(true);
    const at::Tensor sum = (penalty->reshaped({}, x, done) * table(weights, rows, channels)).sum();
    sum.backward();
    return {sum.item<double>(), plain(x.grad()), true};
}

ClipGradients fakeQuantized(const std::vector<double>& values, const std::vector<double>& weights, int rows,
                            int channels, double low, double high, int bits, bool single, double pull) {
    const auto type = single ? at::kFloat : at::kDouble;
    at::Tensor x = table(values, rows, channels).to(type).unsqueeze(0).requires_grad_(true);
    at::Tensor clip = at::tensor({low, high}, at::kDouble).to(type).requires_grad_(true);
    const at::Tensor rounded = fakeQuantize(x, clip, bits, pull);
    (rounded * table(weights, rows, channels).to(type)).sum().backward();
    const std::vector<double> ends = plain(clip.grad());
    return {plain(rounded), plain(x.grad()), ends[0], ends[1]};
}

LinearGradients trainedLinear(const std::vector<double>& x, const std::vector<double>& w,
                              const std::vector<double>& bias, const std::vector<double>& weights, int rows,
                              int outputs) {
    const auto single = [](const std::vector<double>& values, int count) {
        return table(values, count, static_cast<int>(values.size()) / count).to(at::kFloat);
    };
    const at::Tensor input = single(x, rows).requires_grad_(true),
                     weight = single(w, outputs).requires_grad_(true);
    at::Tensor added;
    if (!bias.empty()) added = single(bias, 1).flatten().requires_grad_(true);
    const at::Tensor made = trainedProduct(input, weight, added);
    (made * single(weights, rows)).sum().backward();
    return {plain(made), plain(input.grad()), plain(weight.grad()),
            bias.empty() ? std::vector<double>() : plain(added.grad())};
}

std::vector<float> adamWSteps(const std::vector<float>& start,
                              const std::vector<std::vector<float>>& gradients,
                              const AdamWSettings& settings) {
    at::Tensor parameter = at::tensor(start).requires_grad_(true);
    AdamW optimizer({{{parameter}, 1, settings.decay}}, settings.beta1, settings.beta2, settings.epsilon);
    for (const auto& gradient : gradients) {
        parameter.mutable_grad() = at::tensor(gradient);
        optimizer.step(settings.rate);
    }
    const at::Tensor flat = parameter.detach().contiguous();
    return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

} // namespace kurtoscope
