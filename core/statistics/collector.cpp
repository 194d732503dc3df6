// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/collector.h"

#include "core/base/byte_stream.h"
#include "core/base/parallel.h"
#include "core/statistics/moment_kernel.h"
#include "core/statistics/site_figures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <numeric>
#include <utility>

namespace kurtoscope {
namespace {

constexpr int channelStep = 32; // a thread's share is a multiple, so that kernels get whole tiles
constexpr std::int64_t valuesPerThread =
    65'536; // 25 µs: less is not worth waiting for a thread on a busy machine

int windowOf(const Batch& batch, int sequence) {
    return batch.windows.empty() ? sequence : batch.windows[static_cast<std::size_t>(sequence)];
}

// A batch's sequences in the order of their windows.
std::vector<int> byWindow(const Batch& batch) {
    std::vector<int> order(static_cast<std::size_t>(batch.sequences));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return windowOf(batch, a) < windowOf(batch, b); });
    return order;
}

} // namespace

bool Collector::Peak::before(const Peak& other) const {
    if (absmax != other.absmax) return absmax > other.absmax;
    if (window != other.window) return window < other.window;
    return position != other.position ? position < other.position : channel < other.channel;
}

Collector::SiteData& Collector::dataOf(Site site) {
    const auto found = sites_.find(site);
    if (found != sites_.end()) return found->second;
    order_.push_back(site);
    return sites_.emplace(site, emptyData()).first->second;
}

Collector::SiteData Collector::emptyData() const {
    const Half empty{ChannelMoments(options_.magnitudeBar), 0, {}};
    return {empty, empty, 0};
}

std::vector<ChannelMoments> Collector::borrowed(std::int64_t count) {
    std::vector<ChannelMoments> moments;
    moments.reserve(static_cast<std::size_t>(count));
    for (; count > 0 && !spare_.empty(); --count) {
        moments.push_back(std::move(spare_.back()));
        spare_.pop_back();
    }
    moments.insert(moments.end(), static_cast<std::size_t>(count), ChannelMoments(options_.magnitudeBar));
    return moments;
}

void Collector::giveBack(std::vector<ChannelMoments>& borrowed) {
    for (ChannelMoments& moments : borrowed) {
        moments.clear();
        spare_.push_back(std::move(moments));
    }
    borrowed.clear();
}

// One block per sequence (per sequence and head for attn_probs) and half, in window order, whatever order a
// batch sorted its sequences into: sums then do not depend on how windows were batched. For attn_probs a
// channel is a key position, and only keys below the sequence's length count; a causal model's zeros above
// the query are counted as they are, since such a model stores them.
std::vector<Collector::Block> Collector::blocksOf(Site site, const SiteTensor& tensor) {
    const Batch& batch = *tensor.batch;
    std::vector<Block> blocks;
    const auto append = [&](const float* values, std::int64_t rows, int channels, int sequence,
                            int position) {
        if (rows > 0 && channels > 0)
            blocks.push_back({values, rows, tensor.channels, 0, channels, sequence, position});
    };
    const auto wide = static_cast<int>(tensor.channels);
    for (const int sequence : byWindow(batch)) {
        const int valid = batch.lengths[static_cast<std::size_t>(sequence)];
        if (tensor.perSequence) {
            append(tensor.values + sequence * tensor.channels, 1, wide, sequence, -1);
            continue;
        }
        const int channels = site.place == Place::attn_probs ? std::min(valid, wide) : wide;
        for (int group = 0; group < tensor.groups; ++group) {
            const std::int64_t start =
                (static_cast<std::int64_t>(sequence) * tensor.groups + group) * batch.length;
            const float* values = tensor.values + start * tensor.channels;
            append(values, std::min(valid, 1), channels, sequence, 0);
            append(values + tensor.channels, valid - 1, channels, sequence, 1);
        }
    }
    return blocks;
}

