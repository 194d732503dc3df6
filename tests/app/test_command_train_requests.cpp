// SPDX-License-Identifier: GPL-3.0-or-later
// `kurtoscope train --pause`, `--continue` and `--stop` through the real binary: a run that waits is the same
// run afterwards, its times leave the pause out, and it can be ended where it waits.
#include <QtTest>

#include "core/base/error.h"
#include "core/data/training_request.h"
#include "tests/support/processes.h"
#include "tests/support/training_spec.h"

#include <QElapsedTimer>
#include <QTemporaryDir>

using namespace kurtoscope;
using namespace kurtoscope::test;

class TestCommandTrainRequests : public QObject {
    Q_OBJECT

    QString folder() const { return place_->filePath("run"); }
    QStringList words(const QString& backend = "auto") const {
        return {"train", place_->filePath("spec.json"), "--threads", "1", "--backend", backend, "--out",
                folder()};
    }
    TrainingRun run() const { return TrainingRun::read(folder().toStdString()); }
    // The last whole line of the metrics; empty: none yet.
    std::optional<TrainingRecord> last() const {
        const QByteArray all = contents(folder() + "/metrics.jsonl");
        const qsizetype end = all.lastIndexOf('\n'), begin = all.lastIndexOf('\n', end - 1) + 1;
        if (end <= 0) return std::nullopt;
        return TrainingRecord::fromJson(all.mid(begin, end - begin).toStdString(), "metrics");
    }
    bool hasSteps(int steps) const {
        return QTest::qWaitFor([&] { return last() && last()->step >= steps; }, 60'000);
    }
    bool pauses() const {
        return QTest::qWaitFor([&] { return last() && last()->paused; }, 60'000);
    }
    CommandRun ask(const char* what) const { return runCommand({"train", what, folder()}); }

private slots:
    void init() { place_ = std::make_unique<QTemporaryDir>(); }

    void aPausedRunIsTheSameRun() {
        writeContents(place_->filePath("spec.json"), shortSpec(1500, 4, 100'000));
        const QString unbroken = place_->filePath("unbroken");
        QStringList other = words();
        other.last() = unbroken;
        const auto whole = runCommand(other);
        QVERIFY2(whole.code == 0, whole.err.constData());

        Together one(1, words());
        QVERIFY(hasSteps(10));
        const auto asked = ask("--pause");
        QVERIFY2(asked.code == 0, asked.err.constData());
        QVERIFY(pauses());
        const TrainingRun paused = run();
        const TrainingRecord& where = paused.records.back();
        QVERIFY(where.step < 1500);
        QVERIFY2(where.event.ends_with("paused at step " + std::to_string(where.step)), where.event.c_str());
        QCOMPARE(where.checkpoint, checkpointName(where.step));

        // Nobody else trains there meanwhile.
        const auto second = runCommand({"train", "--resume", "--threads", "1", "--out", folder()});
        QCOMPARE(second.code, 1);
        QVERIFY2(second.err.contains("another process trains into this folder"), second.err.constData());
        const double seconds = 2;
        QTest::qWait(int(seconds * 1000));
        QCOMPARE(run().records.size(), paused.records.size());
        QVERIFY(isTraining(folder().toStdString()));

        QCOMPARE(ask("--continue").code, 0);
        const CommandRun ended = one.wait().front();
        QVERIFY2(ended.code == 0, ended.err.constData());
        QVERIFY(ended.err.contains("paused at step"));
        const TrainingRun done = run();
        QVERIFY(done.finished && !isTraining(folder().toStdString()));
        QCOMPARE(lastWeights(folder()), lastWeights(unbroken));
        const auto next = std::find_if(done.records.begin(), done.records.end(),
                                       [&](const TrainingRecord& r) { return r.step == where.step + 1; });
        QVERIFY(next != done.records.end() && next->event.starts_with("went on after "));
        // One step's tokens, and not over the seconds that it waited.
        const double counted = double(next->tokens - where.tokens) / seconds;
        QVERIFY2(next->tokensPerSecond > 2 * counted, qPrintable(QString::number(next->tokensPerSecond)));
        const double ifCounted = seconds / next->step * (next->steps - next->step);
        QVERIFY2(next->secondsLeft < where.secondsLeft + ifCounted / 2,
                 qPrintable(QString("%1 after %2").arg(next->secondsLeft).arg(where.secondsLeft)));
    }

    void aPausedRunEndsWhereItWaits_data() {
        QTest::addColumn<QString>("backend");
        QTest::addColumn<int>("processes");
        QTest::addColumn<bool>("byFile");
        QTest::newRow("Ctrl-C") << "auto" << 1 << false;
        QTest::newRow("--stop") << "auto" << 1 << true;
        QTest::newRow("Ctrl-C to one of two, gloo") << "gloo" << 2 << false;
        QTest::newRow("Ctrl-C to one of two, store") << "store" << 2 << false;
        QTest::newRow("--stop to two, gloo") << "gloo" << 2 << true;
    }
    void aPausedRunEndsWhereItWaits() {
        QFETCH(QString, backend);
        QFETCH(int, processes);
        QFETCH(bool, byFile);
        writeContents(place_->filePath("spec.json"), shortSpec(100'000, 4, 100'000));
        Together all(processes, words(backend));
        const auto ended = [&] { return !all.allRun(); };
        QVERIFY(QTest::qWaitFor([&] { return ended() || QFileInfo::exists(folder() + "/metrics.jsonl"); },
                                60'000));
        if (ended()) SKIP_WITHOUT_GLOO(all.wait(0)[0]);
        QVERIFY(hasSteps(3));
        QCOMPARE(ask("--pause").code, 0);
        QVERIFY(pauses());
        QTest::qWait(1500); // several rounds of asking each other
        QVERIFY(all.allRun());
        const int step = run().records.back().step;
        if (byFile)
            QCOMPARE(ask("--stop").code, 0);
        else
            all.signal(processes - 1, SIGINT);
        for (const CommandRun& process : all.wait(60'000))
            QVERIFY2(process.code == 130, process.err.constData());
        const TrainingRun stopped = run();
        QVERIFY(!QFileInfo::exists(folder() + "/request")); // by whoever listed or copied the folder then
        QCOMPARE(stopped.records.back().step, step);
        QCOMPARE(stopped.checkpoints.back().first, step);

        // What was asked then is not asked of the next.
        Together again(processes, {"train", "--resume", "--threads", "1", "--out", folder()});
        QVERIFY(hasSteps(step + 3));
        QVERIFY(!run().records.back().paused);
        QCOMPARE(ask("--stop").code, 0);
        again.wait(60'000);
    }

    void twoGoOnTogether_data() { backendRows(); }
    void twoGoOnTogether() {
        QFETCH(QString, backend);
        writeContents(place_->filePath("spec.json"), shortSpec(1500, 4, 100'000));
        Together both(2, words(backend));
        const auto there = [&] { return QFileInfo::exists(folder() + "/metrics.jsonl"); };
        QVERIFY(QTest::qWaitFor([&] { return there() || !both.allRun(); }, 60'000));
        if (!there()) SKIP_WITHOUT_GLOO(both.wait(0)[0]);
        QVERIFY(hasSteps(3));
        QCOMPARE(ask("--pause").code, 0);
        QVERIFY(pauses());
        QTest::qWait(1000);
        QCOMPARE(ask("--continue").code, 0);
        for (const CommandRun& process : both.wait())
            QVERIFY2(process.code == 0, process.err.constData());
        QVERIFY(run().finished);
    }

    void oneThatIsKilledIsMissedInAPause() {
        writeContents(place_->filePath("spec.json"), shortSpec(100'000, 4, 100'000));
        Together both(2, words("gloo"));
        const auto there = [&] { return QFileInfo::exists(folder() + "/metrics.jsonl"); };
        QVERIFY(QTest::qWaitFor([&] { return there() || !both.allRun(); }, 60'000));
        if (!there()) SKIP_WITHOUT_GLOO(both.wait(0)[0]);
        QVERIFY(hasSteps(3));
        QCOMPARE(ask("--pause").code, 0);
        QVERIFY(pauses());
        both.signal(1, SIGKILL);
        const CommandRun left = both.wait(30'000)[0];
        QCOMPARE(left.code, 1);
        QVERIFY2(left.err.contains("another process is gone"), left.err.constData());
    }

    // Text, tokenizer and the first model may take minutes: the folder is nobody else's from the beginning.
    void aRunThatBeginsHasItsFolderToItself() {
        QByteArray spec = shortSpec(2);
        writeContents(place_->filePath("spec.json"), spec);
        const QStringList small = words();
        spec.replace("\"artificial_bytes\": 60000", "\"artificial_bytes\": 300000000");
        spec.replace("\"short\"", "\"long\"");
        writeContents(place_->filePath("long.json"), spec);
        QStringList large = words();
        large[1] = place_->filePath("long.json");
        Together begins(1, large);
        QVERIFY(QTest::qWaitFor([&] { return QFileInfo::exists(folder() + "/metrics.jsonl"); }, 60'000));
        const auto second = runCommand(small);
        QCOMPARE(second.code, 1);
        QVERIFY2(second.err.contains("another process trains into this folder"), second.err.constData());
        QCOMPARE(run().name, std::string("long"));
        QVERIFY(begins.allRun() && run().checkpoints.empty()); // it was at its text all the time
        begins.signal(0, SIGINT);
        QCOMPARE(begins.wait(60'000)[0].code, 130);
        // Nothing was begun that could be gone on with: another one may have the folder.
        const auto third = runCommand(small);
        QVERIFY2(third.code == 0, third.err.constData());
        QCOMPARE(run().name, std::string("short"));
    }

    // The run itself looks between steps only: what it has not seen yet is asked here.
    void whatWasAskedIsNotUnasked() {
        const std::string there = place_->path().toStdString();
        const TrainingMark mark(there);
        const auto refuses = [&](TrainingRequest request, const std::string& part) {
            try {
                askTraining(there, request);
            } catch (const Error& error) {
                return std::string(error.message()).find(part) != std::string::npos;
            }
            return false;
        };
        askTraining(there, TrainingRequest::pause);
        QVERIFY(trainingRequest(there) == TrainingRequest::pause);
        askTraining(there, TrainingRequest::goOn);
        QVERIFY(trainingRequest(there) == TrainingRequest::goOn);
        askTraining(there, TrainingRequest::pause);
        askTraining(there, TrainingRequest::stop);
        QVERIFY(refuses(TrainingRequest::pause, "was asked to end"));
        QVERIFY(refuses(TrainingRequest::goOn, "was asked to end"));
        QVERIFY(trainingRequest(there) == TrainingRequest::stop);
        askTraining(there, TrainingRequest::stop); // says nothing new
        // A request that cannot be taken back; a folder in its place is one for every user.
        QVERIFY(QFile::remove(place_->filePath("request")) && QDir(place_->path()).mkpath("request/full"));
        QVERIFY(refuses(TrainingRequest::goOn, "cannot be taken back"));
    }

    void thereIsNobodyToAsk() {
        const auto nowhere = ask("--pause");
        QCOMPARE(nowhere.code, 1);
        QVERIFY2(nowhere.err.contains("there is no such folder"), nowhere.err.constData());
        writeContents(place_->filePath("spec.json"), shortSpec(2));
        QCOMPARE(runCommand(words()).code, 0);
        for (const char* what : {"--pause", "--continue", "--stop"}) {
            const auto ended = ask(what);
            QCOMPARE(ended.code, 1);
            QVERIFY2(ended.err.contains("no process trains into this folder now"), ended.err.constData());
        }
        QVERIFY(!QFileInfo::exists(folder() + "/request"));
        QCOMPARE(runCommand({"train", "--pause", folder(), "--stop", folder()}).code, 2);
    }

private:
    std::unique_ptr<QTemporaryDir> place_;
};

QTEST_GUILESS_MAIN(TestCommandTrainRequests)
#include "test_command_train_requests.moc"
