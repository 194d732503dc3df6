// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/round_weight.h"

#include "core/base/parallel.h"
#include "core/quantization/number_format.h"
#include "core/quantization/round_activation.h"

#include <atomic>
#include <cmath>

namespace kurtoscope {

namespace {

constexpr std::int64_t rowsPerPiece = 16;

// Weights that share one scale as rows [1, row, input], short ones filled up with zeros.
at::Tensor asRows(const at::Tensor& weight, const WeightRule& rule) {
    if (rule.granularity == Granularity::per_tensor) return weight.reshape({1, 1, -1});
    if (rule.granularity == Granularity::per_channel) return weight.unsqueeze(0);
    const std::int64_t padding = (rule.group - weight.size(1) % rule.group) % rule.group;
    return at::constant_pad_nd(weight, {0, padding}).reshape({1, -1, rule.group});
}

at::Tensor fromRows(const at::Tensor& rows, const at::Tensor& like) {
    return rows.reshape({like.size(0), -1}).narrow(1, 0, like.size(1));
}

// Each range shrunk in steps of 2 % while the squared error of its weights falls below the best so far.
at::Tensor roundBySearch(const at::Tensor& weight, const WeightRule& rule, const std::set<int>& kept) {
    at::Tensor inliers = weight;
    if (!kept.empty()) {
        inliers = weight.clone();
        for (int column : kept)
            inliers.select(1, column).zero_();
    }
    const at::Tensor rows = asRows(inliers, rule);
    at::Tensor low = rows.amin(-1, true).clamp_max_(0), high = rows.amax(-1, true).clamp_min_(0);
    if (rule.symmetric) {
        high = at::maximum(high, -low);
        low = -high;
    }
    SiteRounding rounding;
    rounding.rule.bits = rule.bits;
    rounding.rule.symmetric = rule.symmetric;
    rounding.rule.fullRange = rule.fullRange, rounding.rule.reciprocal = rule.reciprocal;
    rounding.rule.dynamic = true;
    rounding.rule.granularity = Granularity::per_token;
    at::Tensor best, leastError;
    for (int percent = 100; percent >= 20; percent -= 2) {
        // Values clamped to a range have that range.
        const at::Tensor clipped = rows.clamp(low * (percent / 100.0), high * (percent / 100.0));
        const at::Tensor rounded = roundActivation(clipped, rounding, {static_cast<int>(rows.size(1))});
        const at::Tensor error = rounded.sub(rows).square_().sum(-1, true);
        if (best.defined()) {
            const at::Tensor better = error < leastError;
            best = at::where(better, rounded, best);
            leastError = at::where(better, error, leastError);
        } else {
            best = rounded, leastError = error;
        }
    }
    const at::Tensor rounded = fromRows(best, weight).contiguous();
    for (int column : kept)
        rounded.select(1, column).copy_(weight.select(1, column));
    return rounded;
}

} // namespace

at::Tensor roundWeight(const at::Tensor& weight, const WeightRule& rule, const std::set<int>& kept) {
    if (rule.range == RangeMethod::mse && rule.format == Format::integer)
        return roundBySearch(weight, rule, kept);
    // A weight's row is a "token" of its output channel.
    SiteRounding rounding;
    rounding.rule.format = rule.format;
    rounding.rule.bits = rule.bits;
    rounding.rule.symmetric = rule.symmetric;
    rounding.rule.fullRange = rule.fullRange, rounding.rule.reciprocal = rule.reciprocal;
    rounding.rule.dynamic = true;
    rounding.rule.group = rule.group;
    rounding.rule.granularity =
        rule.granularity == Granularity::per_channel ? Granularity::per_token : rule.granularity;
    rounding.inlier = inlierMask(weight.size(1), kept);
    return roundActivation(weight.contiguous().unsqueeze(0), rounding, {static_cast<int>(weight.size(0))})
        .squeeze(0);
}

bool hasNearestIntegers(const WeightRule& rule) {
    return rule.format == Format::integer && rule.bits <= 8 && rule.symmetric && !rule.fullRange &&
           !rule.solver && rule.range == RangeMethod::minmax && rule.granularity != Granularity::per_group;
}

std::optional<IntegerWeight> integerWeight(const at::Tensor& weight, const WeightRule& rule,
                                           const std::set<int>& kept) {
    if (!hasNearestIntegers(rule)) return std::nullopt;
    const at::Tensor plain = weight.to(at::kCPU, at::kFloat).contiguous();
    const float* values = plain.const_data_ptr<float>();
    const std::int64_t outputs = plain.size(0), inputs = plain.size(1);
    const std::vector<std::int32_t> inlier = inlierMask(inputs, kept);
    const std::int32_t* mask = inlier.empty() ? nullptr : inlier.data();
    IntegerWeight made{std::vector<std::int8_t>(std::size_t(outputs * inputs)),
                       std::vector<float>(std::size_t(outputs))};
    std::vector<Extent> extents(static_cast<std::size_t>(outputs));
    parallelFor(outputs, rowsPerPiece, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t output = begin; output < end; ++output)
            extents[std::size_t(output)] = extentOf(values + output * inputs, inputs, mask);
    });
    if (rule.granularity == Granularity::per_tensor) {
        Extent all;
        for (const Extent& one : extents)
            all = {std::min(all.min, one.min), std::max(all.max, one.max)};
        extents.assign(std::size_t(outputs), all);
    }
    std::atomic<bool> odd = false;
    parallelFor(outputs, rowsPerPiece, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t output = begin; output < end; ++output) {
            const Extent& extent = extents[std::size_t(output)];
            const Grid grid = Grid::over(extent.min, extent.max, rule.bits, true);
            const float* row = values + output * inputs;
            std::int8_t* to = made.q.data() + output * inputs;
            made.scales[std::size_t(output)] = grid.scale;
            std::int32_t nan = 0;
            integersOf(row, to, inputs, grid, nan);
            for (std::int64_t input = 0; nan && input < inputs; ++input)
                if ((!mask || mask[input] != 0) && std::isnan(row[input])) odd = true;
            for (const int column : kept)
                to[column] = 0;
        }
    });
    if (odd) return std::nullopt; // no integer stands for a NaN
    return made;
}

double weightBytes(const WeightRule& rule, std::int64_t outputs, std::int64_t inputs, std::size_t kept) {
    const double count = double(outputs) * double(inputs - std::int64_t(kept)); // at the rule's width
    const double keptBytes = 4.0 * double(outputs) * double(kept);
    if (rule.format != Format::integer) {
        const NumberFormat& format = numberFormat(rule.format);
        double scaleBytes = 0;
        if (format.block > 0)
            scaleBytes = double(outputs) * double((inputs + format.block - 1) / format.block);
        else if (format.isScaled())
            scaleBytes = 4.0 * (rule.granularity == Granularity::per_channel ? double(outputs) : 1);
        if (format.format == Format::nvfp4) scaleBytes += 4; // the tensor's
        return count * format.bits / 8.0 + scaleBytes + keptBytes;
    }
    double scales = 1;
    if (rule.granularity == Granularity::per_channel) scales = double(outputs);
    if (rule.granularity == Granularity::per_group)
        scales = double(outputs) * double((inputs + rule.group - 1) / rule.group);
    // A zero point is stored in as many bits as a weight.
    const double zeros = rule.symmetric ? 0 : scales * rule.bits / 8.0;
    return count * rule.bits / 8.0 + 4.0 * scales + zeros + keptBytes;
}

} // namespace kurtoscope
