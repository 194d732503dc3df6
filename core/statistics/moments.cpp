// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/moments.h"

#include "core/base/byte_stream.h"
#include "core/statistics/moment_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

namespace kurtoscope {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t farRows = 8192; // bytes from row to row
constexpr int panelChannels = 128;     // 128 KiB of 256 rows: in the second cache level
constexpr float noMin = std::numeric_limits<float>::infinity();

// A tile at the right edge, copied to the kernel's full width. Spare channels repeat the first one: they can
// neither be the largest nor be the only ones that are not finite.
const float* paddedTile(const float* values, std::int64_t rows, std::int64_t stride, int used, int width) {
    thread_local std::vector<float> copy;
    copy.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
    for (std::int64_t r = 0; r < rows; ++r) {
        float* to = copy.data() + r * width;
        std::copy_n(values + r * stride, used, to);
        std::fill(to + used, to + width, *to);
    }
    return copy.data();
}

// The same for a tile that is narrower than the kernel: accumulators beyond the edge belong to other threads
// or to nobody, so it works on copies.
float addEdge(const MomentKernel& kernel, const float* values, std::int64_t rows, std::int64_t stride,
              int used, float bar, const MomentTile& tile) {
    const int width = kernel.width;
    double doubles[6][widestMomentTile] = {};
    float floats[2][widestMomentTile] = {};
    const MomentTile edge{doubles[0], doubles[1], doubles[2], doubles[3],
                          doubles[4], doubles[5], floats[0],  floats[1]};
    double* const own[] = {tile.count, tile.mean, tile.m2, tile.m3, tile.m4, tile.above};
    for (int i = 0; i < 6; ++i)
        std::copy_n(own[i], used, doubles[i]);
    std::copy_n(tile.min, used, edge.min);
    std::copy_n(tile.max, used, edge.max);
    const float largest = kernel.add(paddedTile(values, rows, stride, used, width), rows, width, bar, edge);
    if (largest < 0) return largest;
    for (int i = 0; i < 6; ++i)
        std::copy_n(doubles[i], used, own[i]);
    std::copy_n(edge.min, used, tile.min);
    std::copy_n(edge.max, used, tile.max);
    return largest;
}

const float* gathered(const float* values, std::int64_t rows, std::int64_t stride, int used) {
    thread_local std::vector<float> copy;
    copy.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(used));
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* from = values + r * stride;
        for (int c = 0; c < used; c += 16)
            __builtin_prefetch(from + 8 * stride + c);
        std::copy_n(from, used, copy.data() + r * used);
    }
    return copy.data();
}

} // namespace

void Moments::add(float value, float bar) {
    if (!std::isfinite(value)) {
        nonfinite += 1;
        return;
    }
    min = std::min(min, value);
    max = std::max(max, value);
    above += std::abs(value) >= bar ? 1 : 0;
    mergeCentralMoments(count, mean, m2, m3, m4, 1.0, static_cast<double>(value), 0.0, 0.0, 0.0);
}

void Moments::merge(const Moments& other) {
    above += other.above;
    nonfinite += other.nonfinite;
    if (other.count == 0) return;
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    mergeCentralMoments(count, mean, m2, m3, m4, other.count, other.mean, other.m2, other.m3, other.m4);
}

double Moments::variance() const {
    return count > 0 ? m2 / count : undefined;
}

double Moments::skewness() const {
    return m2 > 0 ? std::sqrt(count) * m3 / (m2 * std::sqrt(m2)) : undefined;
}

double Moments::kurtosis() const {
    return m2 > 0 ? count * (m4 / m2) / m2 : undefined;
}

// Pointers as const as the moments are.
template <class These>
auto ChannelMoments::tileAt(These& from, int channel) {
    using Double = std::remove_reference_t<decltype(*from.doubles_.data())>;
    using Float = std::remove_reference_t<decltype(*from.floats_.data())>;
    Double* const at = from.doubles_.data() + channel;
    Float* const extremes = from.floats_.data() + channel;
    const std::ptrdiff_t all = from.channels_;
    return MomentPointers<Double, Float>{at + count * all, at + mean * all,  at + m2 * all, at + m3 * all,
                                         at + m4 * all,    at + above * all, extremes,      extremes + all};
}

