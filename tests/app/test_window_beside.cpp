// SPDX-License-Identifier: GPL-3.0-or-later
// A training run's checkpoint in a second window beside the final one: what both share, what each has for
// itself, and what is left when either goes.
#include "app/window/beside.h"
#include "app/window/engine_thread.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "app/window/training_window.h"
#include "core/base/atomic_file.h"
#include "core/training_lab.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QLabel>
#include <QPushButton>
#include <QScreen>
#include <QSlider>
#include <QTemporaryDir>
#include <QTest>

#include <chrono>
#include <latch>
#include <thread>

using namespace kurtoscope;

class TestWindowBeside : public QObject {
    Q_OBJECT
    static constexpr int patience = 60'000;

    std::unique_ptr<QTemporaryDir> place_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> main_;
    TrainingWindow* runs_ = nullptr;

    QString run() const { return place_->filePath("run"); }
    QSlider* slider() const { return runs_->findChild<QSlider*>("trainingCheckpoint"); }
    void press() const { runs_->findChild<QPushButton*>("trainingBeside")->click(); }
    MainWindow* second() const { return main_->beside().window(); }
    Session& other() const { return *main_->beside().session(); }
    static QString opened(const Session& session) {
        const auto& model = session.workspace().model;
        return model ? QString::fromStdString(model->path).section('/', -1) : QString();
    }
    bool settled() const { return session_->isSettled() && (!second() || other().isSettled()); }
    static QStringList autosaves(const QString& folder) {
        return QDir(folder).entryList({"*-autosave.kurtoscope.json"}, QDir::Files);
    }
    // The final checkpoint, and beside it the one at a place of the slider.
    void openBeside(int at) {
        runs_->add(run());
        slider()->setValue(at);
        press();
        QVERIFY(second());
        QTRY_VERIFY_WITH_TIMEOUT(opened(*session_) == "step-000020" && !opened(other()).isEmpty(), patience);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
    }
    void slideTo(int at, const QString& checkpoint) {
        slider()->setValue(at);
        QTRY_COMPARE_WITH_TIMEOUT(opened(other()), checkpoint, patience);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
    }

private slots:
    void initTestCase() {
        place_ = std::make_unique<QTemporaryDir>();
        TrainingSpec spec;
        spec.name = "plain";
        spec.model = {"gpt2", 2, 32, 2, 0, 0, 32, 300};
        spec.steps = 20, spec.batch = 4, spec.warmup = 4, spec.learningRate = 5e-3;
        spec.artificialBytes = 60'000;
        spec.checkpointEvery = 5, spec.validateEvery = 10, spec.validationWindows = 4, spec.recordEvery = 5;
        TrainingLab({DeviceKind::cpu, 1}).train(spec, run().toStdString());
    }
    void init() {
        QDir(place_->filePath("settings")).removeRecursively();
        QDir().mkpath(place_->filePath("settings"));
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2, data.length = 32, data.calibrationWindows = 2;
        session_->setDefaultData(data);
        main_ = std::make_unique<MainWindow>(*session_, place_->filePath("settings/window.ini"), "light");
        main_->resize(1280, 860);
        main_->show();
        main_->findChild<QAction*>("trainingRuns")->trigger();
        runs_ = main_->findChild<TrainingWindow*>();
    }
    void cleanup() {
        main_.reset();
        session_.reset();
    }

    void theFinalOneStandsInTheFirstWindow() {
        QVERIFY(!runs_->findChild<QPushButton*>("trainingBeside")->isEnabled());
        openBeside(2);
        QCOMPARE(opened(other()), "step-000010");
        QVERIFY(second()->windowTitle().startsWith("step-000010"));
        if (QApplication::platformName() == "offscreen") {
            QCOMPARE(main_->screen()->availableGeometry().width(), 2560);
            QVERIFY2(!main_->frameGeometry().intersects(second()->frameGeometry()), "side by side");
            QCOMPARE(main_->size(), second()->size());
        }
        QVERIFY(other().data() == session_->data());
        QCOMPARE(QString::fromStdString(other().data().path), run() + "/data/held_out.txt");
        QCOMPARE(other().workspace().columns.size(), session_->workspace().columns.size());
        for (std::size_t i = 0; i < 3; ++i) {
            const Column &is = session_->workspace().columns[i], &was = other().workspace().columns[i];
            QCOMPARE(was.name, is.name);
            QVERIFY(is.reading && was.reading && is.reading->score != was.reading->score);
        }
        // One scale of colours, or the maps could not be compared by eye.
        const auto map = [](const MainWindow& window) {
            window.view("channel-map")->drawNow();
            return window.view("channel-map")->findChild<HeatMapPlot*>();
        };
        QVERIFY(!(map(*main_)->map().values == map(*second())->map().values));
        QCOMPARE(map(*main_)->highest(), map(*second())->highest());
        QCOMPARE(map(*main_)->lowest(), map(*second())->lowest());
        float most = 0;
        for (const MainWindow* window : {main_.get(), second()})
            for (const float value : map(*window)->map().values)
                most = std::max(most, value);
        QCOMPARE(map(*main_)->highest(), most);
        // Either was trained no less than the other's checkpoint: the final one answers better.
        QVERIFY(session_->workspace().columns[0].reading->score <
                other().workspace().columns[0].reading->score);
    }

