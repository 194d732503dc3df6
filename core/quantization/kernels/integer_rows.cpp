// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/kernels/integer_rows.h"

#include "core/base/error.h"
#include "core/base/grain.h"
#include "core/base/parallel.h"

#include <algorithm>
#include <limits>
#include <numeric>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace kurtoscope {
namespace {

std::int32_t sumOf(const std::int8_t* values, std::int64_t count) {
    std::int32_t sum = 0;
    std::int64_t i = 0;
#if defined(__SSE2__)
    // Raised by 128 they are unsigned, whose sums of eight are one instruction.
    __m128i raised = _mm_setzero_si128();
    for (; i + 16 <= count; i += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i));
        raised = _mm_add_epi64(
            raised, _mm_sad_epu8(_mm_xor_si128(bytes, _mm_set1_epi8(char(-128))), _mm_setzero_si128()));
    }
    sum = _mm_cvtsi128_si32(_mm_add_epi64(raised, _mm_srli_si128(raised, 8))) - std::int32_t(128 * i);
#endif
    return std::accumulate(values + i, values + count, sum);
}

} // namespace

bool fitsIntegers(const SiteRounding& rounding) {
    const ActivationRule& rule = rounding.rule;
    return rule.format == Format::integer && rule.bits <= 8 && rule.embeddingGroups == 0 &&
           rule.threshold == 0 && !rule.reciprocal && rounding.scales.empty() &&
           (rule.granularity == Granularity::per_tensor || rule.granularity == Granularity::per_token);
}

std::vector<IntegerPart> integerParts(const SiteRounding& rounding) {
    if (fitsIntegers(rounding)) return {{{}, rounding}};
    if (rounding.rule.embeddingGroups == 0 || rounding.groups.empty()) return {};
    SiteRounding one = rounding;
    one.rule.embeddingGroups = 0;
    one.scales.clear(), one.zeros.clear(), one.groups.clear(), one.inlier.clear();
    if (!fitsIntegers(one) || one.rule.perToken()) return {};
    one.grid = Grid::over(0, 0, one.rule.bits, one.rule.symmetric); // its ends; the scale is each group's
    std::vector<IntegerPart> parts;
    for (std::size_t channel = 0; channel < rounding.groups.size(); ++channel) {
        const auto group = std::size_t(rounding.groups[channel]);
        if (parts.size() <= group) parts.resize(group + 1, {{}, one});
        IntegerPart& part = parts[group];
        if (part.channels.empty() && !rounding.scales.empty())
            part.rounding.grid.scale = rounding.scales[channel],
            part.rounding.grid.zero = rounding.zeros[channel];
        part.channels.push_back(std::int64_t(channel));
        if (!rounding.inlier.empty()) part.rounding.inlier.push_back(rounding.inlier[channel]);
    }
    std::erase_if(parts, [](const IntegerPart& part) { return part.channels.empty(); });
    return parts;
}

std::vector<IntegerPart> cutParts(const std::vector<IntegerPart>& parts, std::int64_t group,
                                  std::int64_t inputs) {
    std::vector<IntegerPart> cut;
    if (group < IntegerRows::whole || parts.size() != 1 || !parts.front().channels.empty()) return cut;
    for (std::int64_t first = 0; first < inputs; first += group) {
        cut.push_back({{}, parts.front().rounding});
        for (std::int64_t i = first; i < std::min(inputs, first + group); ++i)
            cut.back().channels.push_back(i);
    }
    return cut;
}

void startRows(std::int64_t rows, std::int64_t across, const RowRule& rule, IntegerRows& made) {
    made.rows = rows;
    made.channels = rule.channels.empty() ? across : std::int64_t(rule.channels.size());
    made.stride = (made.channels + IntegerRows::whole - 1) / IntegerRows::whole * IntegerRows::whole;
    made.values.reserve(std::size_t(rows * made.stride));
    made.scales.resize(std::size_t(rows));
    made.zeros.resize(std::size_t(rows));
    made.sums.resize(std::size_t(rows));
    made.keptCount = std::int64_t(rule.kept.size());
    made.kept.resize(std::size_t(rows) * rule.kept.size());
}

