// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/statistics/histogram.h"
#include "core/statistics/moment_kernel.h"
#include "core/statistics/moments.h"
#include "core/statistics/site_figures.h"
#include "tests/support/statistics_table.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace kurtoscope;

namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();
constexpr float notNumber = std::numeric_limits<float>::quiet_NaN();

bool near(double got, double expected, double relative = 1e-9) {
    if (std::isnan(expected)) return std::isnan(got);
    return std::abs(got - expected) <= relative * std::max(1e-12, std::abs(expected));
}

ChannelMoments momentsOf(const std::vector<float>& values, int channels, int rowsPerBlock) {
    const int rows = static_cast<int>(values.size()) / channels;
    ChannelMoments moments;
    moments.grow(channels);
    for (int r = 0; r < rows; r += rowsPerBlock)
        moments.add(values.data() + r * channels, std::min(rowsPerBlock, rows - r), channels, 0, channels);
    return moments;
}

std::vector<float> normalValues(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(size);
    for (float& value : values)
        value = normal(random);
    return values;
}

} // namespace

class TestMoments : public QObject {
    Q_OBJECT
private slots:
    void equalsScipy_data();
    void equalsScipy();
    void blocksDoNotMatter_data();
    void blocksDoNotMatter();
    void everyWidthIsExact_data();
    void everyWidthIsExact();
    void kernelsAgree();
    void rangesAddUp();
    void nonFiniteIsCountedAndLeftOut();
    void allNonFinite();
    void extremeFloatsStayFinite();
    void constantChannelHasNoKurtosis();
    void mergeWithEmpty();
    void histogramIsTheSameInAnyOrder();
    void histogramBinsHoldTheirValues();
    void histogramEdges();
};

void TestMoments::equalsScipy_data() {
    QTest::addColumn<int>("rowsPerBlock");
    for (const int rows : {1, 7, 64, 300})
        QTest::addRow("blocks of %d rows", rows) << rows;
}

void TestMoments::equalsScipy() {
    QFETCH(int, rowsPerBlock);
    const auto golden = nlohmann::json::parse(readFile(KURTOSCOPE_TESTS_DIR "/golden/statistics.json"));
    const int rows = golden["rows"], channels = golden["channels"];
    const auto values = test::statisticsTable(rows, channels);
    const SiteStats stats = siteFigures({0, Place::attn_input}, momentsOf(values, channels, rowsPerBlock));
    const auto& all = golden["all"];
    const auto expected = [&](const char* figure, std::size_t c) {
        return all[figure][c].is_null() ? std::nan("") : all[figure][c].get<double>();
    };
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
        QCOMPARE(static_cast<double>(stats.min[c]), expected("min", c));
        QCOMPARE(static_cast<double>(stats.max[c]), expected("max", c));
        QVERIFY2(near(stats.mean[c], expected("mean", c), 1e-9), qPrintable(QString::number(c)));
        QVERIFY2(near(stats.variance[c], expected("variance", c)), qPrintable(QString::number(c)));
        // Skewness may be near 0, where only an absolute bound has a meaning.
        QVERIFY2(std::isnan(expected("skewness", c))
                     ? std::isnan(stats.skewness[c])
                     : std::abs(stats.skewness[c] - expected("skewness", c)) < 1e-9,
                 qPrintable(QString::number(c)));
        QVERIFY2(near(stats.kurtosis[c], expected("kurtosis", c)), qPrintable(QString::number(c)));
        QVERIFY2(near(stats.energy[c], expected("energy", c)), qPrintable(QString::number(c)));
        QCOMPARE(stats.shareAbove[c], expected("shareAbove", c));
    }
    QVERIFY(near(stats.siteKurtosis, all["siteKurtosis"]));
    QVERIFY(near(stats.top1pctEnergy, all["top1pctEnergy"]));
    QVERIFY(near(stats.maxToMedian, all["maxToMedian"]));
    QCOMPARE(stats.siteAbsmax, 25400.0F);
}

void TestMoments::blocksDoNotMatter_data() {
    QTest::addColumn<double>("offset");
    QTest::addColumn<double>("scale");
    QTest::newRow("centred") << 0.0 << 1.0;
    QTest::newRow("far from zero") << 3000.0 << 1.0;
    QTest::newRow("tiny") << 0.0 << 1e-20;
    QTest::newRow("huge") << 0.0 << 1e30;
}

