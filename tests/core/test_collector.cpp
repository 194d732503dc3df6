// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest> // first: moc 6.4 stumbles over <compare> before any Qt header

#include "core/statistics/collector.h"

#include <algorithm>
#include <cmath>
#include <omp.h>
#include <random>
#include <thread>

using namespace kurtoscope;

namespace {

constexpr Site mlp{3, Place::mlp_residual};
constexpr float padding = 1e6F; // would show in every figure if it counted

// Windows of differing lengths with values of their own: [window][position][channel].
struct Data {
    int channels;
    std::vector<int> lengths;
    std::vector<std::vector<float>> windows;
};

Data makeData(int channels, const std::vector<int>& lengths) {
    Data data{channels, lengths, {}};
    std::mt19937 random(4);
    std::normal_distribution<float> normal(0.5F, 2.0F);
    for (const int length : lengths) {
        std::vector<float> values(static_cast<std::size_t>(length * channels));
        for (float& value : values)
            value = normal(random);
        values[2] = 3000.0F + values[3]; // first tokens are massive in channel 2
        data.windows.push_back(values);
    }
    return data;
}

// Gives `windows` to the collector as one padded batch; token ids are 100 × window + position.
void give(Collector& collector, Site site, const Data& data, const std::vector<int>& windows) {
    Batch batch;
    batch.sequences = static_cast<int>(windows.size());
    for (const int w : windows)
        batch.length = std::max(batch.length, data.lengths[static_cast<std::size_t>(w)]);
    std::vector<float> values(static_cast<std::size_t>(batch.sequences * batch.length * data.channels),
                              padding);
    batch.ids.assign(static_cast<std::size_t>(batch.sequences * batch.length), -1);
    for (std::size_t s = 0; s < windows.size(); ++s) {
        const auto w = static_cast<std::size_t>(windows[s]);
        batch.windows.push_back(windows[s]);
        batch.lengths.push_back(data.lengths[w]);
        const auto row = s * static_cast<std::size_t>(batch.length);
        std::copy(data.windows[w].begin(), data.windows[w].end(),
                  values.begin() +
                      static_cast<std::ptrdiff_t>(row * static_cast<std::size_t>(data.channels)));
        for (int p = 0; p < data.lengths[w]; ++p)
            batch.ids[row + static_cast<std::size_t>(p)] = 100 * windows[s] + p;
    }
    collector.take(site, {values.data(), data.channels, 1, false, &batch});
}

bool near(double a, double b, double relative) {
    return (std::isnan(a) && std::isnan(b)) ||
           std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b));
}

void compareStats(const SiteStats& a, const SiteStats& b, double relative) {
    QCOMPARE(a.tokens, b.tokens);
    QCOMPARE(a.channels, b.channels);
    QCOMPARE(a.min, b.min);
    QCOMPARE(a.max, b.max);
    QCOMPARE(a.absmax, b.absmax);
    for (std::size_t c = 0; c < a.mean.size(); ++c) {
        QVERIFY(near(a.mean[c], b.mean[c], relative) && near(a.variance[c], b.variance[c], relative));
        QVERIFY(near(a.kurtosis[c], b.kurtosis[c], relative) && near(a.energy[c], b.energy[c], relative));
        QVERIFY(std::abs(a.skewness[c] - b.skewness[c]) <=
                relative * std::max(1.0, std::abs(a.skewness[c]))); // it passes through zero
    }
    QVERIFY(near(a.siteKurtosis, b.siteKurtosis, relative));
    QVERIFY(near(a.top1pctEnergy, b.top1pctEnergy, relative));
    QCOMPARE(a.peaks.size(), b.peaks.size());
    for (std::size_t i = 0; i < a.peaks.size(); ++i) {
        QCOMPARE(a.peaks[i].absmax, b.peaks[i].absmax);
        QCOMPARE(a.peaks[i].window, b.peaks[i].window);
        QCOMPARE(a.peaks[i].position, b.peaks[i].position);
        QCOMPARE(a.peaks[i].channel, b.peaks[i].channel);
    }
}

} // namespace

