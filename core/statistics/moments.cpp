// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/moments.h"

#include "core/base/byte_stream.h"
#include "core/statistics/moment_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

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
    return m2 > 0 ? std::sqrt(count) * m3 / std::pow(m2, 1.5) : undefined;
}

double Moments::kurtosis() const {
    return m2 > 0 ? count * (m4 / m2) / m2 : undefined;
}

// Pointers as const as the moments are.
template <class These>
auto ChannelMoments::tileAt(These& from, int channel) {
    using Double = std::remove_reference_t<decltype(*from.count_.data())>;
    using Float = std::remove_reference_t<decltype(*from.min_.data())>;
    const auto at = static_cast<std::ptrdiff_t>(channel);
    return MomentPointers<Double, Float>{
        from.count_.data() + at, from.mean_.data() + at,  from.m2_.data() + at,  from.m3_.data() + at,
        from.m4_.data() + at,    from.above_.data() + at, from.min_.data() + at, from.max_.data() + at};
}

void ChannelMoments::grow(int channels) {
    if (channels <= this->channels()) return;
    const auto size = static_cast<std::size_t>(channels);
    for (auto* figure : {&count_, &mean_, &m2_, &m3_, &m4_, &above_, &nonfinite_})
        figure->resize(size, 0.0);
    min_.resize(size, noMin);
    max_.resize(size, -noMin);
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
    for (std::size_t channel = 0; channel < other.nonfinite_.size(); ++channel)
        nonfinite_[channel] += other.nonfinite_[channel];
}

Moments ChannelMoments::at(int channel) const {
    const auto at = static_cast<std::size_t>(channel);
    return {count_[at], mean_[at], m2_[at], m3_[at], m4_[at], above_[at], nonfinite_[at], min_[at], max_[at]};
}

void ChannelMoments::write(ByteWriter& to) const {
    to.add(bar_);
    for (const auto* values : {&count_, &mean_, &m2_, &m3_, &m4_, &above_, &nonfinite_})
        to.add(*values);
    to.add(min_), to.add(max_);
}

void ChannelMoments::read(ByteReader& from) {
    from.take(bar_);
    for (auto* values : {&count_, &mean_, &m2_, &m3_, &m4_, &above_, &nonfinite_})
        from.take(*values);
    from.take(min_), from.take(max_);
}

void ChannelMoments::set(int channel, const Moments& moments) {
    const auto at = static_cast<std::size_t>(channel);
    count_[at] = moments.count;
    mean_[at] = moments.mean;
    m2_[at] = moments.m2;
    m3_[at] = moments.m3;
    m4_[at] = moments.m4;
    above_[at] = moments.above;
    nonfinite_[at] = moments.nonfinite;
    min_[at] = moments.min;
    max_[at] = moments.max;
}

} // namespace kurtoscope