void ChannelMoments::grow(int channels) {
    if (channels <= channels_) return;
    const auto size = static_cast<std::size_t>(channels);
    std::vector<double> doubles;
    std::vector<float> floats;
    if (channels_ == 0) doubles.swap(doubles_), floats.swap(floats_); // what clear() left
    doubles.assign(figures * size, 0.0);
    floats.assign(2 * size, noMin);
    std::fill(floats.begin() + channels, floats.end(), -noMin);
    for (std::ptrdiff_t figure = 0; figure < figures; ++figure)
        std::copy_n(doubles_.data() + figure * channels_, channels_, doubles.data() + figure * channels);
    for (std::ptrdiff_t extreme = 0; extreme < 2; ++extreme)
        std::copy_n(floats_.data() + extreme * channels_, channels_, floats.data() + extreme * channels);
    doubles_ = std::move(doubles), floats_ = std::move(floats), channels_ = channels;
}

void ChannelMoments::clear() {
    doubles_.clear(), floats_.clear(), channels_ = 0;
}

void ChannelMoments::add(const float* values, std::int64_t rows, std::int64_t stride, int begin, int end,
                         float bar, const LargeTile& large) {
    if (rows <= 0 || begin >= end) return;
    // Rows that lie pages apart fall into the same few cache sets and leave prefetchers blind: gather them
    // first.
    if (stride * static_cast<std::int64_t>(sizeof(float)) <= farRows)
        return addPanel(values + begin, rows, stride, begin, end - begin, bar, large);
    for (int channel = begin; channel < end; channel += panelChannels) {
        const int used = std::min(panelChannels, end - channel);
        addPanel(gathered(values + channel, rows, stride, used), rows, used, channel, used, bar, large);
    }
}

void ChannelMoments::addPanel(const float* values, std::int64_t rows, std::int64_t stride, int begin,
                              int channels, float bar, const LargeTile& large) {
    const MomentKernel& kernel = momentKernels().front();
    const int width = kernel.width;
    for (int offset = 0; offset < channels; offset += width) {
        const int used = std::min(width, channels - offset);
        const MomentTile tile = tileAt(*this, begin + offset);
        const float* from = values + offset;
        float largest = used == width ? kernel.add(from, rows, stride, bar_, tile)
                                      : addEdge(kernel, from, rows, stride, used, bar_, tile);
        if (largest < 0)
            for (int c = 0; c < used; ++c)
                largest = std::max(largest, addSlowly(from + c, rows, stride, begin + offset + c));
        if (large && largest >= bar) large(from, stride, begin + offset, begin + offset + used);
    }
}

float ChannelMoments::addSlowly(const float* values, std::int64_t rows, std::int64_t stride, int channel) {
    Moments block;
    for (std::int64_t r = 0; r < rows; ++r)
        block.add(values[r * stride], bar_);
    Moments total = at(channel);
    total.merge(block);
    set(channel, total);
    return block.absmax();
}

void ChannelMoments::merge(const ChannelMoments& other) {
    grow(other.channels());
    momentKernels().front().merge(other.channels(), tileAt(*this, 0), tileAt(other, 0));
    for (int channel = 0; channel < other.channels_; ++channel)
        doubles_[index(nonfinite, channel)] += other.doubles_[other.index(nonfinite, channel)];
}

Moments ChannelMoments::at(int channel) const {
    const auto figure = [&](Figure which) { return doubles_[index(which, channel)]; };
    const auto at = static_cast<std::size_t>(channel), all = static_cast<std::size_t>(channels_);
    return {figure(count), figure(mean),      figure(m2),  figure(m3),       figure(m4),
            figure(above), figure(nonfinite), floats_[at], floats_[all + at]};
}

// By halves, many channels at once.
Moments ChannelMoments::whole() const {
    if (channels_ == 0) return {};
    ChannelMoments folded = *this;
    for (int left = channels_; left > 1; left -= left / 2)
        momentKernels().front().merge(left / 2, tileAt(folded, 0),
                                      tileAt(std::as_const(folded), left - left / 2));
    Moments all = folded.at(0);
    for (int channel = 1; channel < channels_; ++channel)
        all.nonfinite += doubles_[index(nonfinite, channel)];
    return all;
}

void ChannelMoments::write(ByteWriter& to) const {
    to.add(bar_), to.add(channels_), to.add(doubles_), to.add(floats_);
}

void ChannelMoments::read(ByteReader& from) {
    from.take(bar_), from.take(channels_), from.take(doubles_), from.take(floats_);
}

void ChannelMoments::set(int channel, const Moments& moments) {
    const double values[figures] = {moments.count, moments.mean,  moments.m2,       moments.m3,
                                    moments.m4,    moments.above, moments.nonfinite};
    for (int figure = 0; figure < figures; ++figure)
        doubles_[index(Figure(figure), channel)] = values[figure];
    floats_[static_cast<std::size_t>(channel)] = moments.min;
    floats_[static_cast<std::size_t>(channels_ + channel)] = moments.max;
}

} // namespace kurtoscope