void makeRow(const float* values, const RowRule& rule, const Grid* grid, std::int64_t row, IntegerRows& made) {
    if (!rule.channels.empty()) {
        thread_local std::vector<float> gathered;
        gathered.resize(rule.channels.size());
        for (std::size_t i = 0; i < rule.channels.size(); ++i)
            gathered[i] = values[rule.channels[i]];
        values = gathered.data();
    }
    const ActivationRule& how = rule.rounding.rule;
    Grid mine = grid ? *grid : rule.rounding.grid;
    if (how.perToken()) {
        const auto& inlier = rule.rounding.inlier;
        const Extent extent = extentOf(values, made.channels, inlier.empty() ? nullptr : inlier.data());
        mine = Grid::over(extent.min, extent.max, how.bits, how.symmetric, how.fullRange);
    }
    std::int8_t* bytes = made.values.as<std::int8_t>() + row * made.stride;
    std::fill(bytes + made.channels, bytes + made.stride, std::int8_t{0});
    std::int32_t nan = 0;
    std::int32_t sum = integersOf(values, bytes, made.channels, mine, nan);
    const auto zero = static_cast<std::int32_t>(mine.zero);
    for (std::size_t k = 0; k < rule.kept.size(); ++k) {
        const int channel = rule.kept[k];
        sum += zero - bytes[channel];
        bytes[channel] = static_cast<std::int8_t>(zero);
        made.kept[std::size_t(row) * rule.kept.size() + k] = values[channel];
    }
    made.sums[std::size_t(row)] = sum;
    made.zeros[std::size_t(row)] = zero;
    made.scales[std::size_t(row)] = nan ? std::numeric_limits<float>::quiet_NaN() : mine.scale;
}

void integerRows(const at::Tensor& x, const std::vector<std::int64_t>& channels, const SiteRounding& rounding,
                 const std::vector<int>& lengths, const std::vector<int>& kept, IntegerRows& made) {
    if (!fitsIntegers(rounding))
        throw Error("these activations are no plain integers", "", "Multiply them in floating point");
    // A range taken at run time is that of the chosen channels as a tensor of their own.
    const bool gathers = !channels.empty() && !rounding.rule.dynamic;
    const at::Tensor in = gathers || channels.empty()
                              ? x.contiguous()
                              : x.index_select(-1, at::tensor(channels, at::kLong)).contiguous();
    const float* from = in.const_data_ptr<float>();
    const std::int64_t across = in.size(-1), rows = across > 0 ? in.numel() / across : 0;
    static const std::vector<std::int64_t> all;
    const RowRule rule{gathers ? channels : all, rounding, kept};
    startRows(rows, across, rule, made);
    if (rows == 0) return;
    const std::vector<Grid> whole = sequenceGrids(in, rounding, lengths);
    const std::int64_t perSequence = rows / in.size(0);
    parallelFor(rows, rowsWorthAThread(made.channels), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
            makeRow(from + row * across, rule, &whole[std::size_t(row / perSequence)], row, made);
    });
}

void cutRows(const IntegerRows& rows, std::int64_t group, const std::vector<int>& kept,
             std::vector<IntegerRows>& made) {
    const auto pieces = std::size_t((rows.channels + group - 1) / group);
    if (made.size() < pieces) made.resize(pieces);
    std::vector<std::size_t> firstKept; // of each piece
    for (std::size_t i = 0, k = 0; i < pieces; ++i) {
        IntegerRows& piece = made[i];
        firstKept.push_back(k);
        const std::int64_t end = std::min(rows.channels, std::int64_t(i + 1) * group);
        while (k < kept.size() && kept[k] < end)
            ++k;
        piece.rows = rows.rows, piece.channels = end - std::int64_t(i) * group;
        piece.stride = (piece.channels + IntegerRows::whole - 1) / IntegerRows::whole * IntegerRows::whole;
        piece.values.reserve(std::size_t(piece.rows * piece.stride));
        piece.scales = rows.scales, piece.zeros = rows.zeros;
        piece.sums.resize(std::size_t(piece.rows));
        piece.keptCount = std::int64_t(k - firstKept.back());
        piece.kept.resize(std::size_t(piece.rows * piece.keptCount));
    }
    parallelFor(rows.rows, rowsWorthAThread(rows.channels), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const std::int8_t* from = rows.values.as<std::int8_t>() + row * rows.stride;
            const float* whole = rows.kept.data() + row * rows.keptCount;
            for (std::size_t i = 0; i < pieces; from += made[i++].channels) {
                IntegerRows& piece = made[i];
                std::int8_t* to = piece.values.as<std::int8_t>() + row * piece.stride;
                std::copy_n(from, piece.channels, to);
                std::fill(to + piece.channels, to + piece.stride, std::int8_t{0});
                piece.sums[std::size_t(row)] = sumOf(from, piece.channels);
                std::copy_n(whole + firstKept[i], piece.keptCount, piece.kept.data() + row * piece.keptCount);
            }
        }
    });
}

} // namespace kurtoscope
