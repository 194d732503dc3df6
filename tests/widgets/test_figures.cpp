// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "synthetic_workspace.h"
#include "widgets/figures.h"
#include "widgets/parts/channel_figures.h"
#include "widgets/parts/comparison_model.h"
#include "widgets/theme.h"

#include <QtTest>

#include <limits>
#include <numeric>

namespace kurtoscope {

// Numbers as text, colours from files, and what the channel panel computes.
class TestFigures : public QObject {
    Q_OBJECT
private slots:
    void figureReads_data() {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("text");
        QTest::newRow("zero") << 0.0 << "0";
        QTest::newRow("three digits") << 11.632 << "11.6";
        QTest::newRow("whole") << 428.4 << "428";
        QTest::newRow("thousands") << 23456.0 << "23.5k";
        QTest::newRow("rounds up to a thousand") << 999.7 << "1k";
        QTest::newRow("millions") << 1.5e6 << "1.5M";
        QTest::newRow("small") << 0.0374 << "0.037";
        QTest::newRow("tiny") << 0.00001234 << "1.2e-05";
        QTest::newRow("minus") << -2.5 << "−2.5";
        QTest::newRow("infinite") << std::numeric_limits<double>::infinity() << "∞";
        QTest::newRow("not a number") << std::nan("") << "–";
    }
    void figureReads() {
        QFETCH(double, value);
        QFETCH(QString, text);
        QCOMPARE(figure(value), text);
    }

