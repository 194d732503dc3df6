// SPDX-License-Identifier: GPL-3.0-or-later
// The sub-commands that say where a recipe's loss comes from: keys, tables, files, wrong words.
#include "tests/support/command_run.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace kurtoscope::test;

namespace {

const QStringList data{"--data", tinyText, "--windows", "2", "--length", "32"};
const QString recipe = QStringLiteral("w8a8:activation_bits=4,dynamic=on");

CommandRun diagnosed(const QString& command, const QStringList& more) {
    return runCommand(QStringList{command, tinyModel} + data + more);
}

} // namespace

class TestCommandDiagnose : public QObject {
    Q_OBJECT

private slots:
    void sensitivityRanksWhatIsRounded() {
        const auto run =
            diagnosed("sensitivity", {"--recipe", recipe, "--by", "place", "--measured", "1", "--json", "-"});
        QVERIFY2(run.code == 0, run.err.constData());
        const Json json = run.json();
        QCOMPARE(json["by"].get<std::string>(), std::string("place"));
        QCOMPARE(json["rows"].size(), std::size_t{4});
        double before = INFINITY;
        for (const Json& row : json["rows"]) {
            QVERIFY(row["only"].get<double>() <= before && row["all_but"].get<double>() > 0);
            before = row["only"].get<double>();
            QCOMPARE(row["windows"].get<int>(), 1);
        }
        QVERIFY(json["all"].get<double>() > 0);
    }

    void errorsAddUp() {
        const auto run = diagnosed(
            "errors", {"--recipe", "percentile:p=95,activation_bits=4", "--measured", "1", "--json", "-"});
        QVERIFY2(run.code == 0, run.err.constData());
        const Json json = run.json();
        double clipped = 0;
        for (const Json& site : json["sites"]) {
            const double sum = site["rounding_mse"].get<double>() + site["clipping_mse"].get<double>();
            QVERIFY(std::abs(sum - site["mse"].get<double>()) <= 1e-9 * sum);
            clipped += site["clipped_share"].get<double>();
        }
        QVERIFY(clipped > 0 && !json["worst_tokens"].empty());
        QVERIFY(json["worst_tokens"][0]["divergence"].get<double>() >=
                json["worst_tokens"][1]["divergence"].get<double>());
    }

    void selectionIsARecipeThatRuns() {
        QTemporaryDir folder;
        const QString file = folder.filePath("found.json");
        const auto run =
            diagnosed("select", {"--recipe", recipe, "--budget", "5", "--out", file, "--json", "-"});
        QVERIFY2(run.code == 0, run.err.constData());
        const Json json = run.json();
        QCOMPARE(json["kept"].get<int>(), 5);
        QVERIFY(json["reached"].get<bool>() && json["path"].size() >= 2);
        const auto evaluated = diagnosed(
            "evaluate", {"--recipe", file, "--no-latency", "--kernels", "simulated", "--json", "-"});
        QVERIFY2(evaluated.code == 0, evaluated.err.constData());
        QVERIFY(evaluated.json()["readings"][0]["kept_channels"].get<int>() >= 5);
        const double divergence = evaluated.json()["readings"][0]["kl_mean"].get<double>();
        QVERIFY(std::abs(divergence - json["path"].back()["divergence"].get<double>()) < 1e-9);
    }

    void groupsAndStabilitySpeak() {
        const auto groups = diagnosed(
            "groups", {"--site", "layers.0.mlp_residual", "--groups", "1", "--groups", "4", "--json", "-"});
        QVERIFY2(groups.code == 0, groups.err.constData());
        const Json tables = groups.json()["tables"];
        QCOMPARE(tables.size(), std::size_t{2});
        QVERIFY(tables[1]["noise"].get<double>() < tables[0]["noise"].get<double>());
        QVERIFY(groups.err.contains("K = 4"));
        const auto stability = diagnosed("stability", {"--criterion", "top:1", "--json", "-"});
        QVERIFY2(stability.code == 0, stability.err.constData());
        QCOMPARE(stability.json()["rows"].size(), std::size_t{2});
        QVERIFY(stability.json()["fixed"].get<int>() > 0);
    }

    void wrongWords_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<int>("code");
        QTest::addColumn<QByteArray>("says");
        const auto row = [](const char* name, const QStringList& words, int code, const char* says) {
            QTest::newRow(name) << words << code << QByteArray(says);
        };
        row("select without a goal",
            QStringList{"select", tinyModel} + data + QStringList{"--recipe", recipe}, 2, "no goal");
        row("select fp32",
            QStringList{"select", tinyModel} + data + QStringList{"--recipe", "fp32", "--budget", "2"}, 1,
            "fp32 rounds nothing");
        row("sensitivity of fp32",
            QStringList{"sensitivity", tinyModel} + data + QStringList{"--recipe", "fp32"}, 1,
            "fp32 rounds nothing");
        row("unknown unit",
            QStringList{"sensitivity", tinyModel} + data + QStringList{"--recipe", recipe, "--by", "moon"}, 2,
            "--by");
        row("unknown site", QStringList{"groups", tinyModel} + data + QStringList{"--site", "layers.0.nose"},
            2, "no site is called");
        row("site of another model",
            QStringList{"groups", tinyModel} + data + QStringList{"--site", "layers.99.mlp_residual"}, 1,
            "has no site");
        row("too many groups",
            QStringList{"groups", tinyModel} + data +
                QStringList{"--site", "layers.0.mlp_residual", "--groups", "100000"},
            1, "groups of");
        row("criterion", QStringList{"stability", tinyModel} + data + QStringList{"--criterion", "most"}, 2,
            "unknown outlier criterion");
        row("pins from nowhere",
            QStringList{"select", tinyModel} + data +
                QStringList{"--recipe", recipe, "--budget", "2", "--pin", "/nowhere.json"},
            1, "/nowhere.json");
    }
    void wrongWords() {
        QFETCH(QStringList, words);
        QFETCH(int, code);
        QFETCH(QByteArray, says);
        const auto run = runCommand(words);
        QVERIFY2(run.code == code,
                 qPrintable(QString("exit %1: %2").arg(run.code).arg(QString::fromUtf8(run.err))));
        QVERIFY2(run.err.contains(says), run.err.constData());
        QVERIFY(run.out.isEmpty());
    }
};

QTEST_GUILESS_MAIN(TestCommandDiagnose)
#include "test_command_diagnose.moc"