void Collector::take(Site site, const SiteTensor& tensor) {
    const std::vector<Block> blocks = blocksOf(site, tensor);
    SiteData& data = dataOf(site);
    int channels = 0;
    std::int64_t rows = 0;
    for (const Block& block : blocks) {
        (block.first() ? data.first : data.rest).rows += block.rows;
        rows += block.rows;
        channels = std::max(channels, block.end);
    }
    data.first.moments.grow(channels);
    data.rest.moments.grow(channels);

    // Each thread takes a range of channels through all blocks in order, so no sum depends on their number.
    PeakGate firstGate(leastOf(data.first.peaks)), restGate(leastOf(data.rest.peaks));
    const std::int64_t steps = (channels + channelStep - 1) / channelStep;
    const std::int64_t grain = valuesPerThread / (rows * channelStep + 1) + 1;
    parallelFor(steps, grain, [&](std::int64_t begin, std::int64_t end) {
        for (Block block : blocks) {
            Half& half = block.first() ? data.first : data.rest;
            block.begin = static_cast<int>(begin) * channelStep;
            block.end = std::min(static_cast<int>(end) * channelStep, block.end);
            add(half.moments, half.peaks, block.first() ? firstGate : restGate, block, *tensor.batch);
        }
    });
    count(data, *tensor.batch, !tensor.perSequence);
}

// Rows are looked at only in tiles with something large enough for the list, a few at a time; what is found
// goes into the list together, so that threads seldom meet there.
void Collector::add(ChannelMoments& to, std::vector<Peak>& peaks, PeakGate& gate, const Block& block,
                    const Batch& batch) const {
    constexpr std::int64_t few = 8;
    if (options_.peaks <= 0) return to.add(block.values, block.rows, block.stride, block.begin, block.end);
    std::vector<Peak> found;
    float bar = gate.least.load(std::memory_order_relaxed);
    const int window = windowOf(batch, block.sequence);
    const auto find = [&](const float* row, std::int64_t r, int begin, int end) {
        const int position = std::max(block.position, 0) + (block.alike ? 0 : static_cast<int>(r));
        Peak peak{momentKernels().front().largest(row, 1, 0, end - begin), 0, window, position, -1};
        if (peak.absmax < bar) return;
        while (begin + peak.channel + 1 < end && std::abs(row[peak.channel]) != peak.absmax)
            ++peak.channel;
        peak.channel += begin;
        if (block.position >= 0) peak.tokenId = batch.at(block.sequence, position);
        offer(found, peak);
        bar = std::max(bar, leastOf(found));
    };
    const auto look = [&](const float* tile, std::int64_t stride, int begin, int end) {
        for (std::int64_t r = 0; r < block.rows; r += few) {
            const float* rows = tile + r * stride;
            const std::int64_t count = std::min(few, block.rows - r);
            if (momentKernels().front().largest(rows, count, stride, end - begin) < bar) continue;
            for (std::int64_t i = 0; i < count; ++i)
                find(rows + i * stride, r + i, begin, end);
        }
    };
    to.add(block.values, block.rows, block.stride, block.begin, block.end, bar, std::cref(look));
    if (found.empty()) return;
    const std::lock_guard lock(gate.mutex);
    for (const Peak& peak : found)
        offer(peaks, peak);
    gate.least.store(leastOf(peaks), std::memory_order_relaxed);
}

// What a peak must reach to come into the list.
float Collector::leastOf(const std::vector<Peak>& peaks) const {
    return peaks.empty() || static_cast<int>(peaks.size()) < options_.peaks ? -1 : peaks.back().absmax;
}

void Collector::count(SiteData& data, const Batch& batch, bool positions) {
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        if (positions) data.tokens += batch.lengths[static_cast<std::size_t>(sequence)];
        windows_.insert(windowOf(batch, sequence));
    }
}

// Every head of every sequence has accumulators of its own, merged in the order in which whole tensors are
// taken, so that threads do not change a sum; how rows are cut into blocks, which depends on the batch's
// length, does in its last bits. First tokens are one row for each head: they are kept and added together.
class Collector::HeadTaker : public ProbabilityTaker {
public:
    HeadTaker(Collector& collector, Site site, const Batch& batch, int heads)
        : collector_(collector),
          data_(collector.dataOf(site)),
          batch_(batch),
          heads_(heads),
          firsts_(rowOf(batch.sequences, 0)),
          rests_(collector.borrowed(std::int64_t{batch.sequences} * heads)),
          gate_(collector.leastOf(data_.rest.peaks)) {}

    void take(const ProbabilityRows& given) override {
        Block block{given.values, given.queries,  given.stride,    0,
                    given.keys,   given.sequence, given.firstQuery};
        if (block.first()) {
            std::copy_n(given.values, given.keys, firsts_.data() + rowOf(given.sequence, given.head));
            block.values += given.stride, --block.rows, ++block.position;
        }
        ChannelMoments& rest = restOf(given.sequence, given.head);
        rest.grow(given.keys);
        collector_.add(rest, data_.rest.peaks, gate_, block, batch_);
    }