class TestCollector : public QObject {
    Q_OBJECT
private slots:
    void wantsOnlyItsPlaces();
    void paddingNeverCounts();
    void firstTokensAreToldApart();
    void batchingDoesNotMatter_data();
    void batchingDoesNotMatter();
    void threadsDoNotMatter();
    void peaksNameTheirTokens();
    void attentionCountsValidKeys();
    void headsShareAToken();
    void probabilitiesCountBlockByBlock();
    void piecesCountLikeTheWhole_data();
    void piecesCountLikeTheWhole();
    void classLogitsHaveNoFirstToken();
    void sitesKeepTheirOrder();
    void nothingTaken();
};

void TestCollector::wantsOnlyItsPlaces() {
    QVERIFY(Collector({}).wants(mlp));
    const Collector some({{Place::logits}, 6, 8, {}});
    QVERIFY(some.wants({-1, Place::logits}) && !some.wants(mlp));
}

void TestCollector::paddingNeverCounts() {
    const Data data = makeData(5, {4, 9, 1});
    Collector collector({});
    give(collector, mlp, data, {0, 1, 2});
    const Observation observation = collector.observation();
    QCOMPARE(observation.sites.size(), std::size_t{1});
    QCOMPARE(observation.tokens, 14);
    QCOMPARE(observation.windows, 3);
    QCOMPARE(observation.sites[0].tokens, 14);
    QVERIFY(observation.sites[0].siteAbsmax < 3100.0F);
    for (std::size_t c = 0; c < 5; ++c) {
        double sum = 0;
        for (const auto& window : data.windows)
            for (std::size_t i = c; i < window.size(); i += 5)
                sum += static_cast<double>(window[i]);
        QVERIFY(near(observation.sites[0].mean[c], sum / 14, 1e-12));
    }
}

void TestCollector::firstTokensAreToldApart() {
    const Data data = makeData(6, {20, 30});
    Collector collector({});
    give(collector, mlp, data, {0, 1});
    const Observation observation = collector.observation();
    const SiteStats& all = *observation.find(mlp);
    const SiteStats& rest = *observation.find(mlp, true);
    QCOMPARE(all.tokens, 50);
    QCOMPARE(rest.tokens, 48);
    QVERIFY(all.absmax[2] > 2900 && rest.absmax[2] < 20);
    QVERIFY(all.maxToMedian > 100 && rest.maxToMedian < 3);
    QVERIFY(all.siteKurtosis > 100 && rest.siteKurtosis < 6);
    QCOMPARE(all.peaks[0].position, 0);
    QCOMPARE(all.peaks[1].position, 0);
    for (const TokenPeak& peak : rest.peaks)
        QVERIFY(peak.position > 0);
    QCOMPARE(rest.peaks.size(), std::size_t{8});
}

void TestCollector::batchingDoesNotMatter_data() {
    QTest::addColumn<std::vector<std::vector<int>>>("batches");
    using Batches = std::vector<std::vector<int>>;
    QTest::newRow("one by one") << Batches{{0}, {1}, {2}, {3}, {4}, {5}, {6}};
    QTest::newRow("all at once") << Batches{{0, 1, 2, 3, 4, 5, 6}};
    QTest::newRow("pairs") << Batches{{0, 1}, {2, 3}, {4, 5}, {6}};
    QTest::newRow("sorted by length") << Batches{{3, 0, 6, 1, 2, 5, 4}};
    QTest::newRow("backwards") << Batches{{6, 5, 4}, {3, 2}, {1, 0}};
}

void TestCollector::batchingDoesNotMatter() {
    QFETCH(std::vector<std::vector<int>>, batches);
    const Data data = makeData(70, {7, 31, 64, 1, 90, 70, 12});
    Collector reference({}), other({});
    for (int w = 0; w < 7; ++w)
        give(reference, mlp, data, {w});
    for (const auto& windows : batches)
        give(other, mlp, data, windows);
    const Observation a = reference.observation(), b = other.observation();
    QCOMPARE(a.tokens, b.tokens);
    compareStats(a.sites[0], b.sites[0], 1e-9);
    compareStats(a.withoutFirstToken[0], b.withoutFirstToken[0], 1e-9);
}

