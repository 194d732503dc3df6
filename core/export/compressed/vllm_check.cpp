// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/compressed/vllm_check.h"

#include <algorithm>
#include <limits>

namespace kurtoscope {
namespace {

bool isIntegerProduct(const CompressedLinear& one) {
    if (!one.rounded || !one.input || !one.kept.empty()) return false;
    const ActivationRule& rule = one.input->rule;
    return one.weightRule.format == Format::integer && one.weightRule.bits == 8 && one.weightRule.symmetric &&
           one.weightRule.granularity != Granularity::per_group && rule.format == Format::integer &&
           rule.bits == 8 &&
           (rule.perToken() || (rule.granularity == Granularity::per_tensor && !rule.dynamic));
}

bool isPackedWeight(const CompressedLinear& one) {
    return one.rounded && !one.input && one.kept.empty() && one.format == "pack-quantized" &&
           one.weightRule.bits == 4;
}

} // namespace

bool roundsAtRunTime(const CompressedLinear& one, bool fullRange) {
    return one.input && one.input->rule.format == Format::integer && one.input->rule.symmetric &&
           one.input->rule.dynamic && one.input->rule.fullRange == fullRange;
}

std::optional<ExportCheck> vllmCheck(const ExportSubject& subject,
                                     const std::vector<CompressedLinear>& linears,
                                     const std::vector<ExportLimit>& limits) {
    if (!subject.base.info().causal || linears.empty()) return std::nullopt;
    constexpr double told = std::numeric_limits<double>::infinity();
    if (std::ranges::all_of(linears, isPackedWeight))
        return ExportCheck{"vllm", told}; // it runs in bfloat16, residual stream and all
    if (!std::ranges::all_of(linears, isIntegerProduct)) return std::nullopt;
    // By symmetric scales its kernels multiply by the reciprocal, where others divide: no limit to it, but
    // the rule of a recipe that it runs exactly. By others they divide too.
    const bool same =
        std::ranges::all_of(linears,
                            [](const CompressedLinear& one) {
                                const ActivationRule& rule = one.input->rule;
                                return rule.symmetric ? !rule.dynamic && rule.reciprocal && rule.fullRange
                                                      : !rule.reciprocal;
                            }) &&
        std::ranges::all_of(limits, [](const ExportLimit& limit) { return limit.what == reciprocalInputs; });
    return ExportCheck{"vllm", same ? 1e-5 : told};
}

} // namespace kurtoscope
