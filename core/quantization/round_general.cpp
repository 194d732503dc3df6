// SPDX-License-Identifier: GPL-3.0-or-later
// Rounding with several ranges in one tensor, in plain tensor operators.
#include "core/quantization/calibration_set.h"
#include "core/quantization/number_format.h"
#include "core/quantization/ranges.h"
#include "core/quantization/round_activation.h"

#include "core/base/error.h"
#include "core/model/stored_quantization.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace kurtoscope {
namespace {

// Scale and zero point that turn values into integers; they broadcast against the values.
struct Scales {
    at::Tensor scale, zero;
    double low, high;
    bool reciprocal = false;
};

Scales over(at::Tensor minimum, at::Tensor maximum, const ActivationRule& rule) {
    minimum = minimum.clamp_max(0), maximum = maximum.clamp_min(0);
    const bool full = rule.symmetric && rule.fullRange;
    Scales scales;
    scales.high = double((1 << (rule.bits - 1)) - 1);
    scales.low = rule.symmetric && !full ? -scales.high : -scales.high - 1;
    scales.scale = rule.symmetric
                       ? at::maximum(minimum.abs(), maximum) / (full ? scales.high + 0.5 : scales.high)
                       : (maximum - minimum) / (scales.high - scales.low);
    scales.scale = at::where(scales.scale > 0, scales.scale, at::ones({}, scales.scale.options()));
    scales.reciprocal = rule.reciprocal;
    // torchao's bound; below, a reciprocal may be infinite.
    if (rule.reciprocal) scales.scale.clamp_min_(std::numeric_limits<float>::epsilon());
    if (rule.symmetric)
        scales.zero = at::zeros_like(scales.scale);
    else if (rule.reciprocal)
        scales.zero = scales.low - (minimum / scales.scale).round();
    else
        scales.zero = (scales.low - minimum / scales.scale).round();
    return scales;
}

at::Tensor levelsOf(const at::Tensor& x, const Scales& s) {
    const at::Tensor q = s.reciprocal ? (x * (1.0 / s.scale)).round() + s.zero : x / s.scale + s.zero;
    return q.clamp(s.low, s.high).round();
}

at::Tensor put(const at::Tensor& x, const Scales& s) {
    return (levelsOf(x, s) - s.zero) * s.scale;
}

// Rows of padding as zeros, which belong to every range: they have no say.
at::Tensor withoutPadding(const at::Tensor& x, const std::vector<int>& lengths) {
    if (x.dim() < 3) return x;
    const auto valid =
        at::from_blob(const_cast<int*>(lengths.data()), {x.size(0), 1}, at::kInt).to(x.device());
    at::Tensor padding =
        at::arange(x.size(-2), valid.options()).ge(valid).unsqueeze(-1); // [sequence, position, 1]
    if (x.dim() == 4) padding = padding.unsqueeze(1);
    return x.masked_fill(padding, 0);
}

// Each sequence's extremes per channel, shaped to broadcast: [sequence, 1, …, channel].
std::pair<at::Tensor, at::Tensor> channelExtremes(const at::Tensor& x, const std::vector<int>& lengths) {
    const at::Tensor counted = withoutPadding(x, lengths);
    std::vector<std::int64_t> middle;
    for (std::int64_t d = 1; d + 1 < x.dim(); ++d)
        middle.push_back(d);
    if (middle.empty()) return {counted, counted};
    return {counted.amin(middle, true), counted.amax(middle, true)};
}

at::Tensor roundGroups(const at::Tensor& x, const at::Tensor& inliers, const ActivationRule& rule) {
    const std::int64_t channels = x.size(-1), group = rule.group,
                       padding = (group - channels % group) % group;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = -1;
    shape.push_back(group);
    const auto split = [&](const at::Tensor& t) {
        return at::constant_pad_nd(t, {0, padding}).view(shape); // [.., group, channel]
    };
    const at::Tensor ranged = split(inliers);
    const at::Tensor rounded = put(split(x), over(ranged.amin(-1, true), ranged.amax(-1, true), rule));
    return rounded.flatten(-2).narrow(-1, 0, channels);
}

// Each channel over runs of tokens.
at::Tensor roundRuns(const at::Tensor& x, const at::Tensor& inliers, const ActivationRule& rule,
                     const std::vector<int>& lengths) {
    const std::int64_t positions = x.size(-2), run = rule.tokenRun, padding = (run - positions % run) % run;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape[shape.size() - 2] = -1;
    shape.insert(shape.end() - 1, run);
    const auto split = [&](const at::Tensor& t) {
        return at::constant_pad_nd(t, {0, 0, 0, padding}).view(shape); // [.., run, position, channel]
    };
    const at::Tensor ranged = split(withoutPadding(inliers, lengths));
    const at::Tensor rounded = put(split(x), over(ranged.amin(-2, true), ranged.amax(-2, true), rule));
    return rounded.flatten(-3, -2).narrow(-2, 0, positions);
}

// Dynamic ranges of each embedding group: the extremes over its channels, given to each of them.
at::Tensor spreadOver(const at::Tensor& perChannel, const std::vector<std::int32_t>& groups, bool maximum) {
    const at::Tensor index =
        at::from_blob(const_cast<std::int32_t*>(groups.data()), {std::int64_t(groups.size())}, at::kInt)
            .to(perChannel.device(), at::kLong);
    const std::int64_t count = 1 + *std::max_element(groups.begin(), groups.end());
    std::vector<at::Tensor> extremes;
    for (std::int64_t group = 0; group < count; ++group) {
        const at::Tensor member = perChannel.index_select(-1, index.eq(group).nonzero().flatten());
        extremes.push_back(maximum ? member.amax(-1) : member.amin(-1));
    }
    return at::stack(extremes, -1).index_select(-1, index);
}

// Formats with an exponent of their own: as they are, or scaled so that the largest inlier is the format's
// largest.
at::Tensor roundFormat(const at::Tensor& x, const at::Tensor& inliers, const SiteRounding& rounding,
                       const std::vector<int>& lengths) {
    const ActivationRule& rule = rounding.rule;
    const NumberFormat& format = numberFormat(rule.format);
    if (!format.isScaled()) return castTo(x, format);
    at::Tensor absmax; // broadcasts against x
    if (!rule.dynamic) {
        absmax = at::full({}, rounding.absmax, x.options());
    } else if (rule.perToken()) {
        absmax = inliers.abs().amax(-1, true);
    } else if (format.block == 0 || format.format == Format::nvfp4) {
        absmax = withoutPadding(inliers, lengths).abs().flatten(1).amax(1);
        std::vector<std::int64_t> one(static_cast<std::size_t>(x.dim()), 1);
        one[0] = x.size(0);
        absmax = absmax.view(one);
    }
    return format.block > 0 ? castBlocks(x, inliers, absmax, format) : castScaled(x, absmax, format);
}

at::Tensor asTensor(const std::vector<float>& values, const at::Tensor& like) {
    return at::from_blob(const_cast<float*>(values.data()), {std::int64_t(values.size())}, at::kFloat)
        .to(like.device());
}

// Sorted by range and cut into K groups of equal size; without permutation neighbours go together.
std::vector<std::int32_t> embeddingGroups(const ActivationRule& rule, int channels, const SiteStats* stats,
                                          const std::set<int>& kept) {
    std::vector<int> order;
    for (int channel = 0; channel < channels; ++channel)
        if (!kept.contains(channel)) order.push_back(channel);
    if (rule.permute && stats)
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
            const auto range = [&](int c) {
                return std::max(stats->max[std::size_t(c)], 0.0F) -
                       std::min(stats->min[std::size_t(c)], 0.0F);
            };
            return range(a) < range(b);
        });
    std::vector<std::int32_t> groups(static_cast<std::size_t>(channels), 0);
    const std::size_t count = std::min<std::size_t>(std::size_t(rule.embeddingGroups), order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        groups[std::size_t(order[i])] = static_cast<std::int32_t>(i * count / order.size());
    return groups;
}

} // namespace

