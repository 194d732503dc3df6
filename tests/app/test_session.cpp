// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/session.h"

#include <QFileInfo>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
const Site planted{2,
                   Place::attn_input}; // its channels 60, 80 and 125 are outliers: the model's README says so
constexpr int patience = 120000;

DataRequest fewWindows() {
    DataRequest data;
    data.path = (tiny + "/heldout.txt").toStdString();
    data.windows = 2;
    data.length = 64;
    data.calibrationWindows = 2;
    return data;
}

bool isComplete(const Column& column) {
    return column.reading && column.reading->complete() && !column.stale;
}

} // namespace

class TestSession : public QObject {
    Q_OBJECT

    std::unique_ptr<Session> session_;
    const Workspace& workspace() const { return session_->workspace(); }
    const Column& column(int index) const { return workspace().columns[static_cast<std::size_t>(index)]; }
    const Recipe& active() const { return workspace().activeColumn()->recipe; }

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        session_->setDefaultData(fewWindows());
        QSignalSpy failed(session_.get(), &Session::failed);
        session_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() || !failed.isEmpty(), patience);
        QVERIFY2(failed.isEmpty(), failed.isEmpty() ? "" : qPrintable(failed[0][0].toString()));
    }
    void cleanup() { session_.reset(); }

    void showsTheEffectWithoutAQuestion() {
        QCOMPARE(workspace().columns.size(), std::size_t(3));
        QVERIFY(session_->hasFirstResults());
        for (int i = 0; i < 3; ++i)
            QVERIFY(isComplete(column(i)));
        QVERIFY(column(0).recipe == Recipe{});
        QVERIFY2(active().keep.empty(), "the criterion was turned into channels");
        QVERIFY2(active().keeps(planted, 60) && active().keeps(planted, 125), "planted outliers are kept");
        QVERIFY(column(1).reading->score > column(0).reading->score);
        QVERIFY2(column(2).reading->score < column(1).reading->score, "keeping them brings the score back");
        QVERIFY2(active().kept.contains(workspace().site), "the first look is at a site with kept channels");
        QVERIFY(workspace().sample && workspace().sample->site == workspace().site);
        QVERIFY(!workspace().grid.empty());
        for (int i = 0; i < 3; ++i)
            QVERIFY2(column(i).observation, "depth curves have a line for each column");
        QVERIFY(!session_->undoStack().canUndo());
    }

    void aToggleShowsAtOnceAndIsRunAgain() {
        const bool kept = active().keeps(planted, 3);
        Changes seen;
        connect(session_.get(), &Session::changed, this, [&](Changes what) { seen |= what; });
        session_->toggleChannels(planted, {3});
        QVERIFY2(seen & Change::kept, "before anything was computed");
        QVERIFY2(!(seen & (Change::observation | Change::columns)), "maps and curves are not drawn anew");
        QCOMPARE(active().keeps(planted, 3), !kept);
        QVERIFY2(column(2).stale && column(2).reading, "the reading of the choice before stays, marked");
        QVERIFY(isComplete(column(1)));
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(isComplete(column(2)));
    }

    void undoIsAnsweredFromWhatIsKnown() {
        const Recipe before = active();
        const double score = column(2).reading->score;
        session_->toggleChannels(planted, {3});
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        session_->undoStack().undo();
        QVERIFY(active() == before);
        QVERIFY2(isComplete(column(2)), "without another run");
        QCOMPARE(column(2).reading->score, score);
        session_->undoStack().redo();
        QVERIFY(active().keeps(planted, 3) && isComplete(column(2)));
    }

    void undoBeforeTheRunEndedRestoresTheReading() {
        session_->toggleChannels(planted, {3});
        session_->toggleChannels(planted, {4});
        QVERIFY(column(2).stale);
        session_->undoStack().undo();
        session_->undoStack().undo();
        QVERIFY(isComplete(column(2)));
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(isComplete(column(2)));
    }

    void columnsComeAndGo() {
        session_->duplicateColumn(2);
        QCOMPARE(workspace().columns.size(), std::size_t(4));
        QCOMPARE(workspace().active, 3);
        QVERIFY2(isComplete(column(3)), "an equal recipe has its reading already");
        session_->toggleChannels(planted, {9});
        QVERIFY(!column(2).recipe.keeps(planted, 9) && column(3).recipe.keeps(planted, 9));
        session_->renameColumn(3, "mine");
        QCOMPARE(column(3).name, "mine");
        session_->removeColumn(3);
        QCOMPARE(workspace().columns.size(), std::size_t(3));
        for (int i = 0; i < 4; ++i)
            session_->undoStack().undo();
        QCOMPARE(workspace().columns.size(), std::size_t(3));
        QVERIFY(!session_->undoStack().canUndo());

        QSignalSpy noticed(session_.get(), &Session::noticed);
        session_->removeColumn(0);
        QCOMPARE(workspace().columns.size(), std::size_t(3));
        QCOMPARE(noticed.size(), 1);
    }

    // What was measured and given up again can be looked at and opened as a column.
    void whatWasTriedIsRemembered() {
        QVERIFY(workspace().tried.empty());
        const Recipe first = active();
        const double score = workspace().activeColumn()->reading->score;
        session_->toggleChannels(planted, {9});
        QCOMPARE(workspace().tried.size(), std::size_t(1));
        QVERIFY(workspace().tried[0].recipe == first);
        QCOMPARE(workspace().tried[0].reading.score, score);
        session_->addColumn("w8a8, as before", first);
        QVERIFY2(workspace().tried.empty(), "it is a column again");
        QVERIFY2(isComplete(column(3)), "with the reading that is known");
        QCOMPARE(column(3).reading->score, score);
    }

    void whatIsNotQuantizedIsNotKept_data() {
        QTest::addColumn<int>("column");
        QTest::addColumn<int>("place");
        QTest::newRow("FP32") << 0 << int(Place::attn_input);
        QTest::newRow("no linear input") << 2 << int(Place::mlp_residual);
    }
    void whatIsNotQuantizedIsNotKept() {
        QFETCH(int, column);
        QFETCH(int, place);
        session_->activateColumn(column);
        const Recipe before = active();
        QSignalSpy noticed(session_.get(), &Session::noticed);
        session_->toggleChannels({2, Place(place)}, {1});
        session_->toggleBlock({{2, Place(place)}}, {1, 2}, true);
        QVERIFY(active() == before);
        QCOMPARE(noticed.size(), 2);
    }

    void criteriaMarkAndKeep() {
        session_->clearKept();
        QCOMPARE(active().keptCount(), std::size_t(0));
        const auto found = session_->outliers(Criterion::parse("top:2"));
        QVERIFY(found.at(planted).size() == 2);
        for (const auto& [site, channels] : found)
            QVERIFY(session_->canKeepAt(site));
        session_->mark(found);
        QVERIFY(workspace().marked == found && active().keptCount() == 0);
        session_->keep(found, false);
        QVERIFY(active().kept == found);
        QVERIFY(workspace().marked.empty());
        session_->undoStack().undo();
        QCOMPARE(active().keptCount(), std::size_t(0));
    }

    void aBlockIsOneStep() {
        session_->clearKept();
        session_->toggleBlock({{1, Place::mlp_input}, {2, Place::mlp_input}, {1, Place::mlp_residual}},
                              {5, 6}, true);
        QCOMPARE(active().keptCount(), std::size_t(4));
        session_->toggleBlock({{1, Place::mlp_input}}, {5, 6}, false);
        QCOMPARE(active().keptCount(), std::size_t(2));
        session_->undoStack().undo();
        session_->undoStack().undo();
        QCOMPARE(active().keptCount(), std::size_t(0));
    }

    void aModelThatCannotBeOpenedChangesNothing() {
        const auto model = workspace().model;
        const Recipe recipe = active();
        QSignalSpy failed(session_.get(), &Session::failed), openFailed(session_.get(), &Session::openFailed);
        session_->openModel(tiny + "/nothing-here");
        QTRY_COMPARE_WITH_TIMEOUT(openFailed.size(), 1, patience);
        QCOMPARE(failed.size(), 1);
        QVERIFY(!failed[0][0].toString().isEmpty() && !failed[0][2].toString().isEmpty());
        QVERIFY(workspace().model == model && active() == recipe);
        session_->toggleChannels(planted, {3}); // and it still runs
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && isComplete(column(2)), patience);
    }

    void dataOfAModelThatCannotBeOpenedIsNotTaken_data() {
        QTest::addColumn<bool>("stopped");
        QTest::newRow("failed") << false;
        QTest::newRow("stopped") << true;
    }
    void dataOfAModelThatCannotBeOpenedIsNotTaken() {
        QFETCH(bool, stopped);
        const DataRequest before = session_->data();
        DataRequest other = before;
        other.path = KURTOSCOPE_SOURCE_DIR "/README.md";
        QSignalSpy openFailed(session_.get(), &Session::openFailed);
        session_->openModel(tiny + "/nothing-here", other);
        if (stopped)
            session_->stop();
        else
            QTRY_COMPARE_WITH_TIMEOUT(openFailed.size(), 1, patience);
        QVERIFY(session_->data() == before);
        session_->toggleChannels(planted, {3});
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && isComplete(column(2)), patience);
        QVERIFY(session_->data() == before);
    }

    void theModelAskedForLastIsOpened() {
        QTemporaryDir place;
        for (const QString& file : QDir(tiny).entryList(QDir::Files))
            QVERIFY(QFile::link(tiny + '/' + file, place.filePath(file)));
        session_->openModel(place.path(), fewWindows());
        QTest::qSleep(3000); // it stands by now, and nothing was told yet
        DataRequest fewer = fewWindows();
        fewer.windows = 1;
        session_->openModel(tiny, fewer);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && column(0).reading, patience);
        QCOMPARE(QString::fromStdString(workspace().model->path), tiny);
        QCOMPARE(column(0).reading->windowsTotal, 1);
    }

    void theTaskCanBeSet() {
        DataRequest asked = session_->data();
        asked.task = "similarity"; // wants a table
        QSignalSpy failed(session_.get(), &Session::failed);
        session_->requestData(asked);
        QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, patience);
        QVERIFY2(session_->data().task.empty() && isComplete(column(0)), "what was there stays");
        session_->requestData(asked);
        asked.task = "fidelity"; // of the same file, asked for before the other was answered
        session_->requestData(asked);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().task == "fidelity", patience);
        QCOMPARE(session_->data().task, std::string("fidelity"));
        QVERIFY(isComplete(column(2)) && column(2).reading->metric != "perplexity");
    }

    void dataThatCannotBeReadChangesNothing() {
        const QString name = workspace().dataName;
        QSignalSpy failed(session_.get(), &Session::failed);
        session_->openData(tiny + "/nothing-here.txt");
        QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, patience);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QCOMPARE(workspace().dataName, name);
        QVERIFY(isComplete(column(0)));
    }

    void otherDataIsRunFromTheStart() {
        DataRequest other = session_->data();
        other.windows = 3;
        session_->requestData(other);
        QTRY_VERIFY_WITH_TIMEOUT(column(0).reading && column(0).reading->windowsTotal == 3, patience);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(session_->hasFirstResults());
    }

    void stopIsObeyedUntilAskedAgain() {
        session_->toggleChannels(planted, {3});
        QVERIFY(session_->isWorking());
        session_->stop();
        QVERIFY(!session_->isWorking());
        QTest::qWait(100);
        QVERIFY(!session_->isWorking() && column(2).stale);
        session_->runAgain();
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && isComplete(column(2)), patience);
    }

    void aLookAtAnotherSiteBringsItsValues() {
        const int layer = workspace().site.layer == 4 ? 1 : 4;
        session_->selectChannel({layer, Place::mlp_input}, 70);
        QVERIFY2(!workspace().sample, "values of another site are not shown as its own");
        QTRY_VERIFY_WITH_TIMEOUT(workspace().sample, patience);
        QVERIFY((workspace().sample->site == Site{layer, Place::mlp_input}));
        session_->selectSite({layer, Place::mlp_hidden});
        QVERIFY2(workspace().channel >= 0 && workspace().channel < 352, "another width: its largest channel");
        session_->typeText("Once there was a fox.");
        QTRY_VERIFY_WITH_TIMEOUT(workspace().typed && workspace().typed->site.place == Place::mlp_hidden,
                                 patience);
        session_->typeText(" ");
        QVERIFY(!workspace().typed);
    }

    void closingWhileItRunsIsQuick() {
        session_->toggleChannels(planted, {3});
        QElapsedTimer timer;
        timer.start();
        session_.reset();
        QVERIFY(timer.elapsed() < 5000);
    }
};

QTEST_GUILESS_MAIN(TestSession)
#include "test_session.moc"