    void bothLookAtTheSamePlace() {
        openBeside(1);
        const auto same = [&] {
            const Workspace &a = session_->workspace(), &b = other().workspace();
            return a.site == b.site && a.channel == b.channel && a.token == b.token;
        };
        QVERIFY(same());
        auto* map = main_->view("channel-map")->findChild<HeatMapPlot*>();
        main_->bringForward("channel-map");
        main_->view("channel-map")->drawNow();
        QTest::mouseMove(map->canvas(), map->pixelOf(1, 21).toPoint());
        QTest::mouseClick(map->canvas(), Qt::LeftButton, {}, map->pixelOf(1, 21).toPoint());
        QCOMPARE(session_->workspace().site.layer, 1);
        QVERIFY2(same(), "in the same event");
        const auto text = [](const MainWindow& w) { return w.findChild<QLabel*>("selection")->text(); };
        QVERIFY(text(*second()).contains(QString("channel %1").arg(session_->workspace().channel)));
        // What a click keeps belongs to the window that was clicked.
        QVERIFY(session_->workspace().activeColumn()->recipe != other().workspace().activeColumn()->recipe);
        QVERIFY(session_->undoStack().canUndo() && !other().undoStack().canUndo());

        // The other way round: a site, a token, and whether first tokens are left out.
        other().selectSite({0, Place::mlp_input});
        QVERIFY(same() && (session_->workspace().site == Site{0, Place::mlp_input}));
        emit second()->view("channel-panel")->tokenSelected(5);
        QVERIFY(same() && session_->workspace().token == 5);
        second()->findChild<QAction*>("skipFirstToken")->trigger();
        QVERIFY(session_->workspace().skipFirstToken);
        QVERIFY(main_->findChild<QAction*>("skipFirstToken")->isChecked());
        main_->findChild<QAction*>("skipFirstToken")->trigger();
        QVERIFY(!other().workspace().skipFirstToken);

        // Another text goes to both.
        const QString text2 = place_->filePath("other.txt");
        writeFileAtomically(text2.toStdString(),
                            readFile((run() + "/data/held_out.txt").toStdString()) + "more");
        main_->openData(text2);
        QTRY_VERIFY_WITH_TIMEOUT(other().data().path == text2.toStdString(), patience);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        QCOMPARE(other().workspace().dataName, session_->workspace().dataName);
    }

    void theChosenTokenOutlivesAnOpening() {
        openBeside(1);
        QVERIFY(second()->close());
        QTRY_VERIFY(!second());
        session_->selectToken(5);
        press();
        QTRY_VERIFY_WITH_TIMEOUT(!opened(other()).isEmpty(), patience);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        QCOMPARE(session_->workspace().token, 5);
        QCOMPARE(other().workspace().token, 5);
        QCOMPARE(other().workspace().channel, session_->workspace().channel);
    }

    void theSliderExchangesTheSecondModel() {
        openBeside(1);
        QSignalSpy firstOpened(session_.get(), &Session::opened);
        const double before = other().workspace().columns[0].reading->score;
        session_->selectChannel({1, Place::mlp_input}, 7);
        other().activateColumn(1);
        other().toggleChannels({1, Place::mlp_input}, {7});
        other().renameColumn(1, "by hand");
        slideTo(3, "step-000015");
        const Workspace& now = other().workspace();
        QVERIFY((now.site == Site{1, Place::mlp_input} && now.channel == 7));
        QCOMPARE(now.columns[1].name, "by hand");
        QVERIFY(now.columns[1].recipe.keeps({1, Place::mlp_input}, 7));
        QVERIFY(now.columns[0].reading && now.columns[0].reading->score < before);
        QVERIFY(now.columns[1].reading && !now.columns[1].stale && now.columns[1].observation);
        QVERIFY(!other().undoStack().canUndo());
        QVERIFY2(firstOpened.isEmpty(), "the first window's model stays");

        for (const int at : {0, 2, 1, 3, 4}) // as fast as a hand
            slider()->setValue(at);
        QTRY_COMPARE_WITH_TIMEOUT(opened(other()), "step-000020", patience);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        QCOMPARE(other().workspace().columns[0].reading->score,
                 session_->workspace().columns[0].reading->score);
    }