std::vector<std::int32_t> inlierMask(std::int64_t channels, const std::set<int>& kept) {
    if (kept.empty()) return {};
    std::vector<std::int32_t> mask(static_cast<std::size_t>(channels), -1);
    for (int channel : kept)
        mask.at(static_cast<std::size_t>(channel)) = 0;
    return mask;
}

SiteRounding roundingFor(const ActivationRule& rule, Site site, int channels, const CalibratedSite* seen,
                         const std::set<int>& kept) {
    SiteRounding made;
    made.rule = rule;
    made.inlier = inlierMask(channels, kept);
    if (!seen && !rule.dynamic)
        throw Error("no calibration statistics for " + site.name(), "",
                    "Calibrate on text that the model can read");
    const bool fixedWidth = channels > 0; // attn_probs are as wide as the text is long
    if (rule.embeddingGroups > 0 && fixedWidth)
        made.groups = embeddingGroups(rule, channels, seen ? &seen->stats : nullptr, kept);
    if (rule.dynamic) return made;
    if (rule.format != Format::integer) {
        const Extent extent = staticExtent(rule, *seen, kept);
        made.absmax = std::max(-extent.min, extent.max);
        return made;
    }
    const bool several = rule.embeddingGroups > 0 || rule.granularity == Granularity::per_channel ||
                         rule.granularity == Granularity::per_group;
    const Extent whole = staticExtent(rule, *seen, kept);
    made.grid = Grid::over(whole.min, whole.max, rule.bits, rule.symmetric, rule.fullRange);
    if (!several || !fixedWidth) {
        made.rule.granularity = Granularity::per_tensor;
        made.rule.embeddingGroups = 0;
        return made;
    }
    std::vector<std::int32_t> groups = made.groups;
    if (groups.empty()) {
        groups.resize(static_cast<std::size_t>(channels));
        for (int c = 0; c < channels; ++c)
            groups[std::size_t(c)] = rule.granularity == Granularity::per_channel ? c : c / rule.group;
    }
    std::vector<Extent> extents(std::size_t(1 + *std::max_element(groups.begin(), groups.end())));
    for (int c = 0; c < channels; ++c) {
        if (kept.contains(c)) continue;
        Extent& extent = extents[std::size_t(groups[std::size_t(c)])];
        extent = {std::min(extent.min, seen->stats.min[std::size_t(c)]),
                  std::max(extent.max, seen->stats.max[std::size_t(c)])};
    }
    for (int c = 0; c < channels; ++c) {
        const Extent& extent = extents[std::size_t(groups[std::size_t(c)])];
        const Grid grid = Grid::over(extent.min, extent.max, rule.bits, rule.symmetric, rule.fullRange);
        made.grid.low = grid.low, made.grid.high = grid.high;
        made.scales.push_back(grid.scale);
        made.zeros.push_back(grid.zero);
    }
    return made;
}

