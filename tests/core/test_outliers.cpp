// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/moments.h"
#include "core/statistics/outliers.h"
#include "core/statistics/site_figures.h"
#include "tests/support/failure.h"

#include <QTest>

using namespace kurtoscope;
using test::failure;

namespace {

using Kind = Criterion::Kind;

// Statistics of a site whose channel c alternates between ±values[c] over `tokens` tokens.
SiteStats statsOf(Site site, const std::vector<float>& values, int tokens = 100, float bar = 6) {
    const int channels = static_cast<int>(values.size());
    ChannelMoments moments(bar);
    moments.grow(channels);
    for (int t = 0; t < tokens; ++t) {
        std::vector<float> row = values;
        if (t % 2 == 1)
            for (float& x : row)
                x = -x;
        moments.add(row.data(), 1, channels, 0, channels);
    }
    SiteStats stats = siteFigures(site, moments);
    stats.tokens = tokens;
    return stats;
}

// The same with one value set apart in `share` of 100 tokens.
SiteStats withShare(Site site, int channels, int channel, int share) {
    ChannelMoments moments;
    moments.grow(channels);
    for (int t = 0; t < 100; ++t) {
        std::vector<float> row(static_cast<std::size_t>(channels), t % 2 == 0 ? 1.0F : -1.0F);
        if (t < share) row[static_cast<std::size_t>(channel)] = -7.0F;
        moments.add(row.data(), 1, channels, 0, channels);
    }
    SiteStats stats = siteFigures(site, moments);
    stats.tokens = 100;
    return stats;
}

Site layer(int number) {
    return {number, Place::mlp_input};
}

} // namespace

class TestOutliers : public QObject {
    Q_OBJECT
private slots:
    void parsesItsText_data();
    void parsesItsText();
    void refusesOtherText_data();
    void refusesOtherText();
    void ratioIsToTheMedianChannel();
    void ratioTakesTheMeanOfTwoMiddleChannels();
    void topTakesTheLargest();
    void sigmaIsOfTheWholeSite();
    void magnitudeNeedsTokensAndLayers();
    void magnitudeNeedsItsBar();
    void firstTokenChannelsAreToldApart();
    void sitesWithoutDataAreLeftOut();
};

void TestOutliers::parsesItsText_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("kind");
    QTest::addColumn<double>("value");
    QTest::addColumn<QByteArray>("canonical");
    QTest::newRow("auto") << QByteArray("auto") << int(Kind::ratio) << 20.0 << QByteArray("ratio:20");
    QTest::newRow("ratio") << QByteArray("ratio:7.5") << int(Kind::ratio) << 7.5 << QByteArray("ratio:7.5");
    QTest::newRow("top") << QByteArray("top:4") << int(Kind::top) << 4.0 << QByteArray("top:4");
    QTest::newRow("magnitude") << QByteArray("magnitude:6.0") << int(Kind::magnitude) << 6.0
                               << QByteArray("magnitude:6");
    QTest::newRow("sigma") << QByteArray("sigma:6") << int(Kind::sigma) << 6.0 << QByteArray("sigma:6");
}

void TestOutliers::parsesItsText() {
    QFETCH(QByteArray, text);
    const Criterion criterion = Criterion::parse(text.toStdString());
    QTEST(static_cast<int>(criterion.kind), "kind");
    QTEST(criterion.value, "value");
    QTEST(QByteArray::fromStdString(criterion.text()), "canonical");
}

void TestOutliers::refusesOtherText_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    QTest::newRow("unknown") << QByteArray("biggest:3")
                             << QByteArray("unknown outlier criterion \"biggest:3\"");
    QTest::newRow("empty") << QByteArray("") << QByteArray("Known: auto, ratio:R");
    QTest::newRow("no number") << QByteArray("ratio") << QByteArray("needs a number above 0 after ratio:");
    QTest::newRow("word") << QByteArray("ratio:many") << QByteArray("\"ratio:many\"");
    QTest::newRow("rest") << QByteArray("ratio:20x") << QByteArray("\"ratio:20x\"");
    QTest::newRow("zero") << QByteArray("sigma:0") << QByteArray("above 0");
    QTest::newRow("negative") << QByteArray("magnitude:-6") << QByteArray("above 0");
    QTest::newRow("infinite") << QByteArray("magnitude:inf") << QByteArray("above 0");
    QTest::newRow("part of a channel") << QByteArray("top:2.5") << QByteArray("whole number");
}

void TestOutliers::refusesOtherText() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, expected);
    const std::string sentence = failure([&] { Criterion::parse(text.toStdString()); });
    QVERIFY2(QByteArray::fromStdString(sentence).contains(expected), sentence.c_str());
}

