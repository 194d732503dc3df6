// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/round_activation.h"

#include "core/base/error.h"
#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/base/phases.h"
#include "core/engine/device.h"
#include "core/quantization/gpu_numbers.h"

namespace kurtoscope {
namespace {

constexpr std::int64_t rowsPerPiece = 16;

// What the rows of one sequence span; they run over [position], for attn_probs over [head, query]. Rows of
// padding have no say, so that a sequence's range does not depend on its neighbours in the batch.
Extent extentOfSequence(const float* base, std::int64_t rows, std::int64_t positions, std::int64_t valid,
                        std::int64_t channels, const std::int32_t* mask) {
    std::vector<Extent> parts(static_cast<std::size_t>((rows + rowsPerPiece - 1) / rowsPerPiece));
    parallelFor(static_cast<std::int64_t>(parts.size()), rowsWorthAThread(channels) / rowsPerPiece,
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t part = begin; part < end; ++part) {
                        Extent& extent = parts[static_cast<std::size_t>(part)];
                        for (std::int64_t row = part * rowsPerPiece;
                             row < std::min(rows, (part + 1) * rowsPerPiece); ++row) {
                            if (row % positions >= valid) continue;
                            const Extent one = extentOf(base + row * channels, channels, mask);
                            extent = {std::min(extent.min, one.min), std::max(extent.max, one.max)};
                        }
                    }
                });
    Extent extent;
    for (const Extent& part : parts)
        extent = {std::min(extent.min, part.min), std::max(extent.max, part.max)};
    return extent;
}

// What the fused kernels do: integers with one range for each tensor or token.
bool isFused(const ActivationRule& rule) {
    return rule.format == Format::integer && rule.embeddingGroups == 0 && rule.threshold == 0 &&
           !rule.reciprocal &&
           (rule.granularity == Granularity::per_tensor || rule.granularity == Granularity::per_token);
}

at::Tensor roundOnGpu(const at::Tensor& x, const SiteRounding& rounding, const std::vector<int>& lengths) {
    const ActivationRule& rule = rounding.rule;
    const Grid& grid = rounding.grid;
    const at::Tensor in = x.contiguous();
    at::Tensor out = at::empty_like(in);
    const auto upload = [&](const std::vector<std::int32_t>& values) {
        return gpu::uploaded(values, {static_cast<std::int64_t>(values.size())}, at::kInt, x.device());
    };
    const at::Tensor mask = rounding.inlier.empty() ? at::Tensor() : upload(rounding.inlier);
    const at::Tensor valid = x.dim() >= 3 ? upload(lengths) : at::Tensor();
    const bool wholeTensor = rule.dynamic && !rule.perToken();
    at::Tensor extents = wholeTensor ? at::empty({2 * in.size(0)}, in.options()) : at::Tensor();
    const KurtoscopeCudaRound work{in.const_data_ptr<float>(),
                                   out.data_ptr<float>(),
                                   in.size(0),
                                   in.numel() / std::max<std::int64_t>(1, in.size(0) * in.size(-1)),
                                   in.size(-1),
                                   x.dim() >= 3 ? x.size(-2) : 1,
                                   valid.defined() ? valid.const_data_ptr<std::int32_t>() : nullptr,
                                   mask.defined() ? mask.const_data_ptr<std::int32_t>() : nullptr,
                                   wholeTensor ? extents.data_ptr<float>() : nullptr,
                                   grid.scale,
                                   grid.zero,
                                   rule.bits,
                                   rule.symmetric,
                                   rule.dynamic,
                                   rule.perToken(),
                                   cudaLibrary()->stream(x.device().index())};
    if (const char* reason = cudaLibrary()->round(&work))
        throw Error(std::string("a CUDA kernel failed: ") + reason, "", "Use --device cpu");
    return out;
}

} // namespace

std::vector<Grid> sequenceGrids(const at::Tensor& x, const SiteRounding& rounding,
                                const std::vector<int>& lengths) {
    const ActivationRule& rule = rounding.rule;
    std::vector<Grid> grids(std::size_t(x.size(0)), rounding.grid);
    if (!rule.dynamic || rule.perToken() || x.numel() == 0) return grids;
    const at::Tensor in = x.contiguous();
    const std::int64_t channels = in.size(-1), rows = in.numel() / in.size(0) / channels;
    const std::int32_t* mask = rounding.inlier.empty() ? nullptr : rounding.inlier.data();
    for (std::int64_t sequence = 0; sequence < in.size(0); ++sequence) {
        const Extent extent = extentOfSequence(in.const_data_ptr<float>() + sequence * rows * channels, rows,
                                               in.size(-2), lengths[std::size_t(sequence)], channels, mask);
        grids[std::size_t(sequence)] =
            Grid::over(extent.min, extent.max, rule.bits, rule.symmetric, rule.fullRange);
    }
    return grids;
}

