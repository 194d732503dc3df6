// SPDX-License-Identifier: GPL-3.0-or-later
// `evaluate` and `inspect` in several processes that share the windows: the figures of one.
#include <QtTest>

#include "tests/support/processes.h"

using namespace kurtoscope::test;

class TestCommandProcesses : public QObject {
    Q_OBJECT

    static QStringList command(const char* id, const QString& backend = "auto") {
        return {id,   tinyModel,   "--data", tinyText, "--windows", "5",         "--length",
                "64", "--threads", "1",      "--json", "-",         "--backend", backend};
    }

private slots:
    void init() { NEEDS_TINY_MODEL; }

    // Each window is run by one of them, so that every bit is there; latency is the leader's own.
    void scoresAreThoseOfOneProcess_data() { backendRows(); }
    void scoresAreThoseOfOneProcess() {
        QFETCH(QString, backend);
        const QStringList words = command("evaluate", backend) +
                                  QStringList{"--recipe", "w8a8", "--recipe", "w8a8:activation=per-token"};
        const auto alone = runCommand(words);
        QVERIFY2(alone.code == 0, alone.err.constData());
        Json expected = alone.json();
        for (const int count : {2, 3}) {
            const auto runs = runTogether(count, words);
            for (const CommandRun& run : runs) {
                SKIP_WITHOUT_GLOO(run);
                QVERIFY2(run.code == 0, run.err.constData());
            }
            for (int rank = 1; rank < count; ++rank)
                QCOMPARE(runs[std::size_t(rank)].out, QByteArray());
            Json got = runs[0].json();
            QCOMPARE(got["readings"].size(), expected["readings"].size());
            for (std::size_t i = 0; i < got["readings"].size(); ++i) {
                QVERIFY(got["readings"][i]["latency_ms"]["p50"].get<double>() > 0);
                got["readings"][i].erase("latency_ms"), expected["readings"][i].erase("latency_ms");
            }
            QCOMPARE(QByteArray::fromStdString(got.dump()), QByteArray::fromStdString(expected.dump()));
        }
    }

    // Moments merge in another order: the last bits of double sums are all that may differ.
    void statisticsAreThoseOfOneProcess_data() { backendRows(); }
    void statisticsAreThoseOfOneProcess() {
        QFETCH(QString, backend);
        const auto alone = runCommand(command("inspect"));
        QVERIFY2(alone.code == 0, alone.err.constData());
        const auto runs = runTogether(2, command("inspect", backend));
        for (const CommandRun& run : runs) {
            SKIP_WITHOUT_GLOO(run);
            QVERIFY2(run.code == 0, run.err.constData());
        }
        QCOMPARE(runs[1].out, QByteArray());
        const Json one = alone.json(), two = runs[0].json();
        QCOMPARE(two["tokens"], one["tokens"]);
        QCOMPARE(two["windows"], one["windows"]);
        QCOMPARE(two["sites"].size(), one["sites"].size());
        for (std::size_t s = 0; s < one["sites"].size(); ++s) {
            const Json &a = one["sites"][s], &b = two["sites"][s];
            for (const char* same : {"site", "tokens", "absmax", "nonfinite", "outlier_channels",
                                     "first_token_only", "channel_absmax"})
                QVERIFY2(a[same] == b[same], same);
            near(b["kurtosis"], a["kurtosis"]), near(b["max_to_median"], a["max_to_median"]);
            for (std::size_t c = 0; c < a["channel_kurtosis"].size(); ++c)
                near(b["channel_kurtosis"][c], a["channel_kurtosis"][c]);
        }
    }

    // Nobody waits for the one that has failed, whichever it is, and it is named.
    void oneThatFailsIsNotWaitedFor_data() {
        QTest::addColumn<QString>("backend");
        QTest::addColumn<int>("bad");
        QTest::newRow("the leader, auto") << "auto" << 0;
        QTest::newRow("another, auto") << "auto" << 1;
        QTest::newRow("the leader, store") << "store" << 0;
        QTest::newRow("another, store") << "store" << 1;
    }
    void oneThatFailsIsNotWaitedFor() {
        QFETCH(QString, backend);
        QFETCH(int, bad);
        std::vector<QStringList> commands(2, command("evaluate", backend) + QStringList{"--recipe", "w8a8"});
        commands[std::size_t(bad)][3] = "/nowhere/text.txt";
        const auto runs = runTogether(commands); // fails after five minutes, long before patience ends
        for (const CommandRun& run : runs)
            QVERIFY2(run.code == 1, run.err.constData());
        const QByteArray &failed = runs[std::size_t(bad)].err, &other = runs[std::size_t(1 - bad)].err;
        QVERIFY2(failed.contains("/nowhere/text.txt"), failed.constData());
        // The leader takes the meeting place with it when it goes.
        QVERIFY2(other.contains("process " + QByteArray::number(bad) + " has failed") ||
                     (bad == 0 && other.contains("another process is gone")),
                 other.constData());
    }

    // Their sums are made on the processor, so that nccl is no choice of theirs.
    void ncclIsForTrainingOnly() {
        for (const char* id : {"evaluate", "inspect"}) {
            const auto run = runCommand(command(id, "nccl"));
            QCOMPARE(run.code, 2);
            QVERIFY2(run.err.contains("--backend"), run.err.constData());
            const auto help = runCommand({id, "--help"});
            QVERIFY2(help.code == 0 && !help.out.contains("nccl"), help.out.constData());
        }
        QVERIFY(runCommand({"train", "--help"}).out.contains("nccl"));
    }

    void oneThatIsToldNonsenseSaysSo() {
        auto environment = commandEnvironment();
        environment.insert("WORLD_SIZE", "2");
        environment.insert("RANK", "seven");
        const auto run = runCommand(command("inspect"), environment);
        QCOMPARE(run.code, 1);
        QVERIFY2(run.err.contains("the process's number is \"seven\""), run.err.constData());
    }

private:
    static void near(const Json& got, const Json& expected) {
        QCOMPARE(got.is_null(), expected.is_null());
        if (got.is_null()) return;
        const double a = got.get<double>(), b = expected.get<double>();
        QVERIFY2(std::abs(a - b) <= 1e-6 * std::abs(b), qPrintable(QString("%1, not %2").arg(a).arg(b)));
    }
};

QTEST_GUILESS_MAIN(TestCommandProcesses)
#include "test_command_processes.moc"