SiteRounding roundingOf(const StoredActivation& stored, int channels) {
    using Sharing = StoredActivation::Sharing;
    SiteRounding made;
    ActivationRule& rule = made.rule;
    rule.bits = stored.bits, rule.group = stored.group;
    rule.symmetric = stored.symmetric, rule.dynamic = stored.dynamic, rule.fullRange = true;
    rule.granularity = stored.sharing == Sharing::token   ? Granularity::per_token
                       : stored.sharing == Sharing::group ? Granularity::per_group
                                                          : Granularity::per_tensor;
    if (stored.numbers == StoredActivation::Numbers::integer) {
        const auto half = static_cast<float>(1 << (stored.bits - 1));
        made.grid.scale = stored.scale;
        made.grid.low = -half;
        made.grid.high = half - 1;
        made.grid.zero = stored.symmetric ? 0 : stored.zero;
    } else {
        rule.format = stored.numbers == StoredActivation::Numbers::e4m3 ? Format::e4m3 : Format::nvfp4;
        // A scale turns the range's end into the format's largest.
        made.absmax = stored.scale * numberFormat(rule.format).largest *
                      (rule.format == Format::nvfp4 ? numberFormat(Format::e4m3).largest : 1);
    }
    std::set<int> kept;
    for (const int channel : stored.kept)
        if (channel < channels) kept.insert(channel);
    made.inlier = inlierMask(channels, kept);
    return made;
}