void TestOutliers::ratioIsToTheMedianChannel() {
    const std::vector<SiteStats> sites{statsOf(layer(0), {1, 2, 3, 61, 2}),
                                       statsOf(layer(1), {1, 2, 3, 40, 2})};
    const ChannelSets marked = outlierChannels(sites, {Kind::ratio, 20});
    QCOMPARE(marked, (ChannelSets{{layer(0), {3}}})); // 40 is 20 × the median, not over it
    QCOMPARE(outlierChannels(sites, {Kind::ratio, 1.2}).at(layer(1)), (std::set<int>{2, 3}));
}

void TestOutliers::ratioTakesTheMeanOfTwoMiddleChannels() {
    const std::vector<SiteStats> sites{statsOf(layer(0), {1, 1, 3, 10})}; // median 2
    QCOMPARE(outlierChannels(sites, {Kind::ratio, 4.9}).at(layer(0)), (std::set<int>{3}));
    QVERIFY(outlierChannels(sites, {Kind::ratio, 5}).empty());
}

void TestOutliers::topTakesTheLargest() {
    const std::vector<SiteStats> sites{statsOf(layer(0), {1, 9, 9, 4, 9})};
    QCOMPARE(outlierChannels(sites, {Kind::top, 1}).at(layer(0)),
             (std::set<int>{1})); // equal ones: the first
    QCOMPARE(outlierChannels(sites, {Kind::top, 4}).at(layer(0)), (std::set<int>{1, 2, 3, 4}));
    QCOMPARE(outlierChannels(sites, {Kind::top, 1000}).at(layer(0)).size(), std::size_t{5});
}

void TestOutliers::sigmaIsOfTheWholeSite() {
    // 99 channels of ±1 and one of ±20: mean 0, variance (99 + 400) / 100, σ = 2.234; 20 σ⁻¹ = 8.953.
    std::vector<float> values(100, 1.0F);
    values[42] = 20.0F;
    const std::vector<SiteStats> sites{statsOf(layer(0), values)};
    QCOMPARE(outlierChannels(sites, {Kind::sigma, 8.95}).at(layer(0)), (std::set<int>{42}));
    QVERIFY(outlierChannels(sites, {Kind::sigma, 8.96}).empty());
}

void TestOutliers::magnitudeNeedsTokensAndLayers() {
    // Channel 1 reaches 6 in 6 of 100 tokens of one layer of four (25 %); channel 2 in 5 of 100; channel 0
    // never.
    std::vector<SiteStats> sites{withShare(layer(0), 3, 1, 6), withShare(layer(1), 3, 2, 5),
                                 withShare(layer(2), 3, 2, 5), withShare(layer(3), 3, 2, 5)};
    QCOMPARE(outlierChannels(sites, {Kind::magnitude, 6}), (ChannelSets{{layer(0), {1}}}));
    sites.push_back(withShare(layer(4), 3, 2, 5)); // one of five layers is too few
    QVERIFY(outlierChannels(sites, {Kind::magnitude, 6}).empty());
    // Another place's layers are counted apart.
    sites.pop_back();
    sites.push_back(withShare({0, Place::mlp_output}, 3, 2, 50));
    QCOMPARE(outlierChannels(sites, {Kind::magnitude, 6}),
             (ChannelSets{{layer(0), {1}}, {{0, Place::mlp_output}, {2}}}));
}

void TestOutliers::magnitudeNeedsItsBar() {
    const std::vector<SiteStats> sites{statsOf(layer(7), {1, 2}, 10, 6)};
    const std::string sentence = failure([&] { outlierChannels(sites, {Kind::magnitude, 8}); });
    QVERIFY2(sentence.starts_with("layers.7.mlp_input: ") &&
                 sentence.find("magnitude:8") != std::string::npos,
             sentence.c_str());
}

void TestOutliers::firstTokenChannelsAreToldApart() {
    Observation observation;
    observation.sites = {statsOf(layer(0), {1, 1, 90, 80, 1}), statsOf(layer(1), {1, 1, 90, 1, 1})};
    observation.withoutFirstToken = {statsOf(layer(0), {1, 1, 1, 80, 1}),
                                     statsOf(layer(1), {1, 1, 90, 1, 1})};
    QCOMPARE(firstTokenOnly(observation, {}), (ChannelSets{{layer(0), {2}}}));
}

void TestOutliers::sitesWithoutDataAreLeftOut() {
    SiteStats empty;
    empty.site = layer(0);
    for (const Kind kind : {Kind::ratio, Kind::top, Kind::magnitude, Kind::sigma})
        QVERIFY(outlierChannels({empty}, {kind, 6}).empty());
    // A site of zeros and NaN marks nothing by a comparison.
    const std::vector<SiteStats> zeros{statsOf(layer(0), {0, 0, 0})};
    QVERIFY(outlierChannels(zeros, {Kind::ratio, 20}).empty());
    QVERIFY(outlierChannels(zeros, {Kind::sigma, 6}).empty());
}

QTEST_APPLESS_MAIN(TestOutliers)
#include "test_outliers.moc"