void TestMoments::blocksDoNotMatter() {
    QFETCH(double, offset);
    QFETCH(double, scale);
    const int channels = 40;
    auto values = normalValues(1000 * channels, 3);
    for (float& value : values)
        value = static_cast<float>(static_cast<double>(value) * scale + offset);
    const ChannelMoments one = momentsOf(values, channels, 1000), many = momentsOf(values, channels, 13);
    for (int c = 0; c < channels; ++c) {
        QVERIFY(near(many.at(c).mean, one.at(c).mean, 1e-6));
        QVERIFY(near(many.at(c).variance(), one.at(c).variance(), 1e-6));
        QVERIFY(near(many.at(c).kurtosis(), one.at(c).kurtosis(), 1e-6));
        QVERIFY(std::abs(many.at(c).skewness() - one.at(c).skewness()) < 1e-6);
    }
}

void TestMoments::everyWidthIsExact_data() {
    QTest::addColumn<int>("channels");
    for (const int channels : {1, 2, 3, 15, 16, 17, 31, 33, 127, 129, 2176, 2177, 5000})
        QTest::addRow("%d channels", channels) << channels;
}

// Tiles, edges and gathered panels against plain sums; values of few bits make every sum exact.
void TestMoments::everyWidthIsExact() {
    QFETCH(int, channels);
    const int rows = 16;
    std::vector<float> values;
    for (int i = 0; i < rows * channels; ++i)
        values.push_back(static_cast<float>((i * 7919) % 31 - 15) * 0.5F);
    const ChannelMoments moments = momentsOf(values, channels, rows);
    for (int c = 0; c < channels; ++c) {
        double sum = 0, squares = 0, above = 0;
        float low = infinite, high = -infinite;
        for (int r = 0; r < rows; ++r) {
            const float x = values[static_cast<std::size_t>(r * channels + c)];
            sum += static_cast<double>(x);
            squares += static_cast<double>(x * x);
            above += std::abs(x) >= 6 ? 1 : 0;
            low = std::min(low, x);
            high = std::max(high, x);
        }
        const Moments got = moments.at(c);
        QCOMPARE(got.count, 16.0);
        QVERIFY(std::abs(got.mean - sum / 16) < 1e-12);
        QVERIFY(near(got.energy(), squares));
        QCOMPARE(got.above, above);
        QCOMPARE(got.min, low);
        QCOMPARE(got.max, high);
    }
    ChannelMoments again;
    again.grow(channels);
    int shown = 0;
    again.add(values.data(), rows, channels, 0, channels, 7.5F,
              [&](const float* tile, std::int64_t stride, int begin, int end) {
                  QVERIFY(end > begin && begin >= shown);
                  shown = end;
                  float largest = 0;
                  for (int r = 0; r < rows; ++r)
                      for (int c = begin; c < end; ++c) {
                          const float x = values[static_cast<std::size_t>(r * channels + c)];
                          QCOMPARE(tile[r * stride + c - begin], x);
                          largest = std::max(largest, std::abs(x));
                      }
                  QCOMPARE(largest, 7.5F); // the largest of all
              });
    QCOMPARE(again.at(channels - 1).m4, moments.at(channels - 1).m4);
    QVERIFY(channels < 33 || shown > 0);
    for (int r = 0; r < rows; ++r) {
        float expected = 0;
        for (int c = 0; c < channels; ++c)
            expected = std::max(expected, std::abs(values[static_cast<std::size_t>(r * channels + c)]));
        for (const MomentKernel& kernel : momentKernels())
            QCOMPARE(kernel.largest(values.data() + r * channels, 1, 0, channels), expected);
    }
}