double activationBits(const SiteRounding& rounding, int channels, std::size_t kept) {
    const ActivationRule& rule = rounding.rule;
    const int inliers = channels - int(kept);
    if (rule.format != Format::integer) {
        const NumberFormat& format = numberFormat(rule.format);
        const int blocks = format.block > 0 ? (channels + format.block - 1) / format.block : 0;
        const bool ofRow = format.isScaled() && rule.dynamic && rule.perToken();
        return double(format.bits * inliers) + 32.0 * double(kept) + 8.0 * blocks + (ofRow ? 16 : 0);
    }
    double scales = 0; // of a row; what a whole tensor shares costs a row nothing
    if (rule.dynamic && rule.perToken()) scales = 1;
    if (rule.dynamic && rule.granularity == Granularity::per_group)
        scales = double((channels + rule.group - 1) / rule.group);
    return rule.bits * double(inliers) + 32.0 * double(kept) +
           scales * (16 + (rule.symmetric ? 0 : rule.bits));
}

RowLevels rowLevels(const at::Tensor& x, const ActivationRule& rule) {
    const at::Tensor finite = at::nan_to_num(x, 0, 0, 0);
    const Scales scales = over(finite.amin(-1, true), finite.amax(-1, true), rule);
    return {levelsOf(x, scales), scales.scale};
}

at::Tensor channelsOver(const at::Tensor& x, double threshold, const std::vector<int>& lengths) {
    const auto [minimum, maximum] = channelExtremes(x, lengths);
    return at::maximum(minimum.abs(), maximum).ge(threshold);
}

at::Tensor roundGeneral(const at::Tensor& x, const SiteRounding& rounding, const std::vector<int>& lengths) {
    const ActivationRule& rule = rounding.rule;
    if (x.numel() == 0) return x;
    at::Tensor mask, ranged; // true where rounded, and where ranges are taken from
    if (!rounding.inlier.empty())
        mask = at::from_blob(const_cast<std::int32_t*>(rounding.inlier.data()), {x.size(-1)}, at::kInt)
                   .to(x.device())
                   .ne(0);
    ranged = mask;
    if (rule.threshold > 0) {
        const auto besides = [&](const at::Tensor& inside) {
            return mask.defined() ? at::logical_and(mask, inside) : inside;
        };
        const at::Tensor inside = channelsOver(x, rule.threshold, lengths).logical_not();
        ranged = besides(rule.outliersMeetRounded ? x.abs().lt(rule.threshold) : inside);
        mask = besides(inside);
    }
    // What ranges and scales are taken from: finite values of channels that are not kept.
    at::Tensor inliers = at::nan_to_num(x, 0, 0, 0);
    if (ranged.defined()) inliers = inliers.masked_fill_(ranged.logical_not(), 0);
    at::Tensor rounded;
    if (rule.format != Format::integer) {
        rounded = roundFormat(x, inliers, rounding, lengths);
    } else if (!rounding.scales.empty()) {
        rounded = put(x, {asTensor(rounding.scales, x), asTensor(rounding.zeros, x), rounding.grid.low,
                          rounding.grid.high, rule.reciprocal});
    } else if (!rule.dynamic) {
        rounded = put(x, {at::full({}, rounding.grid.scale, x.options()),
                          at::full({}, rounding.grid.zero, x.options()), rounding.grid.low,
                          rounding.grid.high, rule.reciprocal});
    } else if (!rounding.groups.empty()) {
        const auto [minimum, maximum] = channelExtremes(inliers, lengths);
        rounded = put(x, over(spreadOver(minimum, rounding.groups, false),
                              spreadOver(maximum, rounding.groups, true), rule));
    } else if (rule.perToken()) {
        rounded = put(x, over(inliers.amin(-1, true), inliers.amax(-1, true), rule));
    } else if (rule.granularity == Granularity::per_group) {
        rounded = roundGroups(x, inliers, rule);
    } else if (rule.tokenRun > 0) {
        rounded = roundRuns(x, inliers, rule, lengths);
    } else {
        auto [minimum, maximum] = channelExtremes(inliers, lengths);
        if (rule.granularity == Granularity::per_tensor) {
            std::vector<std::int64_t> one(static_cast<std::size_t>(x.dim()), 1);
            one[0] = x.size(0);
            minimum = minimum.flatten(1).amin(1).view(one), maximum = maximum.flatten(1).amax(1).view(one);
        }
        rounded = put(x, over(minimum, maximum, rule));
    }
    return mask.defined() ? at::where(mask, rounded, x) : rounded;
}

} // namespace kurtoscope