void TestCollector::threadsDoNotMatter() {
    const Data data = makeData(1000, {400, 350, 480});
    const int before = omp_get_max_threads();
    std::vector<Observation> seen;
    for (const int threads : {1, 2, 5}) {
        omp_set_num_threads(threads);
        Collector collector({});
        give(collector, mlp, data, {0, 1, 2});
        seen.push_back(collector.observation());
    }
    omp_set_num_threads(before);
    for (std::size_t i = 1; i < seen.size(); ++i) {
        QCOMPARE(seen[i].sites[0].mean, seen[0].sites[0].mean); // to the bit
        QCOMPARE(seen[i].sites[0].kurtosis, seen[0].sites[0].kurtosis);
        compareStats(seen[i].sites[0], seen[0].sites[0], 0);
    }
}

void TestCollector::peaksNameTheirTokens() {
    Data data = makeData(4, {5, 6});
    data.windows[1][4 * 4 + 3] = -500.0F; // window 1, position 4, channel 3
    data.windows[0][2 * 4 + 1] = 400.0F;
    data.windows[0][2 * 4 + 0] = 450.0F; // the same token: one peak, its largest
    Collector collector({{}, 6, 2, [](int id) { return "token " + std::to_string(id); }});
    give(collector, mlp, data, {0});
    give(collector, mlp, data, {1});
    const auto peaks = collector.observation().withoutFirstToken[0].peaks;
    QCOMPARE(peaks.size(), std::size_t{2});
    QCOMPARE(peaks[0].absmax, 500.0F);
    QCOMPARE(peaks[0].channel, 3);
    QCOMPARE(peaks[0].window, 1);
    QCOMPARE(peaks[0].position, 4);
    QCOMPARE(peaks[0].text, std::string("token 104"));
    QCOMPARE(peaks[1].absmax, 450.0F);
    QCOMPARE(peaks[1].text, std::string("token 2"));
}

// Two heads, lengths 3 and 2 in a batch of 3: [sequence, head, query, key].
void TestCollector::attentionCountsValidKeys() {
    const Site site{0, Place::attn_probs};
    Batch batch{2, 3, {10, 11, 12, 20, 21, -1}, {}, {3, 2}, {0, 1}};
    std::vector<float> values(2 * 2 * 3 * 3, padding);
    const auto put = [&](int s, int h, int q, int k, float x) {
        values[static_cast<std::size_t>(((s * 2 + h) * 3 + q) * 3 + k)] = x;
    };
    for (int s = 0; s < 2; ++s)
        for (int h = 0; h < 2; ++h)
            for (int q = 0; q < (s == 0 ? 3 : 2); ++q)
                for (int k = 0; k < (s == 0 ? 3 : 2); ++k)
                    put(s, h, q, k, k <= q ? 1.0F / static_cast<float>(q + 1) : 0.0F);
    Collector collector({});
    collector.take(site, {values.data(), 3, 2, false, &batch});
    const Observation observation = collector.observation();
    const SiteStats& all = observation.sites[0];
    QCOMPARE(observation.tokens, 5);
    QCOMPARE(all.channels, 3);
    QCOMPARE(all.tokens, 10); // rows: five queries of two heads
    QCOMPARE(collector.moments(site).at(0).count, 10.0);
    QCOMPARE(collector.moments(site).at(1).count, 10.0);
    QCOMPARE(collector.moments(site).at(2).count, 6.0); // the longer window's rows only
    QCOMPARE(collector.moments(site, true).at(0).count, 6.0);
    QCOMPARE(all.siteAbsmax, 1.0F);
    QVERIFY(near(all.mean[2], (1.0 / 3) / 3, 1e-6)); // the causal zeros count
    // A later, wider batch adds channels.
    Batch longer{1, 5, {1, 2, 3, 4, 5}, {}, {5}, {2}};
    const std::vector<float> more(2 * 5 * 5, 0.2F);
    collector.take(site, {more.data(), 5, 2, false, &longer});
    QCOMPARE(collector.observation().sites[0].channels, 5);
    QCOMPARE(collector.moments(site).at(4).count, 10.0);
    QCOMPARE(collector.moments(site).at(0).count, 20.0);
}