    void otherForms() {
        QCOMPARE(grouped(149760), QString("149,760"));
        QCOMPARE(grouped(-1000), QString("−1,000"));
        QCOMPARE(grouped(12), QString("12"));
        QCOMPARE(percent(0.876), QString("88 %"));
        QCOMPARE(signedFixed(1.386, 2), QString("+1.39"));
        QCOMPARE(signedFixed(-0.001, 2), QString("0.00"));
        QCOMPARE(bytes(538'060'032), QString("538 MB"));
        QCOMPARE(bytes(1'340'000'000), QString("1.34 GB"));
        QCOMPARE(tokenText(" film"), QString("film"));
        QCOMPARE(tokenText("\n"), QString("⏎"));
        QCOMPARE(tokenText(" "), QString("␣"));
        QCOMPARE(scoreText("accuracy", 0.9123), QString("91.2 %"));
        QCOMPARE(scoreText("spearman", 0.8204), QString("0.820"));
    }

    void phrasesFitWhole() {
        const QFontMetrics metrics(Theme::current().small());
        const auto wide = [&](const char* text) { return metrics.horizontalAdvance(text) + 1; };
        const QString all = "layer 12 · kurtosis · log";
        QCOMPARE(phrasesThatFit(all, metrics, 1000), all);
        QCOMPARE(phrasesThatFit(all, metrics, metrics.horizontalAdvance(all) - 4), "layer 12 · kurtosis");
        QCOMPARE(phrasesThatFit(all, metrics, wide("layer 12")), "layer 12");
        const QString most = phrasesThatFit(all, metrics, wide("layer 12") * 4 / 5);
        QVERIFY2(most.startsWith("lay") && most.endsWith("…"), qPrintable(most));
        QCOMPARE(phrasesThatFit(all, metrics, wide("layer 12") / 3), QString());
        QCOMPARE(phrasesThatFit({}, metrics, -5), QString());
    }

    void severityTakesTheWorse() {
        SiteStats s;
        s.siteKurtosis = 3;
        s.maxToMedian = 2;
        QCOMPARE(severity(s), 0);
        s.maxToMedian = 25;
        QCOMPARE(severity(s), 2);
        s.siteKurtosis = 600;
        QCOMPARE(severity(s), 3);
    }

    void themesLoad() {
        for (const char* name : {"light", "dark"}) {
            const Theme theme = Theme::load(name);
            QCOMPARE(theme.dark, QString(name) == "dark");
            // Text stands out from its ground (WCAG's 4.5 for body text).
            const auto luminance = [](const QColor& c) {
                const auto part = [](double v) {
                    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
                };
                return 0.2126 * part(c.redF()) + 0.7152 * part(c.greenF()) + 0.0722 * part(c.blueF());
            };
            const auto contrast = [&](const QColor& a, const QColor& b) {
                const double x = luminance(a), y = luminance(b);
                return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
            };
            for (const QColor& ink : {theme.text, theme.muted, theme.better, theme.worse, theme.primary})
                QVERIFY(contrast(ink, theme.surface) >= 4.5);
            QVERIFY(contrast(theme.text, theme.keptSoft) >= 4.5);
            for (const auto tag : {KernelTag::floating, KernelTag::simulated, KernelTag::integer})
                QVERIFY(contrast(theme.tag(tag).ink, theme.tag(tag).back) >= 4.5);
            // The palette only grows brighter, so that it also reads in grey.
            double before = -1;
            for (int i = 0; i <= 50; ++i) {
                const double now = luminance(theme.heat(i / 50.0));
                QVERIFY(now > before);
                before = now;
            }
        }
    }

    void brokenThemeNamesFileAndKey_data() {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QString>("where");
        QTest::addColumn<QString>("what");
        QTest::newRow("not JSON") << QByteArray("{") << "theme.json"
                                  << "not a theme";
        QTest::newRow("no colours") << QByteArray("{}") << "theme.json, colours.window"
                                    << "not a colour";
    }
    void brokenThemeNamesFileAndKey() {
        QFETCH(QByteArray, json);
        QFETCH(QString, where);
        QFETCH(QString, what);
        QTemporaryDir folder;
        const QString path = folder.filePath("theme.json");
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(json);
        file.close();
        try {
            Theme::load(path);
            QFAIL("accepted");
        } catch (const Error& error) {
            QVERIFY2(QString::fromStdString(error.where()).endsWith(where), error.what());
            QVERIFY2(QString::fromStdString(error.message()).contains(what), error.what());
        }
        QVERIFY_EXCEPTION_THROWN(Theme::load(folder.filePath("absent.json")), Error);
    }

    void aThemeOfOnesOwnLoads() {
        QFile ours(":/kurtoscope/themes/light.json");
        QVERIFY(ours.open(QIODevice::ReadOnly));
        QTemporaryDir folder;
        const QString path = folder.filePath("mine.json");
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(ours.readAll().replace("\"#e8590c\"", "\"#123456\"").replace("viridis", "cividis"));
        file.close();
        const Theme theme = Theme::load(path);
        QCOMPARE(theme.kept, QColor("#123456"));
        QCOMPARE(theme.heat(0), QColor("#00224e"));
    }

    void histogramCountsEveryValue() {
        const auto sample = testing::sampleOf({3, Place::attn_input}, 50, 40, 7);
        const ChannelHistogram counted = channelHistogram(*sample, 7, 30);
        const auto sum = [](const std::vector<double>& v) {
            return std::accumulate(v.begin(), v.end(), 0.0);
        };
        QCOMPARE(counted.every, 1);
        QCOMPARE(sum(counted.histogram.front), 40.0);
        QCOMPARE(sum(counted.histogram.back), 49.0 * 40);
        QCOMPARE(counted.histogram.low,
                 static_cast<double>(*std::min_element(sample->values.begin(), sample->values.end())));
    }

    void histogramLeavesOutWhatIsNotFinite() {
        SiteSample sample{{0, Place::attn_input}, 2, {"a", "b"}, {1.0F, std::nanf(""), 2.0F, INFINITY}};
        const ChannelHistogram counted = channelHistogram(sample, 0, 4);
        QCOMPARE(counted.notFinite, std::size_t{2});
        QCOMPARE(counted.histogram.front.front() + counted.histogram.front.back(), 2.0);
        sample.values.assign(4, std::nanf(""));
        QVERIFY(channelHistogram(sample, 0, 4).histogram.front.empty());
        sample.values.assign(4, 5.0F); // all alike: still a range
        QVERIFY(channelHistogram(sample, 0, 4).histogram.high > 5);
    }

    // A sample whose channels but the first are within ±1, of 200 tokens and 100 channels.
    static SiteSample evenSample() {
        SiteSample sample{{0, Place::mlp_hidden}, 100, {}, {}};
        for (int row = 0; row < 200; ++row) {
            sample.tokens.push_back("t");
            for (int c = 0; c < 100; ++c)
                sample.values.push_back(static_cast<float>((row * 37 + c * 11) % 201 - 100) / 100);
        }
        return sample;
    }

    void histogramIsNotPressedTogetherByAFewMassiveValues() {
        SiteSample sample = evenSample();
        sample.values[5] = 3147;
        sample.values[107] = -900;
        sample.values[205] = 2000;
        const ChannelHistogram counted = channelHistogram(sample, 5, 60);
        const ValueCounts& h = counted.histogram;
        QVERIFY2(h.high >= 1 && h.high <= 4.1 && h.low >= -4.1 && h.low <= -1, "four times the bulk");
        QCOMPARE(h.above.front, 2.0);
        QCOMPARE(h.above.back, 0.0);
        QCOMPARE(h.below.back, 1.0);
        QCOMPARE(counted.furthest, 3147.0F);
        const double inside = std::accumulate(h.front.begin(), h.front.end(), 0.0) +
                              std::accumulate(h.back.begin(), h.back.end(), 0.0);
        QCOMPARE(inside, 200.0 * 100 - 3); // every value is counted once
    }

    void histogramReachesTheChosenChannelsOwnBulk() {
        SiteSample sample = evenSample();
        for (std::size_t row = 0; row < 200; ++row)
            sample.values[row * 100 + 9] = 40 + static_cast<float>(row % 7); // one value in a hundred
        sample.values[3] = 5000;
        const ChannelHistogram own = channelHistogram(sample, 9, 60);
        QVERIFY(own.histogram.high > 46 && own.histogram.high < 1000);
        QCOMPARE(std::accumulate(own.histogram.front.begin(), own.histogram.front.end(), 0.0), 200.0);
        QCOMPARE(own.histogram.above.back, 1.0);
    }

    void histogramOfAnOutlierChannelIsShownWhole() {
        const auto sample = testing::sampleOf({3, Place::attn_input}, 50, 40, 7);
        const ChannelHistogram counted = channelHistogram(*sample, 7, 30);
        QCOMPARE(counted.histogram.below.all() + counted.histogram.above.all(), 0.0);
        QCOMPARE(counted.furthest, 0.0F);
    }

    void factsCompareWithTheMedianChannel() {
        SiteStats s;
        s.channels = 3;
        s.tokens = 10;
        s.absmax = {2, 40, 1};
        s.mean = {0, -3, 0};
        s.variance = {1, 4, 1};
        s.kurtosis = {3, 9, 3};
        s.energy = {10, 80, 10};
        s.shareAbove = {0, 0.5, 0};
        s.siteKurtosis = 77;
        s.top1pctEnergy = 0.8;
        const auto facts = channelFacts(s, 1);
        QCOMPARE(facts[0].figure, QString("40"));
        QCOMPARE(facts[1].figure, QString("20 ×"));
        QCOMPARE(facts[2].figure, QString("−3 ± 2"));
        QCOMPARE(facts[5].figure, QString("80.0 %"));
        for (const auto& fact : facts)
            QVERIFY(!fact.tip.isEmpty());
        QCOMPARE(facts.size(), std::size_t{8});
        s.nonfinite = 4;
        QCOMPARE(channelFacts(s, 1).back().figure, QString("4"));
    }

    void tokensStandAroundTheLargest() {
        SiteSample sample{{0, Place::attn_input}, 1, {}, {}};
        for (int i = 0; i < 500; ++i) {
            sample.tokens.push_back("t" + std::to_string(i));
            sample.values.push_back(i == 300 ? -8.0F : 1.0F);
        }
        const auto entries = tokensAround(sample, 0, -1, 30);
        QCOMPARE(entries.size(), std::size_t{30});
        QCOMPARE(entries.front().token, 290);
        QCOMPARE(entries[10].token, 300);
        QCOMPARE(entries[10].share, 1.0);
        QCOMPARE(entries[0].share, 0.125);
        QCOMPARE(tokensAround(sample, 0, 499, 30).back().token, 499);
        QVERIFY(tokensAround(sample, 5, -1, 30).empty());
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestFigures)
#include "test_figures.moc"