// The processor's best kernel serves all other tests; here each one that it can run meets plain sums.
void TestMoments::kernelsAgree() {
    const int rows = 50, stride = widestMomentTile;
    const auto values = normalValues(rows * stride, 21);
    QVERIFY(!momentKernels().empty());
    for (const MomentKernel& kernel : momentKernels()) {
        double sums[6][widestMomentTile] = {};
        float extremes[2][widestMomentTile] = {};
        const MomentTile tile{sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], extremes[0], extremes[1]};
        const float one = kernel.add(values.data(), 1, stride, 1.0F, tile),
                    most = kernel.add(values.data() + stride, rows - 1, stride, 1.0F, tile);
        for (int c = 0; c < kernel.width; ++c) {
            Moments plain;
            for (int r = 0; r < rows; ++r)
                plain.add(values[static_cast<std::size_t>(r * stride + c)], 1.0F);
            QVERIFY2(near(tile.mean[c], plain.mean) && near(tile.m2[c], plain.m2) &&
                         near(tile.m3[c], plain.m3) && near(tile.m4[c], plain.m4),
                     kernel.name);
            QCOMPARE(tile.above[c], plain.above);
            QCOMPARE(tile.min[c], plain.min);
            QCOMPARE(tile.max[c], plain.max);
        }
        float first = 0, rest = 0;
        for (int r = 0; r < rows; ++r) {
            float expected = 0;
            for (int c = 0; c < kernel.width; ++c)
                expected = std::max(expected, std::abs(values[static_cast<std::size_t>(r * stride + c)]));
            QCOMPARE(kernel.largest(values.data() + r * stride, 1, 0, kernel.width), expected);
            (r == 0 ? first : rest) = std::max(r == 0 ? first : rest, expected);
        }
        QCOMPARE(one, first);
        QCOMPARE(most, rest);
        for (const float bad : {notNumber, infinite, -infinite}) {
            auto spoiled = values;
            spoiled[static_cast<std::size_t>(7 * stride + kernel.width - 1)] = bad;
            const double before = tile.m4[0];
            QVERIFY2(kernel.add(spoiled.data(), rows, stride, 1.0F, tile) < 0, kernel.name);
            QCOMPARE(tile.m4[0], before);
            float finite = 0;
            for (int c = 0; c < kernel.width - 1; ++c)
                finite = std::max(finite, std::abs(values[static_cast<std::size_t>(7 * stride + c)]));
            QCOMPARE(kernel.largest(spoiled.data() + 7 * stride, 1, 0, kernel.width), finite);
            QCOMPARE(kernel.largest(spoiled.data() + 6 * stride, 2, stride, kernel.width - 1),
                     std::max(finite, kernel.largest(values.data() + 6 * stride, 1, 0, kernel.width - 1)));
        }
    }
}

// Threads take ranges of channels: the result must be the same to the bit.
void TestMoments::rangesAddUp() {
    const int channels = 100, rows = 50;
    const auto values = normalValues(rows * channels, 5);
    const ChannelMoments whole = momentsOf(values, channels, rows);
    ChannelMoments parts;
    parts.grow(channels);
    for (const auto& [begin, end] : {std::pair{64, 100}, std::pair{0, 32}, std::pair{32, 64}})
        parts.add(values.data(), rows, channels, begin, end);
    for (int c = 0; c < channels; ++c) {
        QCOMPARE(parts.at(c).mean, whole.at(c).mean);
        QCOMPARE(parts.at(c).m4, whole.at(c).m4);
    }
}

void TestMoments::nonFiniteIsCountedAndLeftOut() {
    const int channels = 20, rows = 30;
    auto values = normalValues(rows * channels, 7);
    const auto clean = values;
    const auto put = [&](int row, int channel, float value) {
        values[static_cast<std::size_t>(row * channels + channel)] = value;
    };
    put(0, 3, notNumber); // the shift itself
    put(5, 3, infinite);
    put(29, 19, -infinite);
    const ChannelMoments moments = momentsOf(values, channels, rows),
                         plain = momentsOf(clean, channels, rows);
    QCOMPARE(moments.at(3).nonfinite, 2.0);
    QCOMPARE(moments.at(3).count, 28.0);
    QCOMPARE(moments.at(19).nonfinite, 1.0);
    double sum = 0;
    for (int r = 1; r < rows; ++r)
        if (r != 5) sum += static_cast<double>(clean[static_cast<std::size_t>(r * channels + 3)]);
    QVERIFY(std::abs(moments.at(3).mean - sum / 28) < 1e-12);
    for (const int untouched : {0, 2, 4, 18}) {
        QCOMPARE(moments.at(untouched).nonfinite, 0.0);
        QVERIFY(near(moments.at(untouched).kurtosis(), plain.at(untouched).kurtosis()));
    }
    QCOMPARE(siteFigures({}, moments).nonfinite, 3);
    int shown = 0; // what is not finite hides nothing else, and is no reason to look
    ChannelMoments again;
    again.grow(channels);
    for (const float bar : {1.0F, 100.0F})
        again.add(values.data(), rows, channels, 0, channels, bar,
                  [&](const float*, std::int64_t, int begin, int end) { shown += end - begin; });
    QCOMPARE(shown, channels);
}