at::Tensor roundActivation(const at::Tensor& x, const SiteRounding& rounding,
                           const std::vector<int>& lengths) {
    const PhaseTimer timer(Phase::quantize);
    const ActivationRule& rule = rounding.rule;
    if (!isFused(rule)) return roundGeneral(x, rounding, lengths);
    if (x.is_cuda() && x.scalar_type() == at::kFloat && !rule.fullRange && cudaLibrary())
        return roundOnGpu(x, rounding, lengths);
    if (!x.is_cpu() || x.scalar_type() != at::kFloat) return roundActivationReference(x, rounding, lengths);
    const at::Tensor in = x.contiguous();
    at::Tensor out = at::empty_like(in);
    const std::int64_t channels = in.size(-1), sequences = in.size(0);
    if (in.numel() == 0) return out;
    const std::int64_t rows = in.numel() / sequences / channels; // of one sequence
    const float* from = in.const_data_ptr<float>();
    float* to = out.data_ptr<float>();
    const std::int32_t* mask = rounding.inlier.empty() ? nullptr : rounding.inlier.data();
    const std::vector<Grid> grids = sequenceGrids(in, rounding, lengths);
    for (std::int64_t sequence = 0; sequence < sequences; ++sequence) {
        const float* base = from + sequence * rows * channels;
        float* target = to + sequence * rows * channels;
        const Grid whole = grids[std::size_t(sequence)];
        parallelFor(rows, rowsWorthAThread(channels), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                Grid mine = whole;
                if (rule.perToken()) {
                    const Extent extent = extentOf(base + row * channels, channels, mask);
                    mine = Grid::over(extent.min, extent.max, rule.bits, rule.symmetric, rule.fullRange);
                }
                roundRow(base + row * channels, target + row * channels, channels, mine, mask);
            }
        });
    }
    return out;
}

at::Tensor roundActivationReference(const at::Tensor& x, const SiteRounding& rounding,
                                    const std::vector<int>& lengths) {
    const ActivationRule& rule = rounding.rule;
    if (!isFused(rule)) return roundGeneral(x, rounding, lengths);
    const Grid& grid = rounding.grid;
    const std::vector<std::int32_t>& inlier = rounding.inlier;
    at::Tensor mask, inliers = at::where(x.isfinite(), x, at::zeros({}, x.options()));
    if (!inlier.empty()) {
        mask = at::from_blob(const_cast<std::int32_t*>(inlier.data()), {x.size(-1)}, at::kInt)
                   .to(x.device())
                   .ne(0);
        inliers = at::where(mask, inliers, at::zeros({}, x.options()));
    }
    at::Tensor scale = at::full({}, grid.scale, x.options()), zero = at::full({}, grid.zero, x.options());
    double low = grid.low, high = grid.high;
    if (rule.dynamic) {
        at::Tensor minimum, maximum;
        if (rule.perToken()) {
            minimum = inliers.amin(-1, true), maximum = inliers.amax(-1, true);
        } else {
            // Positions are the last dimension but one, for attn_probs too.
            const auto valid =
                at::from_blob(const_cast<int*>(lengths.data()), {x.size(0), 1}, at::kInt).to(x.device());
            at::Tensor padding =
                at::arange(x.size(-2), valid.options()).ge(valid).unsqueeze(-1); // [sequence, position, 1]
            if (x.dim() == 4) padding = padding.unsqueeze(1);
            const at::Tensor counted = inliers.masked_fill(padding, 0);
            const at::Tensor flat = counted.flatten(1);
            std::vector<std::int64_t> one(static_cast<std::size_t>(x.dim()), 1);
            one[0] = x.size(0);
            minimum = flat.amin(1).view(one), maximum = flat.amax(1).view(one);
        }
        minimum = minimum.clamp_max(0), maximum = maximum.clamp_min(0);
        high = double((1 << (rule.bits - 1)) - 1);
        low = rule.symmetric && !rule.fullRange ? -high : -high - 1;
        scale = rule.symmetric ? at::maximum(minimum.abs(), maximum) / (rule.fullRange ? high + 0.5 : high)
                               : (maximum - minimum) / (high - low);
        scale = at::where(scale > 0, scale, at::ones({}, x.options()));
        zero = rule.symmetric ? at::zeros({}, x.options()) : (low - minimum / scale).round();
    }
    const at::Tensor rounded = ((x / scale + zero).clamp(low, high).round() - zero) * scale;
    return mask.defined() ? at::where(mask, rounded, x) : rounded;
}

} // namespace kurtoscope
