// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/regularizer.h"

namespace kurtoscope {

template <>
Registry<Regularizer>& Registry<Regularizer>::instance() {
    static Registry<Regularizer> registry;
    return registry;
}

at::Tensor Penalty::ofOutput(const Linear&, const at::Tensor&) const {
    return {};
}
at::Tensor Penalty::ofInput(Site, const at::Tensor&) const {
    return {};
}
at::Tensor Penalty::ofWeight(const Linear&) const {
    return {};
}
at::Tensor Penalty::reshaped(Site, const at::Tensor& x, double) const {
    return x;
}

std::vector<ParameterInfo> Regularizer::weighted(const std::string& lambda, std::vector<ParameterInfo> more) {
    std::vector<ParameterInfo> all{
        realOf("lambda", "λ", "what the penalty is multiplied by before it is added to the loss", lambda, 0,
               1e9),
        realOf("start", "Start", "share of the steps after which the penalty begins", "0", 0, 1),
        realOf("ramp", "Ramp", "share of the steps over which λ rises from 0", "0", 0, 1)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

double Regularizer::lambdaAt(const Told& told, double done) {
    const double lambda = told.real("lambda"), start = told.real("start"), ramp = told.real("ramp");
    if (done < start) return 0;
    return ramp > 0 ? lambda * std::min(1.0, (done - start) / ramp) : lambda;
}

} // namespace kurtoscope
