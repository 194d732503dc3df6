// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/round_weight.h"

#include "core/quantization/round_activation.h"

namespace kurtoscope {

at::Tensor roundWeight(const at::Tensor& weight, const WeightRule& rule, const std::set<int>& kept) {
    // A weight's row is a "token" of its output channel.
    SiteRounding rounding;
    rounding.rule.format = rule.format;
    rounding.rule.bits = rule.bits;
    rounding.rule.symmetric = rule.symmetric;
    rounding.rule.dynamic = true;
    rounding.rule.group = rule.group;
    rounding.rule.granularity =
        rule.granularity == Granularity::per_channel ? Granularity::per_token : rule.granularity;
    rounding.inlier = inlierMask(weight.size(1), kept);
    return roundActivation(weight.contiguous().unsqueeze(0), rounding, {static_cast<int>(weight.size(0))})
        .squeeze(0);
}

double weightBytes(const WeightRule& rule, std::int64_t outputs, std::int64_t inputs, std::size_t kept) {
    const double count = double(outputs) * double(inputs);
    double scales = 1;
    if (rule.granularity == Granularity::per_channel) scales = double(outputs);
    if (rule.granularity == Granularity::per_group)
        scales = double(outputs) * double((inputs + rule.group - 1) / rule.group);
    // A zero point is stored in as many bits as a weight.
    const double zeros = rule.symmetric ? 0 : scales * rule.bits / 8.0;
    return count * rule.bits / 8.0 + 4.0 * scales + zeros + 4.0 * double(outputs) * double(kept);
}

} // namespace kurtoscope
