// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/collector.h"

#include "core/base/byte_stream.h"
#include "core/base/parallel.h"
#include "core/statistics/site_figures.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

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
    return window != other.window ? window < other.window : position < other.position;
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

// One block per sequence (per sequence and head for attn_probs) and half, in window order, whatever order a
// batch sorted its sequences into: sums then do not depend on how windows were batched. For attn_probs a
// channel is a key position, and only keys below the sequence's length count; a causal model's zeros above
// the query are counted as they are, since such a model stores them.
std::vector<Collector::Block> Collector::blocksOf(Site site, const SiteTensor& tensor) {
    const Batch& batch = *tensor.batch;
    std::vector<Block> blocks;
    std::size_t row = 0;
    const auto append = [&](const float* values, std::int64_t rows, int channels, int sequence, int position,
                            bool first) {
        if (rows <= 0 || channels <= 0) return;
        blocks.push_back({values, rows, channels, sequence, position, first, row});
        row += static_cast<std::size_t>(rows);
    };
    for (const int sequence : byWindow(batch)) {
        const int valid = batch.lengths[static_cast<std::size_t>(sequence)];
        if (tensor.perSequence) {
            append(tensor.values + sequence * tensor.channels, 1, static_cast<int>(tensor.channels), sequence,
                   0, false);
            continue;
        }
        const auto wide = static_cast<int>(tensor.channels);
        const int channels = site.place == Place::attn_probs ? std::min(valid, wide) : wide;
        for (int group = 0; group < tensor.groups; ++group) {
            const std::int64_t start =
                (static_cast<std::int64_t>(sequence) * tensor.groups + group) * batch.length;
            const float* values = tensor.values + start * tensor.channels;
            append(values, std::min(valid, 1), channels, sequence, 0, true);
            append(values + tensor.channels, valid - 1, channels, sequence, 1, false);
        }
    }
    return blocks;
}

void Collector::take(Site site, const SiteTensor& tensor) {
    const std::vector<Block> blocks = blocksOf(site, tensor);
    SiteData& data = dataOf(site);
    int channels = 0;
    std::size_t rows = 0;
    for (const Block& block : blocks) {
        Half& half = block.first ? data.first : data.rest;
        half.rows += block.rows;
        rows += static_cast<std::size_t>(block.rows);
        channels = std::max(channels, block.channels);
    }
    data.first.moments.grow(channels);
    data.rest.moments.grow(channels);

    // Each thread takes a range of channels through all blocks in order, so no sum depends on their number.
    std::vector<float> rowAbsmax(rows, 0.0F);
    std::mutex rowsMutex;
    const std::int64_t steps = (channels + channelStep - 1) / channelStep;
    const std::int64_t grain = valuesPerThread / static_cast<std::int64_t>(rows * channelStep + 1) + 1;
    parallelFor(steps, grain, [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> own(rows, 0.0F);
        for (const Block& block : blocks) {
            Half& half = block.first ? data.first : data.rest;
            half.moments.add(block.values, block.rows, tensor.channels, static_cast<int>(begin) * channelStep,
                             std::min(static_cast<int>(end) * channelStep, block.channels),
                             own.data() + block.firstRow);
        }
        const std::lock_guard lock(rowsMutex);
        std::transform(own.begin(), own.end(), rowAbsmax.begin(), rowAbsmax.begin(),
                       [](float a, float b) { return std::max(a, b); });
    });
    takePeaks(data, tensor, blocks, rowAbsmax);

    count(data, *tensor.batch, !tensor.perSequence);
}

void Collector::count(SiteData& data, const Batch& batch, bool positions) {
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        if (positions) data.tokens += batch.lengths[static_cast<std::size_t>(sequence)];
        windows_.insert(windowOf(batch, sequence));
    }
}

// Every head of every sequence has accumulators of its own, merged in the order in which whole tensors are
// taken, so that threads do not change a sum; how rows are cut into blocks, which depends on the batch's
// length, does in its last bits.
class Collector::HeadTaker : public ProbabilityTaker {
public:
    HeadTaker(Collector& collector, Site site, const Batch& batch, int heads)
        : collector_(collector),
          site_(site),
          batch_(batch),
          heads_(heads),
          parts_(static_cast<std::size_t>(batch.sequences * heads), collector.emptyData()) {}

    void take(const ProbabilityRows& given) override {
        SiteData& part = partOf(given.sequence, given.head);
        const SiteTensor tensor{given.values, given.stride, heads_, false, &batch_};
        std::vector<float> rowAbsmax(static_cast<std::size_t>(given.queries), 0.0F);
        std::vector<Block> blocks;
        const auto append = [&](int from, int to, bool first) {
            if (from >= to) return;
            blocks.push_back({given.values + from * given.stride, to - from, given.keys, given.sequence,
                              given.firstQuery + from, first, static_cast<std::size_t>(from)});
            Half& half = first ? part.first : part.rest;
            half.rows += to - from;
            half.moments.grow(given.keys);
            half.moments.add(blocks.back().values, to - from, given.stride, 0, given.keys,
                             rowAbsmax.data() + from);
        };
        const int firsts = given.firstQuery == 0 ? 1 : 0;
        append(0, firsts, true);
        append(firsts, given.queries, false);
        collector_.takePeaks(part, tensor, blocks, rowAbsmax);
    }

    void finish() override {
        SiteData& data = collector_.dataOf(site_);
        for (const int sequence : byWindow(batch_))
            for (int head = 0; head < heads_; ++head) {
                const SiteData& part = partOf(sequence, head);
                collector_.merge(data.first, part.first);
                collector_.merge(data.rest, part.rest);
            }
        collector_.count(data, batch_, true);
    }

private:
    SiteData& partOf(int sequence, int head) {
        return parts_[static_cast<std::size_t>(sequence * heads_ + head)];
    }

    Collector& collector_;
    Site site_;
    const Batch& batch_;
    int heads_;
    std::vector<SiteData> parts_; // [sequence, head]
};

std::unique_ptr<ProbabilityTaker> Collector::byRows(Site site, const Batch& batch, int heads) {
    return std::make_unique<HeadTaker>(*this, site, batch, heads);
}

void Collector::takePeaks(SiteData& data, const SiteTensor& tensor, const std::vector<Block>& blocks,
                          const std::vector<float>& rowAbsmax) const {
    for (const Block& block : blocks) {
        std::vector<Peak>& peaks = (block.first ? data.first : data.rest).peaks;
        const int window = windowOf(*tensor.batch, block.sequence);
        for (std::int64_t r = 0; r < block.rows; ++r) {
            const int position = block.position + static_cast<int>(r);
            Peak peak{rowAbsmax[block.firstRow + static_cast<std::size_t>(r)], 0, window, position, -1};
            if (static_cast<int>(peaks.size()) >= options_.peaks &&
                (peaks.empty() || !peak.before(peaks.back())))
                continue;
            const float* row = block.values + r * tensor.channels;
            while (peak.channel + 1 < block.channels && std::abs(row[peak.channel]) != peak.absmax)
                ++peak.channel;
            if (!tensor.perSequence) peak.tokenId = tensor.batch->at(block.sequence, position);
            offer(peaks, peak);
        }
    }
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
