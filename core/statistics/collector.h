// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/channel_stats.h"
#include "core/engine/tap.h"
#include "core/statistics/moments.h"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

class ByteReader;
class ByteWriter;

struct CollectorOptions {
    std::set<Place> places;                         // empty: every place
    float magnitudeBar = 6;                         // |x| that SiteStats::shareAbove counts from
    int peaks = 8;                                  // tokens kept per site
    std::function<std::string(int)> tokenText = {}; // a token id as a person reads it; empty: no texts
};

// The Tap that gathers statistics. First tokens of sequences and the rest have accumulators of their own, so
// one pass gives both views; padding counts nowhere. take() uses several threads; call it and observation()
// from one thread.
class KURTOSCOPE_API Collector : public Tap {
public:
    explicit Collector(CollectorOptions options) : options_(std::move(options)) {}

    bool wants(Site site) const override {
        return options_.places.empty() || options_.places.contains(site.place);
    }
    void take(Site site, const SiteTensor& tensor) override;
    std::unique_ptr<ProbabilityTaker> byRows(Site site, const Batch& batch, int heads) override;
    std::unique_ptr<RowTaker> byPieces(Site site, const Batch& batch, int channels,
                                       std::int64_t rowsAtOnce) override;

    // What was taken so far, sites in the order first seen. Leaves dataName, seconds and windowsTotal to the
    // caller. Rows per sequence (class logits) have no first token: they count in both views.
    Observation observation() const;

    // Everything that was taken, for a collector of another process with the same options.
    void write(ByteWriter& to) const;
    void merge(ByteReader& from);

    // The merged accumulators of a site over all counted rows, for ranges and tests; empty when it was never
    // taken.
    ChannelMoments moments(Site site, bool skipFirstToken = false) const;

private:
    struct Peak {
        float absmax = 0;
        int channel = 0, window = 0, position = 0, tokenId = -1;
        bool before(const Peak& other) const; // the larger, then the earlier, then the lower channel
    };
    struct Half { // first tokens, or the rest
        ChannelMoments moments;
        std::int64_t rows = 0;
        std::vector<Peak> peaks; // sorted, at most one per token
    };
    struct SiteData {
        Half first, rest;
        std::int64_t tokens = 0; // positions, however many rows each has
    };
    struct Block {           // rows of one sequence (and group) that are merged as one
        const float* values; // channel 0 of the first row
        std::int64_t rows, stride;
        int begin, end;         // channels
        int sequence, position; // of the first row; position −1: it has none
        bool alike = false;     // all rows are of that position
        bool first() const { return position == 0; }
    };

    struct PeakGate { // before a list of peaks that several threads add to
        explicit PeakGate(float least) : least(least) {}
        std::mutex mutex;
        std::atomic<float> least; // what the list's last peak has; −1 while there is room
    };

    class HeadTaker;
    class PieceTaker;
    SiteData& dataOf(Site site);
    static std::vector<Block> blocksOf(Site site, const SiteTensor& tensor);
    SiteData emptyData() const;
    std::vector<ChannelMoments> borrowed(std::int64_t count);
    void giveBack(std::vector<ChannelMoments>& borrowed);
    void count(SiteData& data, const Batch& batch, bool positions);
    void merge(Half& half, const Half& other) const;
    float leastOf(const std::vector<Peak>& peaks) const;
    void add(ChannelMoments& to, std::vector<Peak>& peaks, PeakGate& gate, const Block& block,
             const Batch& batch) const;
    void offer(std::vector<Peak>& peaks, const Peak& peak) const;
    std::vector<TokenPeak> readable(const std::vector<Peak>& peaks) const;

    CollectorOptions options_;
    std::vector<Site> order_;
    std::map<Site, SiteData> sites_;
    std::set<int> windows_;
    std::vector<ChannelMoments> spare_; // empty: takers' own of earlier passes, whose memory is warm
};

} // namespace kurtoscope
