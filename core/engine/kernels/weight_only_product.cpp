// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/weight_only_product.h"

#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/tile_loop.h"

#include <algorithm>
#include <numeric>

namespace kurtoscope {

namespace {

constexpr std::int64_t panelOutputs = 32;

} // namespace

PackedLevels::PackedLevels(const LevelsView& levels)
    : outputs_(levels.outputs),
      inputs_(levels.inputs),
      group_(levels.group),
      groups_((inputs_ + group_ - 1) / group_),
      codeBytes_(levels.bits <= 4 ? panelOutputs / 2 : panelOutputs) {
    const std::int64_t panels = (outputs_ + panelOutputs - 1) / panelOutputs;
    codes_ = AlignedBytes(std::size_t(panels * inputs_ * codeBytes_));
    scales_ = AlignedBytes(std::size_t(panels * groups_ * panelOutputs) * sizeof(float));
    zeros_ = AlignedBytes(std::size_t(panels * groups_ * panelOutputs));
    const int lowest = -(1 << (levels.bits - 1));
    auto* codes = codes_.as<std::uint8_t>();
    for (std::int64_t output = 0; output < outputs_; ++output) {
        const std::int64_t panel = output / panelOutputs, within = output % panelOutputs;
        for (std::int64_t group = 0; group < groups_; ++group) {
            const std::int64_t to = (panel * groups_ + group) * panelOutputs + within;
            scales_.as<float>()[to] = levels.scales[output * groups_ + group];
            zeros_.as<std::uint8_t>()[to] = static_cast<std::uint8_t>(
                (levels.zeros ? levels.zeros[output * groups_ + group] : 0) - lowest);
        }
        std::uint8_t* column = codes + panel * inputs_ * codeBytes_;
        for (std::int64_t input = 0; input < inputs_; ++input, column += codeBytes_) {
            const auto code = static_cast<std::uint8_t>(levels.q[output * inputs_ + input] - lowest);
            if (codeBytes_ == panelOutputs)
                column[within] = code;
            else
                column[within % 16] =
                    static_cast<std::uint8_t>(column[within % 16] | (within < 16 ? code : code << 4));
        }
    }
    std::vector<std::size_t> order(levels.kept.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return levels.kept[a] < levels.kept[b]; });
    keptWeights_ = AlignedBytes(order.size() * std::size_t(panels * panelOutputs) * sizeof(float));
    for (std::size_t i = 0; i < order.size(); ++i) {
        kept_.push_back(levels.kept[order[i]]);
        std::copy_n(levels.keptWeights + std::int64_t(order[i]) * outputs_, outputs_,
                    keptWeights_.as<float>() + std::int64_t(i) * panels * panelOutputs);
    }
}

#if defined(__x86_64__)

namespace {

// What `depth` inputs of a panel are: [depth, columns] floats from codes, of one group.
struct Piece {
    const std::uint8_t* codes;
    std::int64_t depth;
    const float* scales;       // [32]
    const std::uint8_t* zeros; // [32]
    float* to;
};

KURTOSCOPE_AVX2 __m128i codesAt(const std::uint8_t* codes, bool halves, bool upper) {
    const __m128i both =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + (upper && !halves ? 16 : 0)));
    if (!halves) return both;
    return _mm_and_si128(upper ? _mm_srli_epi16(both, 4) : both, _mm_set1_epi8(15));
}

// Masked by ones, since GCC 12 takes the plain forms for uses of what is not initialized.
KURTOSCOPE_AVX512 __m512 floatsOf(__m128i codes) {
    return _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, codes));
}

