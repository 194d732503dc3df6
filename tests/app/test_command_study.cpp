// SPDX-License-Identifier: GPL-3.0-or-later
// The reproduction of arXiv 2603.04308: its claims judged on figures that are known, and the whole command.
#include <QtTest>

#include "app/commands/outlier_study.h"
#include "tests/support/command_run.h"

#include <QTemporaryDir>

using namespace kurtoscope;
using namespace kurtoscope::commands;
using kurtoscope::test::runCommand;

namespace {

Reading read(double score, double fp32) {
    Reading reading;
    reading.metric = "accuracy";
    reading.score = score, reading.standardError = 0.005;
    reading.difference = score - fp32, reading.differenceError = 0.004;
    reading.latencyP50Ms = 58.5;
    reading.kernels = KernelTag::simulated;
    return reading;
}

Observation seen(std::initializer_list<double> kurtosis, double energy) {
    Observation observation;
    int layer = 0;
    for (double value : kurtosis) {
        SiteStats stats;
        stats.site = {layer++, Place::mlp_residual};
        stats.channels = 8, stats.tokens = 10;
        stats.siteKurtosis = value, stats.top1pctEnergy = energy;
        observation.sites.push_back(stats);
    }
    return observation;
}

ModelInfo classifier() {
    ModelInfo model;
    model.labels = {"no", "yes"};
    return model;
}

std::vector<Reading> readings(std::initializer_list<double> scores) {
    std::vector<Reading> all;
    for (double score : scores)
        all.push_back(read(score, *scores.begin()));
    return all;
}

} // namespace

class TestCommandStudy : public QObject {
    Q_OBJECT

private slots:
    void thePapersOwnFiguresBearOutItsClaims() {
        const auto rows = studyRows(8, 8, {3, 4});
        std::vector<Reading> published;
        for (const StudyRow& row : rows)
            published.push_back(read(row.published.value_or(0.89), 0.8966));
        for (const StudyClaim& claim : judge(rows, published, seen({12, 40, 150, 271}, 0.55), classifier()))
            QVERIFY2(claim.holds, (claim.claim + ": " + claim.measured).c_str());
        near(*recovered(published[0], published[1], published[2]), 0.9929);
    }

    // What a busy machine's clock says of a simulation is no speed-up; what integers gain is one.
    void onlyIntegersCanBeFaster() {
        const auto rows = studyRows(8, 8, {3, 4});
        auto timed = readings({0.88, 0.879, 0.88, 0.88, 0.88, 0.88, 0.88, 0.88, 0.88});
        const auto nothingFaster = [&] {
            return judge(rows, timed, seen({200, 100, 50}, 0.1), classifier()).back().holds;
        };
        timed[2].latencyP50Ms = 20;
        QVERIFY(nothingFaster());
        timed[2].kernels = KernelTag::integer;
        QVERIFY(!nothingFaster());
        timed[2].latencyP50Ms = 57;
        QVERIFY(nothingFaster());
    }

    void whereNothingFallsTheReportSaysSo() {
        const auto rows = studyRows(8, 8, {3, 4});
        const auto claims = judge(rows, readings({0.88, 0.879, 0.88, 0.88, 0.88, 0.88, 0.88, 0.88, 0.88}),
                                  seen({200, 100, 50}, 0.1), classifier());
        int held = 0;
        for (const StudyClaim& claim : claims)
            held += claim.holds;
        QCOMPARE(held, 1); // nothing runs faster
        QVERIFY(claims[0].measured.find("not growing with depth") != std::string::npos);
        QVERIFY(claims[2].measured.find("no difference") != std::string::npos);
        QVERIFY(claims[3].measured.find("nothing fell") != std::string::npos);
        QVERIFY(!recovered(read(0.9, 0.9), read(0.9, 0.9), read(0.9, 0.9)));
    }

