// SPDX-License-Identifier: GPL-3.0-or-later
// The window of training runs over real ones, seconds long: curves, what grows while it looks, checkpoints
// that open in the workspace.
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "app/window/training_window.h"
#include "core/base/atomic_file.h"
#include "core/base/stop.h"
#include "core/training_lab.h"
#include "widgets/figures.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/theme.h"
#include "widgets/training/emergence_map.h"
#include "widgets/training/migration_plot.h"

#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QSlider>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>

#include <thread>

using namespace kurtoscope;

class TestWindowTraining : public QObject {
    Q_OBJECT
private:
    std::unique_ptr<QTemporaryDir> place_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> main_;
    TrainingWindow* window_ = nullptr;

    QString folder(const char* name) const { return place_->filePath(QString("runs/") + name); }
    template <class Widget>
    Widget* part(const char* name) const {
        return window_->findChild<Widget*>(name);
    }
    MessageBar* bar() const { return window_->findChild<MessageBar*>(); }

private slots:
    void initTestCase() {
        place_ = std::make_unique<QTemporaryDir>();
        TrainingSpec spec;
        spec.model = {"gpt2", 2, 32, 2, 0, 0, 32, 300};
        spec.steps = 20, spec.batch = 4, spec.warmup = 4, spec.learningRate = 5e-3;
        spec.artificialBytes = 60'000;
        spec.checkpointEvery = 5, spec.validateEvery = 10, spec.validationWindows = 4, spec.recordEvery = 2;
        for (const char* name : {"none", "both"}) {
            spec.name = name;
            if (spec.name == "both") {
                spec.inputBits = 4;
                spec.regularizers = {{"kurtosis", {{"lambda", "0.01"}}}};
            }
            TrainingLab({DeviceKind::cpu, 1}).train(spec, folder(name).toStdString());
        }
    }
    void init() {
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        main_ = std::make_unique<MainWindow>(*session_, place_->filePath("window.ini"), "light");
        main_->findChild<QAction*>("trainingRuns")->trigger();
        window_ = main_->findChild<TrainingWindow*>();
        QVERIFY(window_ && window_->isVisible());
    }
    void cleanup() {
        main_.reset();
        session_.reset();
    }

    void nothingIsChosenYet() {
        QVERIFY2(window_->describe().contains("kurtoscope train"), qPrintable(window_->describe()));
        QVERIFY(!part<QPushButton>("trainingOpen")->isEnabled());
        QVERIFY(!part<QPushButton>("trainingRemove")->isEnabled());
    }

    // A folder of runs gives one curve each, from the figures that training wrote.
    void everyRunIsACurve() {
        window_->add(place_->filePath("runs"));
        // Step 1, every second one, and no record without a figure: 11 of each run.
        QVERIFY2(window_->describe().startsWith("kurtosis, 2 runs (both, none), 22 points, "),
                 qPrintable(window_->describe()));
        const auto* plot = part<CurvePlot>("trainingCurves");
        const TrainingRun none = TrainingRun::read(folder("none").toStdString());
        double largest = 0;
        for (const TrainingSiteFigures& site : none.records.back().sites)
            largest = std::max(largest, *site.kurtosis);
        QCOMPARE(plot->curves()[1].y.back(), largest);
        QCOMPARE(plot->curves()[1].x.back(), 20.0);
        const auto choose = [&](const char* figure) {
            part<QComboBox>("trainingFigure")->setCurrentText(figure);
            return std::pair(plot->curves()[0].y.size(), plot->curves()[1].y.size());
        };
        QCOMPARE(choose("validation loss"), std::pair(std::size_t{2}, std::size_t{2}));
        QCOMPARE(plot->curves()[1].y.back(), *none.records.back().validationLoss);
        QCOMPARE(choose("clipping value").second, std::size_t{0}); // nothing is learned there
        QVERIFY(choose("clipping value").first > 5);
        QVERIFY(part<QLabel>("trainingSays")->text().contains("none: step 20 of 20, loss "));
    }