void TestCollector::headsShareAToken() {
    Batch batch{1, 2, {7, 8}, {}, {2}, {0}};
    // head 0: both queries, head 1: the second query's value is larger
    const std::vector<float> values{1.0F, 0.0F, 0.4F, 0.3F, 0.9F, 0.0F, 0.1F, 0.8F};
    Collector collector({{}, 6, 8, [](int id) { return std::to_string(id); }});
    collector.take({0, Place::attn_probs}, {values.data(), 2, 2, false, &batch});
    const auto peaks = collector.observation().sites[0].peaks;
    QCOMPARE(peaks.size(), std::size_t{2});
    QCOMPARE(peaks[0].text, std::string("7"));
    QCOMPARE(peaks[1].absmax, 0.8F);
    QCOMPARE(peaks[1].channel, 1);
}

// The same probabilities whole, and in blocks of seven queries from a thread for each head.
void TestCollector::probabilitiesCountBlockByBlock() {
    const Site site{1, Place::attn_probs};
    constexpr int heads = 3, length = 40;
    const Batch batch{2, length, std::vector<int>(2 * length, 5), {}, {length, 23}, {4, 1}};
    std::vector<float> values(2 * heads * length * length, 0.0F);
    std::mt19937 random(9);
    std::uniform_real_distribution<float> uniform(0, 1);
    const auto rowOf = [&](int sequence, int head, int query) {
        return values.data() + ((sequence * heads + head) * length + query) * length;
    };
    for (int sequence = 0; sequence < 2; ++sequence)
        for (int head = 0; head < heads; ++head)
            for (int query = 0; query < batch.lengths[std::size_t(sequence)]; ++query)
                for (int key = 0; key <= query; ++key)
                    rowOf(sequence, head, query)[key] = uniform(random);
    Collector whole({}), blocks({}), again({});
    whole.take(site, {values.data(), length, heads, false, &batch});
    const auto give = [&](Collector& collector, bool threads) {
        const auto taker = collector.byRows(site, batch, heads);
        const auto head = [&](int which) {
            for (int sequence = 0; sequence < 2; ++sequence)
                for (int first = 0, valid = batch.lengths[std::size_t(sequence)]; first < valid; first += 7)
                    taker->take({rowOf(sequence, which, first), length, sequence, which, first,
                                 std::min(7, valid - first), valid});
        };
        std::vector<std::jthread> running;
        for (int which = heads; which-- > 0;)
            if (threads)
                running.emplace_back(head, which);
            else
                head(which);
        running.clear();
        taker->finish();
    };
    give(blocks, true);
    give(again, false);
    const Observation expected = whole.observation(), got = blocks.observation();
    QCOMPARE(got.tokens, expected.tokens);
    QCOMPARE(got.windows, expected.windows);
    compareStats(got.sites[0], expected.sites[0], 1e-9);
    compareStats(got.withoutFirstToken[0], expected.withoutFirstToken[0], 1e-9);
    compareStats(again.observation().sites[0], got.sites[0], 0);
}

void TestCollector::piecesCountLikeTheWhole_data() {
    QTest::addColumn<int>("rowsAtOnce"); // 0: columns of all rows
    QTest::newRow("columns") << 0;
    QTest::newRow("rows") << 64;
    QTest::newRow("few rows") << 7;
}

