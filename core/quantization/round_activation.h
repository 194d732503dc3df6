// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/plan.h"
#include "core/quantization/rounding.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <vector>

namespace kurtoscope {

struct CalibratedSite;
struct StoredActivation;

// A rule made ready for one site.
struct SiteRounding {
    ActivationRule rule;
    Grid grid;                        // static, one range for the tensor
    float absmax = 0;                 // static, of a format with an exponent: what its scale is taken from
    std::vector<float> scales, zeros; // static with several ranges: of each channel
    std::vector<std::int32_t> groups; // embedding groups: of each channel
    std::vector<std::int32_t> inlier; // 0: kept, −1 elsewhere; empty: no channel is kept
};

// `seen` may be null for dynamic rules without permuted groups. Throws Error naming `site` where calibration
// saw nothing there.
SiteRounding roundingFor(const ActivationRule& rule, Site site, int channels, const CalibratedSite* seen,
                         const std::set<int>& kept);
// A checkpoint's own word for an input of `channels`.
SiteRounding roundingOf(const StoredActivation& stored, int channels);
std::vector<std::int32_t> inlierMask(std::int64_t channels, const std::set<int>& kept); // empty for none

// Bits of one row of `channels` values, `kept` of them in float32, and its part of the scales (16 bits each,
// a block's 8).
double activationBits(const SiteRounding& rounding, int channels, std::size_t kept);

// The grid of each sequence of x [sequence, …, channel] where a tensor has one range: the static one, or what
// the sequence's valid rows span.
std::vector<Grid> sequenceGrids(const at::Tensor& x, const SiteRounding& rounding,
                                const std::vector<int>& lengths);

// x put on its grid; float32, same shape. x is [sequence, …, channel]; `lengths` are valid positions per
// sequence. One integer range per tensor or token takes the fused kernel (CPU or CUDA), all else tensor
// operators.
at::Tensor roundActivation(const at::Tensor& x, const SiteRounding& rounding,
                           const std::vector<int>& lengths);
// The same in plain tensor operators anywhere: the reference that the kernels are tested against.
at::Tensor roundActivationReference(const at::Tensor& x, const SiteRounding& rounding,
                                    const std::vector<int>& lengths);
// Everything but one integer range per tensor or token (round_general.cpp). Non-finite values have no say in
// a range: NaN stays NaN, ∞ goes to the range's end.
at::Tensor roundGeneral(const at::Tensor& x, const SiteRounding& rounding, const std::vector<int>& lengths);

// Symmetric integers in each row's own range, and what they are multiplied by: x ≈ levels · scales. `levels`
// are float32 of x's shape, `scales` [.., 1].
struct RowLevels {
    at::Tensor levels, scales;
};
RowLevels rowLevels(const at::Tensor& x, const ActivationRule& rule);

// LLM.int8(): which channels of each sequence stay out, [sequence, 1, channel] bool.
at::Tensor channelsOver(const at::Tensor& x, double threshold, const std::vector<int>& lengths);

} // namespace kurtoscope
