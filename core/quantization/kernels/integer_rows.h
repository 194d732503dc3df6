// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/kernels/integer_product.h"
#include "core/quantization/round_activation.h"

namespace kurtoscope {

inline constexpr std::int64_t mostInputs = 65'536; // their sum of products still fits 32 bits

// Whether a site's rounding is one that integer products can carry: integers of at most 8 bits, one range for
// each tensor or token.
bool fitsIntegers(const SiteRounding& rounding);

// A site's rounding as parts that are: one for each group of channels that has a range of its own, else all
// of it. Empty where that does not fit either.
struct IntegerPart {
    std::vector<std::int64_t> channels; // empty: all of them, in their order
    SiteRounding rounding;
};
std::vector<IntegerPart> integerParts(const SiteRounding& rounding);
// All of it cut into parts of `group` channels, the last one what is left, for weights that have a scale for
// each group. Empty where `parts` are several or chosen already, or where a group is narrower than a product
// takes at once: mostly padding and epilogues.
std::vector<IntegerPart> cutParts(const std::vector<IntegerPart>& parts, std::int64_t group,
                                  std::int64_t inputs);

// x [sequence, …, channel] float32 on the CPU as integers, with the same levels as roundActivation; `kept`
// channels, those out of the rounding's inliers, in rising order. Where `channels` are given, of these alone,
// in their order. Throws Error for what fitsIntegers() refuses. `made` keeps its memory where that suffices.
void integerRows(const at::Tensor& x, const std::vector<std::int64_t>& channels, const SiteRounding& rounding,
                 const std::vector<int>& lengths, const std::vector<int>& kept, IntegerRows& made);

// What a row of values is made into, by itself: its rounding, the channels that it is made of (empty: all), and
// those of them that are kept.
struct RowRule {
    const std::vector<std::int64_t>& channels;
    const SiteRounding& rounding;
    const std::vector<int>& kept;

    // Whether no other row has a say in its range.
    bool standsAlone() const {
        return !rounding.rule.dynamic || (rounding.rule.perToken() && channels.empty());
    }
};
// Room for `rows` of `across` values each; what `made` had is lost.
void startRows(std::int64_t rows, std::int64_t across, const RowRule& rule, IntegerRows& made);
// `values` [across] as row `row` of what startRows() made room for, each row once, on any thread. `grid`: the
// range where it is the sequence's; null: the rounding's own, or the row's.
void makeRow(const float* values, const RowRule& rule, const Grid* grid, std::int64_t row, IntegerRows& made);

// The same rows cut into pieces of `group` channels, the last one what is left, each with its row's scale and
// zero. `kept`: the channels that integerRows() was given.
// `made` keeps its memory, and what lies behind its pieces.
void cutRows(const IntegerRows& rows, std::int64_t group, const std::vector<int>& kept,
             std::vector<IntegerRows>& made);

} // namespace kurtoscope