    void finish() override {
        PeakGate gate(collector_.leastOf(data_.first.peaks));
        for (const int sequence : byWindow(batch_)) {
            const int valid = batch_.lengths[static_cast<std::size_t>(sequence)];
            data_.first.moments.grow(valid);
            collector_.add(data_.first.moments, data_.first.peaks, gate,
                           {firsts_.data() + rowOf(sequence, 0), valid > 0 ? heads_ : 0, batch_.length, 0,
                            valid, sequence, 0, true},
                           batch_);
            for (int head = 0; head < heads_; ++head)
                data_.rest.moments.merge(restOf(sequence, head));
            data_.first.rows += std::int64_t{heads_} * std::min(valid, 1);
            data_.rest.rows += std::int64_t{heads_} * std::max(valid - 1, 0);
        }
        collector_.giveBack(rests_);
        collector_.count(data_, batch_, true);
    }

private:
    std::size_t rowOf(int sequence, int head) const {
        return static_cast<std::size_t>(sequence * heads_ + head) * static_cast<std::size_t>(batch_.length);
    }
    ChannelMoments& restOf(int sequence, int head) {
        return rests_[static_cast<std::size_t>(sequence * heads_ + head)];
    }

    Collector& collector_;
    SiteData& data_; // its peaks are shared, so that few rows are large enough for them
    const Batch& batch_;
    int heads_;
    std::vector<float> firsts_;         // [sequence, head, key]
    std::vector<ChannelMoments> rests_; // [sequence, head]
    PeakGate gate_;
};

std::unique_ptr<ProbabilityTaker> Collector::byRows(Site site, const Batch& batch, int heads) {
    return std::make_unique<HeadTaker>(*this, site, batch, heads);
}

// Pieces of columns go where they belong at once; pieces of rows have accumulators of their own, merged in
// the rows' order.
class Collector::PieceTaker : public RowTaker {
public:
    PieceTaker(Collector& collector, Site site, const Batch& batch, int channels, std::int64_t rowsAtOnce)
        : collector_(collector),
          data_(collector.dataOf(site)),
          batch_(batch),
          rowsAtOnce_(rowsAtOnce),
          firstGate_(collector.leastOf(data_.first.peaks)),
          restGate_(collector.leastOf(data_.rest.peaks)) {
        const std::int64_t rows = std::int64_t{batch.sequences} * batch.length;
        data_.first.moments.grow(channels);
        data_.rest.moments.grow(channels);
        if (rowsAtOnce > 0) parts_ = collector.borrowed(2 * ((rows + rowsAtOnce - 1) / rowsAtOnce));
    }

    void take(const float* values, std::int64_t stride, std::int64_t firstRow, std::int64_t lastRow,
              std::int64_t firstChannel, std::int64_t lastChannel) override {
        ChannelMoments* part =
            rowsAtOnce_ > 0 ? &parts_[static_cast<std::size_t>(2 * (firstRow / rowsAtOnce_))] : nullptr;
        const auto add = [&](Half& half, ChannelMoments* own, const Block& block) {
            if (own) own->grow(block.end);
            collector_.add(own ? *own : half.moments, half.peaks, block.first() ? firstGate_ : restGate_,
                           block, batch_);
        };
        for (std::int64_t row = firstRow; row < lastRow;) {
            const auto sequence = static_cast<int>(row / batch_.length);
            const auto position = static_cast<int>(row % batch_.length);
            const std::int64_t end = std::min(lastRow, row - position + batch_.length),
                               valid = std::min(end, row - position + batch_.lengths[std::size_t(sequence)]);
            Block block{values + row * stride, valid - row, stride,  int(firstChannel),
                        int(lastChannel),      sequence,    position};
            row = end;
            if (block.rows <= 0) continue;
            if (block.first()) {
                const std::int64_t rows = std::exchange(block.rows, 1);
                add(data_.first, part, block);
                block = {block.values + stride, rows - 1, stride, block.begin, block.end, sequence, 1};
            }
            if (block.rows > 0) add(data_.rest, part ? part + 1 : nullptr, block);
        }
    }

    void finish() override {
        for (std::size_t i = 0; i < parts_.size(); i += 2) {
            data_.first.moments.merge(parts_[i]);
            data_.rest.moments.merge(parts_[i + 1]);
        }
        collector_.giveBack(parts_);
        for (const int valid : batch_.lengths) {
            data_.first.rows += std::min(valid, 1);
            data_.rest.rows += std::max(valid - 1, 0);
        }
        collector_.count(data_, batch_, true);
    }

private:
    Collector& collector_;
    SiteData& data_;
    const Batch& batch_;
    std::int64_t rowsAtOnce_;
    std::vector<ChannelMoments> parts_; // [piece of rows, first tokens or the rest]
    PeakGate firstGate_, restGate_;
};