// All 32 outputs.
template <bool halves>
KURTOSCOPE_AVX512 void decode(const Piece& piece, FloatTileAvx512, bool) {
    __m512 scale[2], zero[2];
    for (int i = 0; i < 2; ++i) {
        scale[i] = _mm512_loadu_ps(piece.scales + 16 * i);
        zero[i] = floatsOf(_mm_loadu_si128(reinterpret_cast<const __m128i*>(piece.zeros + 16 * i)));
    }
    const std::uint8_t* codes = piece.codes;
    for (std::int64_t k = 0; k < piece.depth; ++k, codes += halves ? 16 : 32)
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            const __m512 code = floatsOf(codesAt(codes, halves, i == 1));
            _mm512_store_ps(piece.to + k * 32 + 16 * i,
                            _mm512_mul_ps(_mm512_sub_ps(code, zero[i]), scale[i]));
        }
}

// Sixteen of them.
template <bool halves>
KURTOSCOPE_AVX2 void decode(const Piece& piece, FloatTileAvx2, bool upper) {
    __m256 scale[2], zero[2];
    for (int i = 0; i < 2; ++i) {
        scale[i] = _mm256_loadu_ps(piece.scales + 16 * upper + 8 * i);
        zero[i] = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(
            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(piece.zeros + 16 * upper + 8 * i))));
    }
    const std::uint8_t* codes = piece.codes;
    for (std::int64_t k = 0; k < piece.depth; ++k, codes += halves ? 16 : 32) {
        const __m128i all = codesAt(codes, halves, upper);
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            const __m256 code =
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(i == 0 ? all : _mm_srli_si128(all, 8)));
            _mm256_store_ps(piece.to + k * 16 + 8 * i, _mm256_mul_ps(_mm256_sub_ps(code, zero[i]), scale[i]));
        }
    }
}

} // namespace

template <class Tile>
void PackedLevels::decodeColumns(std::int64_t column, std::int64_t k, std::int64_t depth, float* to) const {
    constexpr std::int64_t width = Tile::columns;
    const std::int64_t panel = column / panelOutputs;
    const bool upper = column % panelOutputs >= 16, halves = codeBytes_ < panelOutputs;
    for (std::int64_t begin = k; begin < k + depth;) {
        const std::int64_t group = begin / group_, end = std::min(k + depth, (group + 1) * group_),
                           at = (panel * groups_ + group) * panelOutputs;
        const Piece piece{codes_.as<std::uint8_t>() + (panel * inputs_ + begin) * codeBytes_, end - begin,
                          scales_.as<float>() + at, zeros_.as<std::uint8_t>() + at, to + (begin - k) * width};
        halves ? decode<true>(piece, Tile(), upper) : decode<false>(piece, Tile(), upper);
        begin = end;
    }
    const std::int64_t stride = (outputs_ + panelOutputs - 1) / panelOutputs * panelOutputs;
    for (auto i = std::size_t(std::lower_bound(kept_.begin(), kept_.end(), k) - kept_.begin());
         i < kept_.size() && kept_[i] < k + depth; ++i)
        std::copy_n(keptWeights_.as<float>() + std::int64_t(i) * stride + column, width,
                    to + (kept_[i] - k) * width);
}

template <class Tile>
void PackedLevels::multiplyBy(const float* x, std::int64_t rows, const float* bias, float* out,
                              std::int64_t stride, const AfterRows& after) const {
    const auto decode = [this](std::int64_t column, std::int64_t k, std::int64_t depth, float* to) {
        decodeColumns<Tile>(column, k, depth, to);
    };
    using Panels = FreshPanels<Tile, decltype(decode)>;
    multiplyTiles<Tile, Panels>(x, rows, inputs_, {{Panels(decode), outputs_, bias, out, stride, after}});
}

void PackedLevels::multiply(const float* x, std::int64_t rows, const float* bias, float* out,
                            std::int64_t stride, const AfterRows& after, bool narrow) const {
    static const bool wide = hasAvx512();
    wide && !narrow ? multiplyBy<FloatTileAvx512>(x, rows, bias, out, stride, after)
                    : multiplyBy<FloatTileAvx2>(x, rows, bias, out, stride, after);
}

#else

void PackedLevels::multiply(const float*, std::int64_t, const float*, float*, std::int64_t, const AfterRows&,
                            bool) const {}

#endif

} // namespace kurtoscope