void TestMoments::allNonFinite() {
    const SiteStats stats = siteFigures({}, momentsOf(std::vector<float>(12, notNumber), 3, 4));
    QCOMPARE(stats.nonfinite, 12);
    QCOMPARE(stats.absmax[1], 0.0F);
    QCOMPARE(stats.energy[1], 0.0);
    QVERIFY(std::isnan(stats.mean[1]) && std::isnan(stats.kurtosis[1]) && std::isnan(stats.siteKurtosis));
}

void TestMoments::extremeFloatsStayFinite() {
    const float largest = std::numeric_limits<float>::max();
    const ChannelMoments moments = momentsOf({largest, -largest, largest, -largest}, 1, 4);
    QCOMPARE(moments.at(0).nonfinite, 0.0);
    QVERIFY(near(moments.at(0).kurtosis(), 1.0)); // two equal values far apart: the least there is
    const ChannelMoments denormal = momentsOf({1e-45F, 3e-45F, 1e-45F, 3e-45F}, 1, 2);
    QVERIFY(denormal.at(0).variance() > 0);
}

void TestMoments::constantChannelHasNoKurtosis() {
    const ChannelMoments moments = momentsOf(std::vector<float>(1000, 0.1F), 4, 7);
    QCOMPARE(moments.at(2).variance(), 0.0);
    QVERIFY(std::isnan(moments.at(2).kurtosis()));
    QVERIFY(std::isnan(moments.at(2).skewness()));
}

void TestMoments::mergeWithEmpty() {
    ChannelMoments empty;
    const ChannelMoments some = momentsOf(normalValues(600, 1), 6, 10);
    empty.merge(some);
    QCOMPARE(empty.channels(), 6);
    QCOMPARE(empty.at(5).m3, some.at(5).m3);
    empty.merge(ChannelMoments());
    QCOMPARE(empty.at(5).count, 100.0);
}

void TestMoments::histogramIsTheSameInAnyOrder() {
    auto values = normalValues(5000, 9);
    values[17] = 25400.0F;
    values[4000] = 0.0F;
    Histogram forward(64), backward(64), merged(64), tail(64);
    forward.add(values);
    merged.add(std::span(values).first(2000));
    tail.add(std::span(values).subspan(2000));
    merged.merge(tail);
    std::reverse(values.begin(), values.end());
    for (const float value : values)
        backward.add({&value, 1});
    QCOMPARE(forward.high(), 32768.0);
    QVERIFY(forward == backward);
    QVERIFY(forward == merged);
}

void TestMoments::histogramBinsHoldTheirValues() {
    const auto values = normalValues(3000, 11);
    Histogram histogram(128);
    for (std::size_t i = 0; i < values.size(); i += 100)
        histogram.add(std::span(values).subspan(i, 100));
    for (std::size_t bin = 0; bin < 128; ++bin) {
        const double low = histogram.low() + static_cast<double>(bin) * histogram.binWidth();
        const auto inside = std::count_if(values.begin(), values.end(), [&](float value) {
            const auto x = static_cast<double>(value);
            return x >= low && x < low + histogram.binWidth();
        });
        QCOMPARE(histogram.counts()[bin], inside);
    }
    QCOMPARE(histogram.total(), 3000);
}

void TestMoments::histogramEdges() {
    Histogram histogram(4);
    const std::vector<float> zeros{0.0F, -0.0F};
    histogram.add(zeros);
    QCOMPARE(histogram.high(), 0.0);
    const std::vector<float> values{-4.0F, 3.0F, notNumber, infinite, std::numeric_limits<float>::max()};
    histogram.add(std::span(values).first(2));
    QCOMPARE(histogram.high(), 8.0);
    QCOMPARE(histogram.counts(), (std::vector<std::int64_t>{0, 1, 3, 0}));
    histogram.add(std::span(values).subspan(2));
    QCOMPARE(histogram.nonfinite(), 2);
    QCOMPARE(histogram.total(), 5);
    QVERIFY_EXCEPTION_THROWN(Histogram(3), Error);
    QVERIFY_EXCEPTION_THROWN(histogram.merge(Histogram(8)), Error);
}

QTEST_APPLESS_MAIN(TestMoments)
#include "test_moments.moc"
