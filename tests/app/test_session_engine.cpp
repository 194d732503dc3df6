// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/engine_thread.h"
#include "core/base/error.h"

#include <QSignalSpy>
#include <QTest>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>

using namespace kurtoscope;
using namespace std::chrono_literals;

Q_DECLARE_METATYPE(kurtoscope::Outcome)

namespace {

// Runs until it is stopped, as a pass over a model does.
EngineThread::Job endless(std::latch& begun) {
    return [&begun](Workbench&, std::stop_token stop) {
        begun.count_down();
        while (!stop.stop_requested())
            std::this_thread::sleep_for(100us);
        throw Cancelled();
    };
}

Outcome outcomeOf(const QSignalSpy& finished, quint64 ticket) {
    for (const auto& call : finished)
        if (call[0].toULongLong() == ticket) return call[1].value<Outcome>();
    return Outcome::failed;
}

} // namespace

class TestSessionEngine : public QObject {
    Q_OBJECT
private slots:
    void runsTheMostUrgentLaneFirst() {
        EngineThread engine;
        QSignalSpy finished(&engine, &EngineThread::finished);
        std::latch begun(1), go(1);
        engine.post(Lane::load, [&](Workbench&, std::stop_token) {
            begun.count_down();
            go.wait();
        });
        begun.wait();
        QStringList order;
        const auto note = [&](const char* name) {
            return [&engine, &order, name](Workbench&, std::stop_token) {
                engine.deliver([&order, name] { order << name; });
            };
        };
        engine.post(Lane::exporting, note("export"));
        engine.post(Lane::train, note("train"));
        engine.post(Lane::evaluate, note("evaluate"));
        engine.post(Lane::observe, note("observe"));
        go.count_down();
        QTRY_COMPARE(finished.size(), 5);
        QCOMPARE(order, (QStringList{"observe", "evaluate", "train", "export"}));
        QVERIFY(!engine.busy());
    }

    void theLatestOfALaneWins() {
        EngineThread engine;
        QSignalSpy finished(&engine, &EngineThread::finished);
        std::latch begun(1), go(1);
        const auto first = engine.post(Lane::load, [&](Workbench&, std::stop_token) {
            begun.count_down();
            go.wait();
        });
        begun.wait();
        int ran = 0;
        quint64 last = 0;
        for (int i = 1; i <= 5; ++i)
            last = engine.post(Lane::evaluate, [&engine, &ran, i](Workbench&, std::stop_token) {
                engine.deliver([&ran, i] { ran = i; });
            });
        go.count_down();
        QTRY_COMPARE(finished.size(), 2); // the four that were replaced never ran
        QCOMPARE(ran, 5);
        QCOMPARE(outcomeOf(finished, first), Outcome::done);
        QCOMPARE(outcomeOf(finished, last), Outcome::done);
    }

    // Two windows' engines: one job at a time, so that what one measures is measured alone.
    void enginesTakeTurns() {
        EngineThread first, second;
        QSignalSpy ended(&first, &EngineThread::finished), endedToo(&second, &EngineThread::finished);
        std::atomic<int> inside = 0, most = 0;
        const auto job = [&](Workbench&, std::stop_token) {
            most = std::max(most.load(), ++inside);
            std::this_thread::sleep_for(5ms);
            --inside;
        };
        for (const Lane lane : {Lane::load, Lane::observe, Lane::evaluate, Lane::train, Lane::exporting}) {
            ended.clear(), endedToo.clear();
            first.post(lane, job);
            second.post(lane, job);
            QTRY_VERIFY(ended.size() == 1 && endedToo.size() == 1);
            QCOMPARE(ended[0][1].value<Outcome>(), Outcome::done);
            QCOMPARE(endedToo[0][1].value<Outcome>(), Outcome::done);
        }
        QCOMPARE(most.load(), 1);
    }

    void anUrgentJobOfAnotherEngineGoesFirst() {
        EngineThread first, second;
        QSignalSpy ended(&first, &EngineThread::finished), endedToo(&second, &EngineThread::finished);
        std::latch begun(1);
        const auto slow = first.post(Lane::train, endless(begun));
        begun.wait();
        const auto urgent = second.post(Lane::load, [](Workbench&, std::stop_token) {});
        QTRY_COMPARE(ended.size(), 1);
        QCOMPARE(outcomeOf(ended, slow), Outcome::stopped);
        QTRY_COMPARE(endedToo.size(), 1);
        QCOMPARE(outcomeOf(endedToo, urgent), Outcome::done);
    }

