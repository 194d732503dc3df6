// SPDX-License-Identifier: GPL-3.0-or-later
// `kurtoscope train` in several processes on one machine, by each backend: one model, killed and gone on
// with, and told of the one that is gone.
#include <QtTest>

#include "tests/support/processes.h"
#include "tests/support/training_spec.h"

#include <QElapsedTimer>
#include <QTemporaryDir>

using namespace kurtoscope;
using namespace kurtoscope::test;

class TestCommandTrainTogether : public QObject {
    Q_OBJECT

    QStringList words(const QString& folder, const QString& backend = "auto") const {
        return {"train", place_->filePath("spec.json"), "--threads", "1", "--backend", backend,
                "--out", place_->filePath(folder)};
    }
    TrainingRun run(const QString& folder) const {
        return TrainingRun::read(place_->filePath(folder).toStdString());
    }
    // From then on there is a checkpoint to go on from. False where none comes.
    bool tenthStepIn(const QString& folder, const Together& processes) const {
        const QString tenth = place_->filePath(folder + '/') + QString::fromStdString(checkpointName(10));
        const auto there = [&] { return QFileInfo::exists(tenth + "/config.json"); };
        return QTest::qWaitFor([&] { return there() || !processes.allRun(); }, 60'000) && there();
    }

private slots:
    void init() { place_ = std::make_unique<QTemporaryDir>(); }

    void twoAndThreeTrainAsOne_data() { backendRows(); }
    void twoAndThreeTrainAsOne() {
        QFETCH(QString, backend);
        writeContents(place_->filePath("spec.json"), shortSpec(10, 6));
        const auto alone = runCommand(words("alone"));
        QVERIFY2(alone.code == 0, alone.err.constData());
        const TrainingRun one = run("alone");
        for (const int count : {2, 3}) {
            const QString folder = QString::number(count);
            const auto runs = runTogether(count, words(folder, backend));
            for (const CommandRun& process : runs) {
                SKIP_WITHOUT_GLOO(process);
                QCOMPARE((process.out + process.err).contains("10 of 10 steps"),
                         &process == &runs.front());                  // said once
                QVERIFY2(process.code == 0, process.err.constData()); // checks that all have the same weights
            }
            const TrainingRun many = run(folder);
            QCOMPARE(many.records.size(), one.records.size());
            for (std::size_t i = 0; i < one.records.size(); ++i) {
                QVERIFY(std::abs(one.records[i].loss - many.records[i].loss) < 1e-4);
                QCOMPARE(many.records[i].tokens, one.records[i].tokens);
            }
            QVERIFY(many.finished);
            QCOMPARE(QString::fromStdString(many.records.front().event),
                     QString("%1 processes sum gradients by %2").arg(count).arg(backend));
        }
    }

    // Also in a step of which there is something else to say. The penalty is no part of the loss, which stays a
    // number; the second step's gradient is none.
    void aRunThatDivergesSaysSo() {
        QByteArray spec = shortSpec(10, 4, 1);
        spec.replace(R"("warmup": 4)", R"("warmup": 1, "learning_rate": 100)");
        spec.insert(spec.indexOf("\"watch\""),
                    R"("regularizers": ["activation-l2:lambda=1e9"], )");
        writeContents(place_->filePath("spec.json"), spec);
        const auto alone = runCommand(words("run"));
        QVERIFY2(alone.code == 1 && alone.err.contains("the run has diverged"), alone.err.constData());
        QCOMPARE(run("run").records.size(), std::size_t{2});
        for (const CommandRun& process : runTogether(2, words("run", "store") + QStringList{"--resume"}))
            QVERIFY2(process.code == 1, process.err.constData());
        const TrainingRecord last = run("run").records.back();
        QCOMPARE(last.step, 2);
        QVERIFY(std::isfinite(last.loss));
        QCOMPARE(QString::fromStdString(last.event),
                 "2 processes sum gradients by store; the gradient is no longer a number: the run has diverged");
    }

    void twoThatWereKilledGoOnAsIfNothingHadHappened_data() { backendRows(); }
    void twoThatWereKilledGoOnAsIfNothingHadHappened() {
        QFETCH(QString, backend);
        writeContents(place_->filePath("spec.json"), shortSpec(200));
        for (const CommandRun& process : runTogether(2, words("whole", backend))) {
            SKIP_WITHOUT_GLOO(process);
            QVERIFY2(process.code == 0, process.err.constData());
        }
        Together both(2, words("killed", backend));
        QVERIFY(tenthStepIn("killed", both));
        both.signal(0, SIGKILL), both.signal(1, SIGKILL);
        both.wait();
        const bool broken = !run("killed").finished;
        QStringList again = words("killed", backend);
        again[1] = "--resume";
        for (const CommandRun& process : runTogether(2, again))
            QVERIFY2(process.code == 0, process.err.constData());
        QCOMPARE(lastWeights(place_->filePath("killed")), lastWeights(place_->filePath("whole")));
        QVERIFY(broken);
    }

    // Through the store alone, only the end of the process that holds it is noticed.
    void oneThatIsKilledIsMissedSoon_data() {
        QTest::addColumn<QString>("backend");
        QTest::addColumn<int>("killed");
        QTest::newRow("the leader, gloo") << "gloo" << 0;
        QTest::newRow("another, gloo") << "gloo" << 1;
        QTest::newRow("the leader, store") << "store" << 0;
    }
    void oneThatIsKilledIsMissedSoon() {
        QFETCH(QString, backend);
        QFETCH(int, killed);
        writeContents(place_->filePath("spec.json"), shortSpec(100'000));
        Together both(2, words("run", backend));
        if (!tenthStepIn("run", both)) SKIP_WITHOUT_GLOO(both.wait(0)[0]);
        both.signal(killed, SIGKILL);
        QElapsedTimer since;
        since.start();
        const CommandRun left = both.wait(60'000)[std::size_t(1 - killed)];
        QVERIFY2(since.elapsed() < 20'000, qPrintable(QString("%1 ms").arg(since.elapsed())));
        QCOMPARE(left.code, 1);
        QVERIFY2(left.err.contains("another process is gone"), left.err.constData());
    }

    // Ctrl-C goes to all of them at once; one of them may be told sooner.
    void oneThatIsStoppedEndsAllWithACheckpoint_data() { backendRows(); }
    void oneThatIsStoppedEndsAllWithACheckpoint() {
        QFETCH(QString, backend);
        writeContents(place_->filePath("spec.json"), shortSpec(100'000));
        Together both(2, words("run", backend));
        if (!tenthStepIn("run", both)) SKIP_WITHOUT_GLOO(both.wait(0)[0]);
        both.signal(1, SIGINT);
        const auto runs = both.wait(60'000);
        QCOMPARE(runs[1].code, 130);
        const TrainingRun stopped = run("run");
        QCOMPARE(stopped.checkpoints.back().first, stopped.records.back().step);
        QVERIFY2(!runs[0].err.contains("gone"), runs[0].err.constData());
    }

    // Not the loopback address by its name, so that gloo takes the interface that it is told.
    void whereGlooCannotConnectTheStoreSums() {
        writeContents(place_->filePath("spec.json"), shortSpec(10));
        qputenv("GLOO_SOCKET_IFNAME", "nowhere0");
        const auto unsetAtTheEnd = qScopeGuard([] { qunsetenv("GLOO_SOCKET_IFNAME"); });
        for (const CommandRun& process : Together(2, words("run", "gloo"), "127.0.0.2").wait()) {
            SKIP_WITHOUT_GLOO(process);
            QCOMPARE(process.code, 1);
            QVERIFY2(process.err.contains("the processes cannot connect by gloo: "),
                     process.err.constData());
        }
        for (const CommandRun& process : Together(2, words("run", "auto"), "127.0.0.2").wait())
            QVERIFY2(process.code == 0, process.err.constData());
        const std::string event = run("run").records.front().event;
        QVERIFY2(event.starts_with("2 processes sum gradients by store, since gloo could not connect: "),
                 event.c_str());
    }

    void whatCannotBeHadSaysSo() {
        writeContents(place_->filePath("spec.json"), shortSpec(10));
        for (const CommandRun& process : runTogether(2, words("run", "nccl"))) {
            QCOMPARE(process.code, 1);
            QVERIFY2(process.err.contains("nccl needs a GPU of its own for every process"),
                     process.err.constData());
        }
        const auto runs = runTogether({words("run", "gloo"), words("run", "store")});
        for (const CommandRun& process : runs)
            QVERIFY2(process.err.contains("were given different backends"), process.err.constData());
        QVERIFY(!QFileInfo::exists(place_->filePath("run")));
    }

private:
    std::unique_ptr<QTemporaryDir> place_;
};

QTEST_GUILESS_MAIN(TestCommandTrainTogether)
#include "test_command_train_together.moc"
