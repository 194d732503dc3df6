// SPDX-License-Identifier: GPL-3.0-or-later
// What the session computes only because a view in sight needs it, or a person asked, and its history.
#include "app/window/session.h"

#include <QFileInfo>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 120000;

DataRequest fewWindows() {
    DataRequest data;
    data.path = (tiny + "/heldout.txt").toStdString();
    data.windows = 2;
    data.length = 64;
    data.calibrationWindows = 2;
    return data;
}

} // namespace

class TestSessionQuestions : public QObject {
    Q_OBJECT

    std::unique_ptr<Session> session_;
    const Workspace& workspace() const { return session_->workspace(); }
    const Column& active() const { return *workspace().activeColumn(); }
    bool saysInHistory(HistoryLine::Kind kind, const QString& words) const {
        return std::ranges::any_of(workspace().history, [&](const HistoryLine& line) {
            return line.kind == kind && line.what.contains(words);
        });
    }

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        session_->setDefaultData(fewWindows());
        session_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
    }
    void cleanup() { session_.reset(); }

    void nothingIsReadUnasked() {
        QVERIFY(!workspace().reading && !workspace().attention && !workspace().sensitivity);
        for (const Column& column : workspace().columns)
            QVERIFY(!column.errors);
    }

    void theTextIsReadWhileItIsNeeded() {
        session_->setNeeds(Need::reading);
        QVERIFY(!session_->hasFirstResults());
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().reading, patience);
        QVERIFY(session_->hasFirstResults());
        QCOMPARE(workspace().reading->recipe, active().recipe);
        QCOMPARE(workspace().reading->tokens.size(), std::size_t{64}); // the data's first window
        const auto first = workspace().reading;
        session_->typeText("once upon a time");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(workspace().reading != first);
        QCOMPARE(workspace().text, QString("once upon a time"));
        QCOMPARE(workspace().reading->source, std::string("once upon a time"));
        const auto typed = workspace().reading;
        session_->activateColumn(1);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QCOMPARE(workspace().reading->recipe, active().recipe);
        session_->activateColumn(2); // known already: there at once
        QCOMPARE(workspace().reading, typed);
        session_->setNeeds({});
        session_->activateColumn(1);
        session_->toggleChannels(workspace().site, {1});
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY2(workspace().reading->recipe != active().recipe, "no view needs it now");
    }

    void attentionFollowsTheLayer() {
        session_->setNeeds(Need::attention);
        session_->selectSite({1, Place::mlp_input});
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().attention, patience);
        QCOMPARE(workspace().attention->layer, 1);
        QCOMPARE(workspace().attention->length(), 64);
        session_->selectSite({2, Place::mlp_input});
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().attention->layer == 2, patience);
    }

    void errorsAreThoseOfEachColumn() {
        session_->setNeeds(Need::errors);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(active().errors && !workspace().columns[0].errors && !workspace().columns[1].errors);
        QCOMPARE(active().errors->recipe, active().recipe);
        session_->setNeeds(Need::everyErrors);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(workspace().columns[1].errors);
        const Site site = workspace().columns[1].errors->sites.front().site;
        QVERIFY(workspace().columns[1].errors->find(site)->sqnrDb <=
                active().errors->find(site)->sqnrDb + 1e-9);
        session_->toggleChannels(site, {0});
        QVERIFY2(!active().errors, "another choice has other errors");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && active().errors, patience);
    }

    void sensitivityRunsWhenAskedAndGivesWay() {
        session_->activateColumn(0);
        QSignalSpy noticed(session_.get(), &Session::noticed);
        session_->askSensitivity(true);
        QCOMPARE(noticed.size(), 1); // FP32 rounds nothing
        QVERIFY(!workspace().sensitivity);
        session_->activateColumn(1);
        session_->askSensitivity(true);
        QVERIFY(workspace().sensitivity && workspace().sensitivity->running);
        const auto measured = [this] {
            return std::ranges::count_if(workspace().sensitivity->found.rows,
                                         [](const SiteSensitivity& row) { return row.only.has_value(); });
        };
        QTRY_VERIFY_WITH_TIMEOUT(measured() > 0, patience);
        // A look elsewhere comes first, and what was measured is not lost.
        const auto before = measured();
        session_->selectSite({0, Place::mlp_hidden});
        QTRY_VERIFY_WITH_TIMEOUT(
            workspace().sample && workspace().sample->site == (Site{0, Place::mlp_hidden}), patience);
        QVERIFY(measured() >= before);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(workspace().sensitivity->found.complete && !workspace().sensitivity->running);
        QCOMPARE(measured(), std::ptrdiff_t(workspace().sensitivity->found.rows.size()));
        QVERIFY(saysInHistory(HistoryLine::Kind::work, "Sensitivity of"));
    }

    void sensitivityStopsAndGoesOn() {
        session_->activateColumn(1);
        session_->askSensitivity(true);
        QTRY_VERIFY_WITH_TIMEOUT(!workspace().sensitivity->found.rows.empty() &&
                                     workspace().sensitivity->found.rows.front().only,
                                 patience);
        session_->askSensitivity(false);
        QVERIFY(!workspace().sensitivity->running);
        const auto found = workspace().sensitivity->found.rows.size();
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QCOMPARE(workspace().sensitivity->found.rows.size(), found);
        session_->askSensitivity(true);
        QVERIFY(workspace().sensitivity->running && workspace().sensitivity->found.rows.front().only);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().sensitivity->found.complete, patience);
        session_->stop();
        session_->openData(tiny + "/heldout.txt");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY2(!workspace().sensitivity, "other data, other sensitivity");
    }

    void historySaysWhatRanAndWhatToKnow() {
        QVERIFY(saysInHistory(HistoryLine::Kind::work, "Observing"));
        QVERIFY(saysInHistory(HistoryLine::Kind::work, "Evaluating"));
        QVERIFY2(saysInHistory(HistoryLine::Kind::warning, "Calibration sees at most 128 tokens"),
                 "ranges from so little text");
        for (const HistoryLine& line : workspace().history)
            QVERIFY(line.when.isValid() && !line.what.isEmpty() &&
                    (line.kind != HistoryLine::Kind::work || line.seconds >= 0));
        QSignalSpy failed(session_.get(), &Session::failed);
        session_->openData("/nowhere/at-all.txt");
        QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, patience);
        QVERIFY(saysInHistory(HistoryLine::Kind::error, "at-all.txt"));
        const auto lines = workspace().history.size();
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        session_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(workspace().history.size() > lines && session_->isSettled(), patience);
        QVERIFY2(saysInHistory(HistoryLine::Kind::error, "at-all.txt"), "it outlives the model");
    }

    void cancellingAtRandomLosesNothing() {
        session_->setNeeds(Need::reading | Need::attention | Need::everyErrors);
        session_->activateColumn(1);
        for (int i = 0; i < 60; ++i) {
            switch (i % 4) {
            case 0:
                session_->typeText(QString("word %1").arg(i));
                break;
            case 1:
                session_->askSensitivity(i % 8 == 1);
                break;
            case 2:
                session_->selectSite({i % 3, Place::mlp_input});
                break;
            default:
                session_->stop();
            }
            QTest::qWait(i * 7 % 23);
        }
        session_->askSensitivity(false);
        session_->runAgain();
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->hasFirstResults(), patience);
        QCOMPARE(workspace().reading->source, workspace().text.toStdString());
        QCOMPARE(workspace().attention->layer, workspace().site.layer);
        QVERIFY(!session_->isWorking());
    }
};

QTEST_MAIN(TestSessionQuestions)
#include "test_session_questions.moc"