    void anExportIsNotBegunAnewForAnotherEngine() {
        EngineThread first, second;
        QSignalSpy ended(&first, &EngineThread::finished), endedToo(&second, &EngineThread::finished);
        std::latch begun(1), go(1);
        std::atomic<bool> asked = false;
        const auto slow = first.post(Lane::exporting, [&](Workbench&, std::stop_token stop) {
            begun.count_down();
            go.wait();
            asked = stop.stop_requested();
        });
        begun.wait();
        std::atomic<int> early = 0;
        std::atomic<bool> written = false;
        for (const Lane lane : {Lane::load, Lane::observe, Lane::evaluate})
            second.post(lane, [&](Workbench&, std::stop_token) { early += !written; });
        QTest::qWait(30);
        QVERIFY(ended.isEmpty() && endedToo.isEmpty());
        written = true;
        go.count_down();
        QTRY_COMPARE(ended.size(), 1);
        QCOMPARE(outcomeOf(ended, slow), Outcome::done);
        QVERIFY(!asked);
        QTRY_COMPARE(endedToo.size(), 3);
        for (const auto& call : endedToo)
            QCOMPARE(call[1].value<Outcome>(), Outcome::done);
        QCOMPARE(early.load(), 0);
    }

    // Whoever has its own engine stop it is heard.
    void anExportIsStoppedByItsOwnEngine() {
        EngineThread first, second;
        QSignalSpy ended(&first, &EngineThread::finished), endedToo(&second, &EngineThread::finished);
        std::latch begun(1);
        const auto slow = first.post(Lane::exporting, endless(begun));
        begun.wait();
        second.post(Lane::evaluate, [](Workbench&, std::stop_token) {});
        first.stop();
        QTRY_COMPARE(ended.size(), 1);
        QCOMPARE(outcomeOf(ended, slow), Outcome::stopped);
        QTRY_COMPARE(endedToo.size(), 1);
        QCOMPARE(endedToo[0][1].value<Outcome>(), Outcome::done);
    }

    void whatWaitsForItsTurnCanBeStoppedAndDropped() {
        EngineThread first;
        QSignalSpy ended(&first, &EngineThread::finished);
        std::latch begun(1);
        first.post(Lane::load, endless(begun));
        begun.wait();
        {
            EngineThread second;
            QSignalSpy endedToo(&second, &EngineThread::finished);
            // One that its thread had not taken yet is dropped without a word: then once more.
            for (int tries = 0; tries < 200 && endedToo.isEmpty(); ++tries) {
                second.post(Lane::evaluate, [](Workbench&, std::stop_token) {});
                QTest::qWait(20);
                QVERIFY(endedToo.isEmpty());
                second.stop();
                QTest::qWait(20);
            }
            QCOMPARE(endedToo.size(), 1);
            QCOMPARE(endedToo[0][1].value<Outcome>(), Outcome::stopped);
            second.post(Lane::evaluate, [](Workbench&, std::stop_token) {});
            QTest::qWait(20); // and ends, although its job still waits
        }
        QVERIFY(ended.isEmpty());
        first.stop();
        QTRY_COMPARE(ended.size(), 1);
        const auto after = first.post(Lane::train, [](Workbench&, std::stop_token) {});
        QTRY_COMPARE(ended.size(), 2);
        QCOMPARE(outcomeOf(ended, after), Outcome::done);
    }

    void aPostStopsTheSameAndLowerLanes_data() {
        QTest::addColumn<int>("running");
        QTest::addColumn<int>("posted");
        QTest::addColumn<bool>("stops");
        QTest::newRow("same") << int(Lane::evaluate) << int(Lane::evaluate) << true;
        QTest::newRow("lower runs") << int(Lane::evaluate) << int(Lane::observe) << true;
        QTest::newRow("lowest runs") << int(Lane::exporting) << int(Lane::load) << true;
        QTest::newRow("higher runs") << int(Lane::observe) << int(Lane::evaluate) << false;
        QTest::newRow("highest runs") << int(Lane::load) << int(Lane::exporting) << false;
    }
    void aPostStopsTheSameAndLowerLanes() {
        QFETCH(int, running);
        QFETCH(int, posted);
        QFETCH(bool, stops);
        EngineThread engine;
        QSignalSpy finished(&engine, &EngineThread::finished);
        std::latch begun(1);
        std::atomic<bool> second = false;
        const auto first = engine.post(Lane(running), endless(begun));
        begun.wait();
        engine.post(Lane(posted), [&](Workbench&, std::stop_token) { second = true; });
        if (stops) {
            QTRY_COMPARE(finished.size(), 2);
            QCOMPARE(outcomeOf(finished, first), Outcome::stopped);
            QVERIFY(second);
        } else {
            QTest::qWait(30);
            QVERIFY(finished.isEmpty());
            QVERIFY(!second);
        }
        engine.stop();
        QTRY_VERIFY(!engine.busy());
    }