    // A criterion is asked again of each checkpoint: what it found in one says nothing of another.
    void criteriaFindTheirChannelsAnew() {
        openBeside(4);
        other().addColumn("top", Recipe::parse("w8a8:keep=top:1"));
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        const auto kept = other().workspace().columns.back().recipe.kept;
        QVERIFY(!kept.empty());
        slideTo(0, "step-000000");
        const Recipe& anew = other().workspace().columns.back().recipe;
        QVERIFY(anew.keep.empty() && !anew.kept.empty());
        QVERIFY2(anew.kept != kept, "an untrained model's largest channels are others");
        slideTo(4, "step-000020");
        QVERIFY(other().workspace().columns.back().recipe.kept == kept);
    }

    // Asked for while the one before is still being read.
    void theNewestRequestForDataCounts() {
        openBeside(1);
        DataRequest data = session_->data();
        data.windows = 3;
        session_->requestData(data);
        data.windows = 4;
        session_->requestData(data);
        QTRY_VERIFY_WITH_TIMEOUT(settled() && session_->data() == data, patience);
        QVERIFY(other().data() == data);
        for (const Session* session : {session_.get(), &other()})
            QCOMPARE(session->workspace().columns[0].reading->windowsTotal, 4);
    }

    void nothingOfItIsRemembered() {
        openBeside(1);
        session_->toggleChannels({0, Place::attn_input}, {3});
        other().toggleChannels({0, Place::attn_input}, {4});
        const QString folder = place_->filePath("settings/sessions");
        QTRY_COMPARE_WITH_TIMEOUT(autosaves(folder).size(), 1, 10'000);
        QTest::qWait(2500); // longer than a change waits for its autosave
        QCOMPARE(autosaves(folder).size(), 1);
        const std::string kept = readFile((folder + '/' + autosaves(folder)[0]).toStdString());
        QVERIFY(kept.find("step-000020") != std::string::npos &&
                kept.find("step-000005") == std::string::npos);
        slideTo(2, "step-000010");
        QCOMPARE(main_->settings().recent("models").size(), 1);
        QVERIFY(main_->settings().lastModel().endsWith("step-000020"));
        const QByteArray geometry = main_->settings().geometry();
        QVERIFY(second()->close());
        QCOMPARE(main_->settings().geometry(), geometry);
        QVERIFY2(!QFileInfo::exists(folder + "/last-session.kurtoscope.json"),
                 "it is no session to come back to");
        QVERIFY(main_->close());
        QVERIFY(readFile((folder + "/last-session.kurtoscope.json").toStdString()).find("step-000020") !=
                std::string::npos);
        QVERIFY(autosaves(folder).isEmpty());
    }

    // What is measured of a job, here and for the rate of the next start, begins with its turn.
    void waitingForTheOtherIsNotCounted() {
        openBeside(1);
        const double rate = main_->settings().rate();
        QVERIFY(rate > 0);
        slideTo(2, "step-000010");
        QCOMPARE(main_->settings().rate(), rate); // of the first window, whose model was not run

        constexpr double held = 3;
        EngineThread busy;
        std::latch begun(1);
        busy.post(Lane::load, [&](Workbench&, std::stop_token) {
            begun.count_down();
            std::this_thread::sleep_for(std::chrono::duration<double>(held));
        });
        begun.wait();
        const auto lines = session_->workspace().history.size();
        session_->addColumn("four", Recipe::parse("w4a4"));
        QTRY_VERIFY_WITH_TIMEOUT(settled() && session_->workspace().columns.back().reading, patience);
        const auto& history = session_->workspace().history;
        QVERIFY(history.size() > lines);
        for (auto line = history.begin() + static_cast<std::ptrdiff_t>(lines); line != history.end(); ++line)
            QVERIFY2(line->seconds < held / 2, qPrintable(line->what + QString(" %1 s").arg(line->seconds)));
    }

    void stoppingOneLeavesTheOther() {
        openBeside(1);
        session_->addColumn("four", Recipe::parse("w4a4"));
        other().addColumn("four", Recipe::parse("w4a4"));
        other().stop();
        QVERIFY(!other().isWorking());
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(session_->workspace().columns.back().reading);
        QVERIFY(!other().workspace().columns.back().reading);
        other().runAgain();
        QTRY_VERIFY_WITH_TIMEOUT(other().workspace().columns.back().reading, patience);
    }

    void aCheckpointThatDoesNotOpenIsSaidThere() {
        openBeside(1);
        const QString weights = run() + "/checkpoints/step-000015/model.safetensors";
        QVERIFY(QFile::rename(weights, weights + ".away"));
        const auto back = qScopeGuard([&] { QFile::rename(weights + ".away", weights); });
        slider()->setValue(3);
        auto* bar = second()->findChild<MessageBar*>();
        QTRY_VERIFY_WITH_TIMEOUT(bar->isVisible(), patience);
        QVERIFY2(bar->text().contains("step-000015"), qPrintable(bar->text()));
        QVERIFY(!main_->findChild<MessageBar*>()->isVisible());
        QCOMPARE(opened(other()), "step-000005");
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        slideTo(2, "step-000010");
    }

    void closingTheSecondLeavesTheFirst() {
        const QSize before = main_->size();
        openBeside(1);
        QVERIFY(second()->close());
        QTRY_VERIFY(!second());
        QCOMPARE(main_->size(), before);
        QVERIFY2(!session_->workspace().beside, "its colours are its own again");
        QVERIFY(main_->isVisible() && session_->workspace().model);
        slider()->setValue(3); // nobody follows
        QTest::qWait(50);
        QVERIFY(!second() && !session_->isWorking());
        press();
        QVERIFY(second());
        QTRY_COMPARE_WITH_TIMEOUT(opened(other()), "step-000015", patience);
        QVERIFY((other().workspace().site == session_->workspace().site));
        QVERIFY(second()->close()); // and again at once, before it has gone
        press();
        QTRY_COMPARE_WITH_TIMEOUT(opened(other()), "step-000015", patience);
        QVERIFY(second()->isVisible());
    }

    void closingTheFirstClosesBoth() {
        openBeside(1);
        other().addColumn("four", Recipe::parse("w4a4")); // while the engine works
        QVERIFY(main_->close());
        QTRY_VERIFY(!second());
    }

    // The entry in the second window's menu leads to the one list of runs.
    void thereIsOneWindowOfRuns() {
        openBeside(1);
        runs_->hide();
        second()->findChild<QAction*>("trainingRuns")->trigger();
        QVERIFY(runs_->isVisible());
        QVERIFY(!second()->findChild<TrainingWindow*>());
    }

    void looksRightInBothThemes() {
        runs_->add(qEnvironmentVariable("KURTOSCOPE_RUNS", run()));
        slider()->setValue(1);
        press();
        QTRY_VERIFY_WITH_TIMEOUT(session_->workspace().model && other().workspace().model, patience);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        const QString to = qEnvironmentVariable("KURTOSCOPE_SHOTS");
        if (!to.isEmpty()) main_->resize(960, 1040), second()->resize(960, 1040);
        for (const char* theme : {"dark", "light"}) {
            second()->findChild<QAction*>(theme)->trigger();
            QTest::qWait(50);
            for (MainWindow* window : {main_.get(), second()}) {
                const QImage picture = window->grab().toImage();
                QCOMPARE(QColor(picture.pixel(2, picture.height() - 3)).lightness() < 128,
                         QByteArray(theme) == "dark");
                QVERIFY(window->findChild<QAction*>(theme)->isChecked());
            }
            if (to.isEmpty()) continue;
            QTest::qWait(1000); // every view has had its turn, and painted
            QString whyNot;
            QVERIFY(main_->saveScreenshot(QString("%1/beside-%2-first.png").arg(to, theme), &whyNot));
            QVERIFY(second()->saveScreenshot(QString("%1/beside-%2-second.png").arg(to, theme), &whyNot));
            QVERIFY(runs_->grab().save(QString("%1/beside-%2-runs.png").arg(to, theme)));
        }
    }
};

// On a screen with room for two windows, where a platform without one lets us say so.
int main(int argc, char** argv) {
    const QTemporaryDir folder;
    const QString screen = folder.filePath("screen.json");
    if (qEnvironmentVariable("QT_QPA_PLATFORM") == "offscreen") {
        writeFileAtomically(screen.toStdString(),
                            R"({"screens": [{"name": "wide", "width": 2560, "height": 1440, "dpr": 1}]})");
        qputenv("QT_QPA_PLATFORM", "offscreen:configfile=" + screen.toLocal8Bit());
    }
    QApplication app(argc, argv);
    TestWindowBeside test;
    return QTest::qExec(&test, argc, argv);
}
#include "test_window_beside.moc"
