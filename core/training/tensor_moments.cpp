// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/tensor_moments.h"

#include "core/statistics/site_figures.h"

namespace kurtoscope {

Moments momentsOf(const at::Tensor& x) {
    const at::Tensor values = x.detach().to(at::kCPU, at::kDouble).flatten();
    Moments m;
    m.count = double(values.numel());
    m.mean = values.mean().item<double>();
    const at::Tensor d = values - m.mean, square = d.square();
    m.m2 = square.sum().item<double>();
    m.m3 = (square * d).sum().item<double>();
    m.m4 = square.square().sum().item<double>();
    return m;
}

double maxToMedianOf(const at::Tensor& magnitude) {
    const at::Tensor plain = magnitude.detach().to(at::kCPU, at::kFloat).contiguous();
    const double middle = median({plain.const_data_ptr<float>(), static_cast<std::size_t>(plain.numel())});
    return middle > 0 ? plain.max().item<double>() / middle : 0;
}

} // namespace kurtoscope