std::unique_ptr<RowTaker> Collector::byPieces(Site site, const Batch& batch, int channels,
                                              std::int64_t rowsAtOnce) {
    return std::make_unique<PieceTaker>(*this, site, batch, channels, rowsAtOnce);
}

// A token may come again with another head's value: the larger one stays. What it pushed out before stays out
// rightly, because every token in the list was at least as large.
void Collector::offer(std::vector<Peak>& peaks, const Peak& peak) const {
    const auto same = std::find_if(peaks.begin(), peaks.end(), [&](const Peak& kept) {
        return kept.window == peak.window && kept.position == peak.position;
    });
    if (same != peaks.end()) {
        if (!peak.before(*same)) return;
        peaks.erase(same);
    }
    const auto place =
        std::find_if(peaks.begin(), peaks.end(), [&](const Peak& kept) { return peak.before(kept); });
    peaks.insert(place, peak);
    if (static_cast<int>(peaks.size()) > options_.peaks) peaks.pop_back();
}

std::vector<TokenPeak> Collector::readable(const std::vector<Peak>& peaks) const {
    std::vector<TokenPeak> texts;
    for (const Peak& peak : peaks) {
        const bool named = peak.tokenId >= 0 && options_.tokenText;
        texts.push_back({peak.absmax, peak.channel, peak.window, peak.position,
                         named ? options_.tokenText(peak.tokenId) : std::string()});
    }
    return texts;
}

ChannelMoments Collector::moments(Site site, bool skipFirstToken) const {
    const auto found = sites_.find(site);
    if (found == sites_.end()) return ChannelMoments(options_.magnitudeBar);
    ChannelMoments merged = found->second.rest.moments;
    if (!skipFirstToken) merged.merge(found->second.first.moments);
    return merged;
}

void Collector::merge(Half& half, const Half& other) const {
    half.moments.merge(other.moments);
    half.rows += other.rows;
    for (const Peak& peak : other.peaks)
        offer(half.peaks, peak);
}

void Collector::write(ByteWriter& to) const {
    to.add(order_.size());
    for (const Site site : order_) {
        const SiteData& data = sites_.at(site);
        to.add(site), to.add(data.tokens);
        for (const Half* half : {&data.first, &data.rest})
            half->moments.write(to), to.add(half->rows), to.add(half->peaks);
    }
    to.add(std::vector<int>(windows_.begin(), windows_.end()));
}

void Collector::merge(ByteReader& from) {
    for (auto left = from.taken<std::size_t>(); left > 0; --left) {
        SiteData& data = dataOf(from.taken<Site>());
        data.tokens += from.taken<std::int64_t>();
        for (Half* half : {&data.first, &data.rest}) {
            Half other;
            other.moments.read(from);
            other.rows = from.taken<std::int64_t>();
            from.take(other.peaks);
            merge(*half, other);
        }
    }
    for (const int window : from.taken<std::vector<int>>())
        windows_.insert(window);
}

Observation Collector::observation() const {
    Observation observation;
    const auto count = static_cast<std::int64_t>(order_.size());
    observation.sites.resize(order_.size());
    observation.withoutFirstToken.resize(order_.size());
    parallelFor(count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
            const Site site = order_[i];
            const SiteData& data = sites_.at(site);
            SiteStats& rest = observation.withoutFirstToken[i];
            rest = siteFigures(site, data.rest.moments);
            rest.tokens = data.rest.rows;
            SiteStats& all = observation.sites[i];
            all = data.first.rows > 0 ? siteFigures(site, moments(site)) : rest;
            all.tokens = data.first.rows + data.rest.rows;
        }
    });
    for (std::size_t i = 0; i < order_.size(); ++i) { // in one thread: a tokenizer names the tokens
        const SiteData& data = sites_.at(order_[i]);
        observation.tokens = std::max(observation.tokens, data.tokens);
        std::vector<Peak> peaks = data.rest.peaks;
        observation.withoutFirstToken[i].peaks = readable(peaks);
        for (const Peak& peak : data.first.peaks)
            offer(peaks, peak);
        observation.sites[i].peaks = readable(peaks);
    }
    observation.windows = static_cast<int>(windows_.size());
    return observation;
}

} // namespace kurtoscope