    // A linear model of the error knows nothing of a perplexity a hundred thousand times as large.
    void anExplodedPerplexityIsADifference() {
        const auto perplexity = [](double score, double error) {
            Reading reading;
            reading.score = score, reading.perplexity = score, reading.lowerIsBetter = true;
            reading.difference = score - 25.09, reading.differenceError = error;
            return reading;
        };
        const Reading fp32 = perplexity(25.09, 0), fallen = perplexity(4'572'816, 6.4e6);
        QVERIFY(fallen.differs());
        QVERIFY(perplexity(25.5, 0.2).differs() && !perplexity(25.5, 0.21).differs());
        QVERIFY(perplexity(24.5, 0.29).differs() && !perplexity(24.5, 0.31).differs());
        near(*recovered(fp32, fallen, perplexity(27'135, 2518)), 0.4233); // of the likelihood
        near(*recovered(fp32, fallen, fp32), 1);
    }

    // A perplexity has no chance level: a collapse is half as large again.
    void aPerplexityCollapsesWhenItIsHalfAsLargeAgain() {
        for (const auto& [score, collapsed] : {std::pair(40.0, false), std::pair(60.0, true)}) {
            auto all = readings({30, score, 30.5, 38, 32, 39, 39, 39, 31});
            for (Reading& reading : all)
                reading.metric = "perplexity", reading.lowerIsBetter = true;
            QCOMPARE(judge(studyRows(8, 8, {3, 4}), all, seen({12, 40}, 0.5), {})[2].holds, collapsed);
        }
    }

    void clippingThatHelpsIsNotHidden() {
        const auto rows = studyRows(6, 16, {3, 4});
        const auto claims = judge(rows, readings({0.88, 0.5, 0.84, 0.7, 0.8, 0.6, 0.75, 0.8, 0.85}),
                                  seen({20, 40, 90}, 0.4), classifier());
        QVERIFY(!claims[5].holds);
        QVERIFY(claims[5].measured.find("wins back 79 %") != std::string::npos);
        QVERIFY(claims[4].holds && claims[4].measured.find("slope") != std::string::npos);
    }

    void theCommandRunsTheWholeStudy() {
        const QString folder = KURTOSCOPE_TESTS_DIR "/golden/tiny-bert-classifier";
        QTemporaryDir temporary;
        QFile table(temporary.filePath("rows.tsv"));
        QVERIFY(table.open(QIODevice::WriteOnly));
        for (int i = 0; i < 60; ++i)
            table.write(QString("%1\tthe harbour number %2 is old\n").arg(i % 2).arg(i).toUtf8());
        table.close();
        const auto run =
            runCommand({"reproduce", "activation-outliers", "--model", folder, "--data", table.fileName(),
                        "--bits", "6", "--report", temporary.filePath("report"), "--json", "-"});
        QVERIFY2(run.code == 0, run.err.constData());
        const auto json = run.json();
        QCOMPARE(json["rows"].size(), std::size_t{11});
        QCOMPARE(json["claims"].size(), std::size_t{7});
        QCOMPARE(json["rows"][1]["published"].get<double>(), 0.5433);
        QVERIFY(json["rows"][0]["published"].get<double>() == 0.8966);
        for (const auto& row : json["rows"])
            QVERIFY(row["score"].is_number() && row["kernels"] != "integer");
        QVERIFY(!json["depth"].empty());
        QFile page(temporary.filePath("report/index.html"));
        QVERIFY(page.open(QIODevice::ReadOnly));
        const QByteArray html = page.readAll();
        for (const char* part :
             {"Claim by claim", "PEG, K = 3", "89.66 %", "data:image/png;base64", "embedding groups K"})
            QVERIFY2(html.contains(part), part);
        QVERIFY(!html.contains("http://") && !html.contains("https://"));
    }

    void badWords_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<int>("code");
        QTest::newRow("no study") << QStringList{"reproduce", "--model", "x", "--data", "y"} << 2;
        QTest::newRow("unknown study")
            << QStringList{"reproduce", "cold-fusion", "--model", "x", "--data", "y"} << 2;
        QTest::newRow("bits") << QStringList{"reproduce", "activation-outliers",
                                             "--model",   "x",
                                             "--data",    "y",
                                             "--bits",    "9"}
                              << 2;
        QTest::newRow("no model") << QStringList{"reproduce", "activation-outliers",
                                                 "--model",   "/nowhere",
                                                 "--data",    "y"}
                                  << 1;
    }
    void badWords() {
        QFETCH(QStringList, words);
        QFETCH(int, code);
        QCOMPARE(runCommand(words).code, code);
    }

private:
    static void near(double got, double expected) { QVERIFY(std::abs(got - expected) < 1e-3); }
};

QTEST_GUILESS_MAIN(TestCommandStudy)
#include "test_command_study.moc"