// The same rows whole and in pieces, from several threads and from one, over two batches with padding.
void TestCollector::piecesCountLikeTheWhole() {
    QFETCH(int, rowsAtOnce);
    constexpr int channels = 100, length = 40;
    const Site site{1, Place::mlp_hidden};
    Collector whole({}), pieces({}), again({});
    for (const std::vector<int>& lengths : {std::vector{length, 0, 23}, std::vector{1, length, length}}) {
        const int window = static_cast<int>(lengths.front());
        const Batch batch{3,  length,  std::vector<int>(3 * length, 5),
                          {}, lengths, {window, window + 1, window + 2}};
        std::vector<float> values(3 * length * channels);
        std::mt19937 random(unsigned(window) + 1);
        std::normal_distribution<float> normal(0.5F, 4.0F);
        for (float& value : values)
            value = normal(random);
        for (int sequence = 0; sequence < 3; ++sequence)
            std::fill(values.begin() + (sequence * length + lengths[std::size_t(sequence)]) * channels,
                      values.begin() + (sequence + 1) * length * channels, padding);
        whole.take(site, {values.data(), channels, 1, false, &batch});
        const auto give = [&](Collector& collector, bool threads) {
            const auto taker = collector.byPieces(site, batch, channels, rowsAtOnce);
            constexpr int rows = 3 * length, strip = 50, width = 32;
            const auto share = [&](int which) {
                if (rowsAtOnce > 0)
                    return taker->take(values.data(), channels, which * rowsAtOnce,
                                       std::min(rows, (which + 1) * rowsAtOnce), 0, channels);
                for (int row = 0; row < rows; row += strip)
                    taker->take(values.data(), channels, row, std::min(rows, row + strip), which * width,
                                std::min(channels, (which + 1) * width));
            };
            std::vector<std::jthread> running;
            for (int which = rowsAtOnce > 0 ? (rows + rowsAtOnce - 1) / rowsAtOnce : 4; which-- > 0;)
                if (threads)
                    running.emplace_back(share, which);
                else
                    share(which);
            running.clear();
            taker->finish();
        };
        give(pieces, true);
        give(again, false);
    }
    const Observation expected = whole.observation(), got = pieces.observation();
    QCOMPARE(got.tokens, expected.tokens);
    QCOMPARE(got.windows, expected.windows);
    compareStats(got.sites[0], expected.sites[0], 1e-9);
    compareStats(got.withoutFirstToken[0], expected.withoutFirstToken[0], 1e-9);
    QCOMPARE(again.observation().sites[0].mean, got.sites[0].mean); // to the bit
    compareStats(again.observation().sites[0], got.sites[0], 0);
}

void TestCollector::classLogitsHaveNoFirstToken() {
    const Site site{-1, Place::logits};
    Batch batch{3, 4, std::vector<int>(12, 1), {}, {4, 2, 3}, {0, 1, 2}};
    const std::vector<float> values{1.0F, -1.0F, 2.0F, -2.0F, 6.0F, -9.0F};
    Collector collector({});
    collector.take(site, {values.data(), 2, 1, true, &batch});
    const Observation observation = collector.observation();
    QCOMPARE(observation.sites[0].tokens, 3);
    QCOMPARE(observation.withoutFirstToken[0].tokens, 3);
    QCOMPARE(observation.sites[0].mean[0], 3.0);
    QCOMPARE(observation.sites[0].mean[1], -4.0);
    QVERIFY(near(observation.sites[0].shareAbove[1], 1.0 / 3, 1e-12));
    QCOMPARE(observation.sites[0].peaks[0].window, 2);
    QVERIFY(observation.sites[0].peaks[0].text.empty());
}

void TestCollector::sitesKeepTheirOrder() {
    const Data data = makeData(3, {4});
    Collector collector({});
    const std::vector<Site> order{
        {-1, Place::embedding}, {0, Place::mlp_output}, {0, Place::attn_input}, {-1, Place::logits}};
    for (int pass = 0; pass < 2; ++pass)
        for (const Site site : order)
            give(collector, site, data, {0});
    const Observation observation = collector.observation();
    QCOMPARE(observation.sites.size(), order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        QVERIFY(observation.sites[i].site == order[i]);
        QVERIFY(observation.withoutFirstToken[i].site == order[i]);
        QCOMPARE(observation.sites[i].tokens, 8);
    }
}

void TestCollector::nothingTaken() {
    Collector without({{}, 6, 0, {}}); // no peaks are asked for
    give(without, mlp, makeData(5, {4, 9}), {0, 1});
    QVERIFY(without.observation().sites[0].peaks.empty());
    QCOMPARE(without.observation().sites[0].tokens, 13);
    const Observation observation = Collector({}).observation();
    QVERIFY(observation.sites.empty());
    QCOMPARE(observation.tokens, 0);
    QCOMPARE(Collector({}).moments(mlp).channels(), 0);
}

QTEST_APPLESS_MAIN(TestCollector)
#include "test_collector.moc"