    void whatIsThrownIsToldInWords_data() {
        QTest::addColumn<int>("kind");
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("where");
        QTest::addColumn<QString>("hint");
        QTest::newRow("Error") << 0 << "got 3 shards, expected 4"
                               << "model.safetensors.index.json"
                               << "Fetch it again";
        QTest::newRow("bad_alloc") << 1 << "not enough memory"
                                   << ""
                                   << "fewer windows";
        QTest::newRow("exception") << 2 << "odd"
                                   << ""
                                   << "report";
        QTest::newRow("anything") << 3 << "Something failed"
                                  << ""
                                  << "report";
    }
    void whatIsThrownIsToldInWords() {
        QFETCH(int, kind);
        QFETCH(QString, what);
        QFETCH(QString, where);
        QFETCH(QString, hint);
        EngineThread engine;
        QSignalSpy failed(&engine, &EngineThread::failed), finished(&engine, &EngineThread::finished);
        const auto ticket = engine.post(Lane::load, [kind](Workbench&, std::stop_token) {
            if (kind == 0)
                throw Error("got 3 shards, expected 4", "model.safetensors.index.json", "Fetch it again");
            if (kind == 1) throw std::bad_alloc();
            if (kind == 2) throw std::runtime_error("odd");
            throw 7;
        });
        QTRY_COMPARE(finished.size(), 1);
        QCOMPARE(outcomeOf(finished, ticket), Outcome::failed);
        QCOMPARE(failed.size(), 1);
        QVERIFY2(failed[0][1].toString().contains(what), qPrintable(failed[0][1].toString()));
        QCOMPARE(failed[0][2].toString(), where);
        QVERIFY2(failed[0][3].toString().contains(hint), qPrintable(failed[0][3].toString()));

        bool lives = false; // a failure ends a job, not the engine
        engine.post(Lane::load,
                    [&](Workbench&, std::stop_token) { engine.deliver([&lives] { lives = true; }); });
        QTRY_VERIFY(lives);
    }

    void aStopShowsNoMessage() {
        EngineThread engine;
        QSignalSpy failed(&engine, &EngineThread::failed), finished(&engine, &EngineThread::finished);
        std::latch begun(1);
        engine.post(Lane::evaluate, endless(begun));
        begun.wait();
        bool ran = false;
        engine.post(Lane::train, [&](Workbench&, std::stop_token) { ran = true; });
        engine.stop();
        QTRY_COMPARE(finished.size(), 1);
        QTRY_VERIFY(!engine.busy());
        QVERIFY(failed.isEmpty());
        QVERIFY2(!ran, "a waiting job runs no more after stop()");
    }

    void resultsComeInOrderOnTheGuiThread() {
        EngineThread engine;
        QSignalSpy finished(&engine, &EngineThread::finished);
        QList<int> seen;
        bool inGuiThread = true, before = true;
        engine.post(Lane::observe, [&](Workbench&, std::stop_token) {
            for (int i = 0; i < 500; ++i)
                engine.deliver([&, i] {
                    inGuiThread &= QThread::currentThread() == qApp->thread();
                    before &= finished.isEmpty();
                    seen << i;
                });
        });
        QTRY_COMPARE(finished.size(), 1);
        QCOMPARE(seen.size(), 500);
        QVERIFY(std::ranges::is_sorted(seen));
        QVERIFY(inGuiThread && before);
    }

    void closingStopsWhatRuns() {
        std::latch begun(1);
        std::atomic<bool> waitingRan = false;
        auto held = std::make_shared<int>(1);
        QElapsedTimer timer;
        {
            EngineThread engine;
            engine.post(Lane::observe, endless(begun));
            engine.post(Lane::evaluate,
                        [&waitingRan, held](Workbench&, std::stop_token) { waitingRan = true; });
            begun.wait();
            timer.start();
        }
        QVERIFY(timer.elapsed() < 2000);
        QVERIFY(!waitingRan);
        QCOMPARE(held.use_count(), 1L);
    }

    void twoHundredRandomCancels() {
        std::mt19937 random(7);
        EngineThread engine;
        QSignalSpy failed(&engine, &EngineThread::failed);
        std::atomic<int> inside = 0, overlaps = 0, begun = 0;
        quint64 lastDelivered = 0;
        int delivered = 0;
        for (int i = 0; i < 200; ++i) {
            const auto lane = Lane(random() % laneCount);
            const int steps = int(random() % 6);
            engine.post(lane, [&, steps, i](Workbench&, std::stop_token stop) {
                ++begun;
                if (++inside > 1) ++overlaps;
                for (int step = 0; step < steps && !stop.stop_requested(); ++step)
                    std::this_thread::sleep_for(200us);
                --inside;
                if (stop.stop_requested()) throw Cancelled();
                engine.deliver([&, i] {
                    ++delivered;
                    lastDelivered = quint64(i);
                });
            });
            if (random() % 5 == 0) engine.stop();
            if (random() % 3 == 0) QCoreApplication::processEvents();
            if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 800));
        }
        bool last = false;
        engine.post(Lane::exporting,
                    [&](Workbench&, std::stop_token) { engine.deliver([&last] { last = true; }); });
        QTRY_VERIFY(last);
        QTRY_VERIFY(!engine.busy());
        QVERIFY(failed.isEmpty());
        QCOMPARE(overlaps.load(), 0);
        QVERIFY(delivered > 0 && delivered <= begun);
    }
};

QTEST_GUILESS_MAIN(TestSessionEngine)
#include "test_session_engine.moc"