    // What another process appends is there at the next look.
    void curvesGrow() {
        const QString copy = place_->filePath("growing");
        QVERIFY(QDir().mkpath(copy));
        for (const char* name : {"spec.json", "metrics.jsonl"})
            QFile::copy(folder("none") + "/" + name, copy + "/" + name);
        window_->add(copy);
        part<QComboBox>("trainingFigure")->setCurrentText("loss");
        const std::size_t before = part<CurvePlot>("trainingCurves")->curves()[0].y.size();
        TrainingRecord record = TrainingRun::read(copy.toStdString()).records.back();
        record.step = 21, record.steps = 40, record.loss = 1.25, record.event = "loss spike: 9 after 1";
        QFile metrics(copy + "/metrics.jsonl");
        QVERIFY(metrics.open(QIODevice::Append));
        metrics.write(QByteArray::fromStdString(record.toJson()) + "\n");
        metrics.close();
        QTRY_COMPARE_WITH_TIMEOUT(part<CurvePlot>("trainingCurves")->curves()[0].y.size(), before + 1,
                                  10'000);
        QCOMPARE(part<CurvePlot>("trainingCurves")->curves()[0].y.back(), 1.25);
        QVERIFY(part<QLabel>("trainingSays")->text().contains("loss spike: 9 after 1"));
    }

    // The window pauses what trains just now, whoever runs it, and has it go on and end.
    void aLiveRunIsPausedAndStopped() {
        auto *pause = part<QPushButton>("trainingPause"), *stop = part<QPushButton>("trainingStop");
        window_->add(folder("none"));
        QVERIFY(!pause->isVisible() && !stop->isVisible()); // it has ended
        TrainingSpec spec = TrainingRun::read(folder("none").toStdString()).spec;
        spec.name = "live", spec.steps = 100'000, spec.checkpointEvery = 50'000, spec.validateEvery = 50'000;
        const std::string live = folder("../live").toStdString();
        bool stopped = false;
        std::jthread training([&](std::stop_token token) {
            try {
                TrainingLab({DeviceKind::cpu, 1}).train(spec, live, false, token);
            } catch (const Cancelled&) {
                stopped = true;
            }
        });
        QTRY_VERIFY_WITH_TIMEOUT(QFileInfo(QString::fromStdString(live) + "/metrics.jsonl").size() > 0,
                                 30'000);
        window_->add(QString::fromStdString(live));
        part<QComboBox>("trainingRun")->setCurrentIndex(1);
        QVERIFY(pause->isVisible() && stop->isVisible());
        QCOMPARE(pause->text(), QString("&Pause"));

        pause->click();
        QTRY_COMPARE_WITH_TIMEOUT(pause->text(), QString("Con&tinue"), 30'000); // once it waits
        const TrainingRun waiting = TrainingRun::read(live);
        QVERIFY(waiting.records.back().paused);
        QCOMPARE(waiting.checkpoints.back().first, waiting.records.back().step);
        QVERIFY(part<QLabel>("trainingSays")->text().contains("paused"));
        QCOMPARE(part<QSlider>("trainingCheckpoint")->maximum(), 1); // it can be looked at meanwhile
        QTest::qWait(300);
        QCOMPARE(TrainingRun::read(live).records.size(), waiting.records.size());

        pause->click();
        QCOMPARE(pause->text(), QString("&Pause"));
        QTRY_VERIFY_WITH_TIMEOUT(TrainingRun::read(live).records.size() > waiting.records.size(), 30'000);
        QTRY_VERIFY_WITH_TIMEOUT(!part<QLabel>("trainingSays")->text().contains(", paused"), 30'000);

        stop->click();
        QTRY_VERIFY_WITH_TIMEOUT(!stop->isVisible(), 30'000); // as soon as nobody trains it
        training.join();
        QVERIFY(stopped);
        const TrainingRun ended = TrainingRun::read(live);
        QCOMPARE(ended.checkpoints.back().first, ended.records.back().step);
        part<QComboBox>("trainingRun")->setCurrentIndex(0);
        QVERIFY(!pause->isVisible());
    }

    void aCheckpointOpensInTheWorkspace() {
        window_->add(folder("both"));
        auto* slider = part<QSlider>("trainingCheckpoint");
        QCOMPARE(slider->maximum(), 4);
        slider->setValue(2);
        part<QPushButton>("trainingOpen")->click();
        QTRY_VERIFY_WITH_TIMEOUT(session_->workspace().model, 60'000);
        QVERIFY(QString::fromStdString(session_->workspace().model->path).endsWith("step-000010"));
        QCOMPARE(session_->workspace().model->layers, 2);
    }

    // The engine looks at checkpoints while a page that draws them is in sight.
    void checkpointsShowWhatEmerges() {
        auto* pages = part<QTabWidget>("trainingPages");
        auto* map = window_->findChild<EmergenceMap*>();
        auto* migration = window_->findChild<MigrationPlot*>();
        pages->setCurrentWidget(map);
        QVERIFY2(map->describe().startsWith("Add a run"), qPrintable(map->describe()));
        window_->add(place_->filePath("runs"));
        QVERIFY2(map->describe().startsWith("Looking at"), qPrintable(map->describe()));
        QTRY_VERIFY_WITH_TIMEOUT(map->describe().contains("at step 20"), 60'000);
        QVERIFY2(map->describe().startsWith("both: 5 × "), qPrintable(map->describe()));
        QVERIFY(map->exported("csv").startsWith("step,site,channel,mean_abs,outlier"));
        part<QComboBox>("emergenceWhat")->setCurrentIndex(0);
        const Emergence seen = TrainingLab({DeviceKind::cpu, 1}).emergence(folder("both").toStdString());
        const ViewTable table = map->table();
        QCOMPARE(table.rows.size(), 5 * 8);
        QCOMPARE(table.rows[39][1], QString::fromStdString(seen.steps[4].sites[7].site.name()));
        QCOMPARE(table.rows[39][3], ViewTable::number(seen.steps[4].sites[7].kurtosis));
        QVERIFY(map->exported("png").size() > 1000);
        emit map->findChild<HeatMapPlot*>()->cellChosen(1, 0, true);
        QCOMPARE(part<QSlider>("trainingCheckpoint")->value(), 1);

        pages->setCurrentWidget(migration);
        // Four trained checkpoints of each run.
        QTRY_VERIFY_WITH_TIMEOUT(migration->describe().startsWith("4-bit weight error, 8 points"), 60'000);
        const double both = migrationCorrelation(seen);
        QVERIFY2(migration->describe().contains(QString("both %1").arg(fixed(both, 2))),
                 qPrintable(migration->describe()));
        QCOMPARE(migration->table().rows[3][4], ViewTable::number(totals(seen.steps[4]).weightError));
        part<QComboBox>("migrationWeights")->setCurrentIndex(1);
        QVERIFY(migration->describe().contains(
            QString("both %1").arg(fixed(migrationCorrelation(seen, &EmergenceTotals::weightKurtosis), 2))));
        QVERIFY(!session_->isWorking());
        // For the next time, beside the settings; both runs began from one and the same model.
        QCOMPARE(QDir(place_->filePath("emergence")).entryList(QDir::Files).size(), 9);
    }

    // It waits for a model that is opened meanwhile, and goes on where it was.
    void lookingGivesWayToOtherWork() {
        part<QTabWidget>("trainingPages")->setCurrentIndex(1);
        window_->add(folder("both"));
        session_->openModel(folder("none") + "/checkpoints/step-000020");
        QTRY_VERIFY_WITH_TIMEOUT(session_->workspace().model, 60'000);
        auto* map = window_->findChild<EmergenceMap*>();
        QTRY_VERIFY_WITH_TIMEOUT(map->describe().contains("at step 20"), 60'000);
        QVERIFY2(map->describe().startsWith("both: 5 × "), qPrintable(map->describe()));
    }

    void checkpointsThatCannotBeLookedAtAreSaid() {
        const QString copy = place_->filePath("no text");
        QVERIFY(QDir().mkpath(copy + "/checkpoints"));
        for (const char* name : {"spec.json", "metrics.jsonl"})
            QFile::copy(folder("none") + "/" + name, copy + "/" + name);
        QVERIFY(QFile::link(folder("none") + "/checkpoints/step-000005", copy + "/checkpoints/step-000005"));
        part<QTabWidget>("trainingPages")->setCurrentIndex(1);
        window_->add(copy);
        auto* map = window_->findChild<EmergenceMap*>();
        QTRY_VERIFY_WITH_TIMEOUT(map->describe().contains("could not be looked at"), 60'000);
        QTRY_VERIFY(!session_->isWorking());
    }

    void badFoldersAreSaid_data() {
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("says");
        QTest::newRow("nothing there") << "nowhere"
                                       << "no such folder";
        QTest::newRow("no run") << "empty"
                                << "no training run";
        QTest::newRow("a damaged record") << "damaged"
                                          << "line 2";
    }
    void badFoldersAreSaid() {
        QFETCH(QString, what);
        QFETCH(QString, says);
        const QString place = place_->filePath(what);
        if (what != "nowhere") QVERIFY(QDir().mkpath(place));
        if (what == "damaged") {
            QFile::copy(folder("none") + "/spec.json", place + "/spec.json");
            const std::string first = TrainingRun::read(folder("none").toStdString()).records[0].toJson();
            writeFileAtomically((place + "/metrics.jsonl").toStdString(), first + "\nnonsense\n");
        }
        window_->add(place);
        QVERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains(says), qPrintable(bar()->text()));
        QVERIFY2(window_->describe().contains("kurtoscope train"), qPrintable(window_->describe()));
    }

    void sixRunsAreShownAndNoMore() {
        for (int i = 0; i < 7; ++i) {
            const QString copy = place_->filePath(QString("many/%1").arg(i));
            QVERIFY(QDir().mkpath(copy));
            for (const char* name : {"spec.json", "metrics.jsonl"})
                QFile::copy(folder("none") + "/" + name, copy + "/" + name);
        }
        window_->add(place_->filePath("many"));
        QVERIFY2(window_->describe().startsWith("kurtosis, 6 runs"), qPrintable(window_->describe()));
        QVERIFY(bar()->text().contains("6 runs are shown already"));
        part<QComboBox>("trainingRun")->setCurrentIndex(3);
        part<QPushButton>("trainingRemove")->click();
        QVERIFY(window_->describe().startsWith("kurtosis, 5 runs"));
    }

    void looksRightInBothThemes() {
        window_->add(qEnvironmentVariable("KURTOSCOPE_RUNS", place_->filePath("runs")));
        for (const char* theme : {"light", "dark"}) {
            main_->useTheme(theme);
            QTest::qWait(50);
            const QImage picture = window_->grab().toImage();
            QCOMPARE(QColor(picture.pixel(3, 3)), Theme::current().surface);
            const QString to = qEnvironmentVariable("KURTOSCOPE_SHOTS");
            if (to.isEmpty()) continue;
            auto* pages = part<QTabWidget>("trainingPages");
            for (int page = 0; page < pages->count(); ++page) {
                pages->setCurrentIndex(page);
                QTRY_VERIFY_WITH_TIMEOUT(!session_->isWorking(), 60'000);
                QTest::qWait(200);
                QVERIFY(window_->grab().save(QString("%1/training-%2-%3.png").arg(to, theme).arg(page)));
            }
            pages->setCurrentIndex(0);
        }
    }
};

QTEST_MAIN(TestWindowTraining)
#include "test_window_training.moc"
