// SPDX-License-Identifier: GPL-3.0-or-later
// Stopping at random moments, whatever runs: nothing is lost, and nothing goes on running.
#include "app/window/session.h"

#include <QFileInfo>
#include <QRandomGenerator>
#include <QSignalSpy>
#include <QTest>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 120000, rounds = 200;

DataRequest fewWindows() {
    DataRequest data;
    data.path = (tiny + "/heldout.txt").toStdString();
    data.windows = 2;
    data.length = 64;
    data.calibrationWindows = 2;
    return data;
}

} // namespace

class TestWindowCancel : public QObject {
    Q_OBJECT

private slots:
    void twoHundredStopsLoseNothing() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        Session session(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        session.setDefaultData(fewWindows());
        QSignalSpy failed(&session, &Session::failed);
        session.openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session.isSettled(), patience);
        const Choice first = session.choice();
        std::vector<double> scores;
        for (const auto& column : session.workspace().columns)
            scores.push_back(column.reading->score);

        QRandomGenerator random(20261122);
        int stopped = 0;
        for (int round = 0; round < rounds; ++round) {
            const Workspace& workspace = session.workspace();
            const int count = static_cast<int>(workspace.columns.size());
            const Site site{random.bounded(workspace.model->layers),
                            random.bounded(2) ? Place::attn_input : Place::mlp_input};
            switch (random.bounded(8)) {
            case 0:
                session.selectSite(site);
                break;
            case 1:
                session.typeText(QString("round %1").arg(round));
                break;
            case 2:
                session.duplicateColumn(random.bounded(count));
                break;
            case 3:
                session.removeColumn(random.bounded(count));
                break;
            case 4:
                session.undoStack().undo();
                break;
            case 5:
                session.runAgain();
                break;
            case 6:
                session.setRecipe(random.bounded(count),
                                  Recipe::parse(random.bounded(2) ? "w4a8" : "w8a8:keep=top:1"));
                break;
            default:
                session.toggleChannels(site, {random.bounded(64)});
            }
            QTest::qWait(random.bounded(25));
            const Choice wanted = session.choice();
            const bool worked = session.isWorking();
            session.stop();
            stopped += worked ? 1 : 0;
            QVERIFY2(!session.isWorking() || !worked, "what ran is stopped");
            QVERIFY2(session.choice() == wanted, "stopping takes nothing back");
            QVERIFY(session.workspace().model);
        }
        QVERIFY2(stopped > rounds / 4, qPrintable(QString::number(stopped)));

        session.typeText({});
        while (session.undoStack().canUndo())
            session.undoStack().undo();
        QCOMPARE(session.choice().columns.size(), first.columns.size());
        session.runAgain();
        QTRY_VERIFY_WITH_TIMEOUT(session.isSettled() && !session.isWorking(), patience);
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const Column& column = session.workspace().columns[i];
            QVERIFY(column.reading && !column.stale);
            QCOMPARE(column.reading->score, scores[i]);
        }
        QVERIFY2(failed.isEmpty(), failed.isEmpty() ? "" : qPrintable(failed[0][0].toString()));
        QTest::qWait(200);
        QVERIFY2(!session.isWorking() && session.isSettled(), "no job came back");
    }
};

QTEST_MAIN(TestWindowCancel)
#include "test_window_cancel.moc"
