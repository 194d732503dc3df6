// SPDX-License-Identifier: GPL-3.0-or-later
// The window driven by mouse and keyboard, on the bundled model.
#include "app/window/edit_recipe_dialog.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/panels/keep_outliers_dialog.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QAction>
#include <QDockWidget>
#include <QDropEvent>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 30000;

} // namespace

class TestWindow : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    const Workspace& workspace() const { return session_->workspace(); }
    const Recipe& active() const { return workspace().activeColumn()->recipe; }
    HeatMapPlot* map() const { return window_->view("channel-map")->findChild<HeatMapPlot*>(); }
    void act(const char* name) { window_->findChild<QAction*>(name)->trigger(); }
    bool enabled(const char* name) { return window_->findChild<QAction*>(name)->isEnabled(); }

    void makeWindow() {
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, folder_.filePath("window.ini"), "light");
        window_->resize(1280, 860);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
    }
    void open() {
        window_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(session_->hasFirstResults());
    }
    // A click on a cell of the channel map, where the mouse would put it.
    void click(int row, int column) {
        QTest::mouseClick(map()->canvas(), Qt::LeftButton, {}, map()->pixelOf(row, column).toPoint());
    }

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        makeWindow();
    }
    void cleanup() {
        window_.reset();
        session_.reset();
    }

    void anEmptyWindowSaysWhatToDo() {
        QVERIFY(window_->view("channel-map")->describe().contains("Open a model"));
        QVERIFY(!enabled("exportRecipe") && !enabled("keepOutliers") && !enabled("undo"));
        QCOMPARE(window_->windowTitle(), "Kurtoscope");
    }

    void openSelectKeepUndoRedoDuplicateRemove() {
        open();
        QVERIFY(window_->windowTitle().startsWith(QString::fromStdString(workspace().model->name)));
        const int layer = workspace().site.layer == 3 ? 2 : 3;
        const Site site{layer, workspace().site.place};
        const int channel = 17;

        click(layer, channel);
        QVERIFY((workspace().site == site));
        const int hit = workspace().channel; // the map takes the largest channel within two pixels
        QVERIFY(std::abs(hit - channel) <= 4);
        QVERIFY2(active().keeps(site, hit), "a click keeps, in the same event");
        QVERIFY(workspace().activeColumn()->stale);
        QVERIFY(window_->findChild<QLabel*>("selection")->text().contains(QString("channel %1").arg(hit)));

        QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(!active().keeps(site, hit));
        QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(active().keeps(site, hit));
        QTest::keyClick(window_.get(), Qt::Key_K);
        QVERIFY(!active().keeps(site, hit));

        QTest::keyClick(window_.get(), Qt::Key_D, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(workspace().columns.size(), std::size_t(4));
        QTest::keyClick(window_.get(), Qt::Key_Backspace, Qt::ControlModifier);
        QCOMPARE(workspace().columns.size(), std::size_t(3));
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(!workspace().activeColumn()->stale);
    }

    void aFailureLeavesTheModelOpenAndIsShown() {
        open();
        const auto model = workspace().model;
        const DataRequest data = session_->data();
        const int windows = workspace().columns[2].reading->windowsTotal;
        auto* bar = window_->findChild<MessageBar*>();
        QVERIFY(!bar->isVisible());
        window_->openModel(tiny + "/nothing-here");
        QTRY_VERIFY_WITH_TIMEOUT(bar->isVisible(), patience);
        QVERIFY2(bar->text().contains("nothing-here"), qPrintable(bar->text()));
        QVERIFY(workspace().model == model);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY2(session_->data() == data, "a text for the other model is not taken");
        act("toggleSelected");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && !workspace().columns[2].stale, patience);
        QVERIFY(session_->data() == data);
        QCOMPARE(workspace().columns[2].reading->metric, std::string("perplexity"));
        QCOMPARE(workspace().columns[2].reading->windowsTotal, windows);
        QVERIFY2(bar->isVisible(), "it stays until it is dismissed");
        bar->dismiss();
        QVERIFY(!bar->isVisible());
    }

    void keepOutliersMarksThenKeeps() {
        open();
        act("clearKept");
        QCOMPARE(active().keptCount(), std::size_t(0));
        act("keepOutliers");
        auto* dialog = window_->findChild<KeepOutliersDialog*>();
        QVERIFY(dialog);
        dialog->setWhere(KeepOutliersDialog::Where::allLinearInputs);
        dialog->setCriterion("top:1");
        QVERIFY2(!workspace().marked.empty() && active().kept.empty(), "shown before they are kept");
        const std::size_t sites = workspace().marked.size();
        QCOMPARE(sites, std::size_t(4 * workspace().model->layers));
        dialog->accept();
        QCOMPARE(active().keptCount(), sites);
        QVERIFY(workspace().marked.empty());
    }

    void theTaskIsChosenInTheMenu() {
        QVERIFY(!enabled("task-fidelity"));
        open();
        const auto checked = [this](const char* name) {
            return window_->findChild<QAction*>(name)->isChecked();
        };
        QVERIFY(checked("task-"));
        auto* bar = window_->findChild<MessageBar*>();
        act("task-similarity"); // wants a table
        QTRY_VERIFY_WITH_TIMEOUT(bar->isVisible(), patience);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        QVERIFY(checked("task-") && !checked("task-similarity"));
        QCOMPARE(workspace().task, "perplexity");
        act("task-fidelity");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().task == "fidelity", patience);
        QVERIFY(checked("task-fidelity") && !checked("task-"));
        act("task-");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && workspace().task == "perplexity", patience);
    }

    void aRecipeIsEditedAsText() {
        open();
        const auto kept = active().kept;
        QVERIFY(!kept.empty());
        act("editRecipe");
        auto* dialog = window_->findChild<EditRecipeDialog*>();
        QVERIFY(dialog && dialog->complaint().isEmpty());
        const std::pair<const char*, const char*> wrong[] = {
            {"w8a8:activation=sideways", "activation=sideways"},
            {"w8a8:colour=red", "colour"},
            {"w99", "w99"},
            {"w8a8:keep=luck:3", "luck"},
            {"", "scheme"}};
        for (const auto& [text, says] : wrong) {
            dialog->setText(text);
            QVERIFY2(dialog->complaint().contains(says), qPrintable(dialog->complaint()));
            QVERIFY(!dialog->findChild<QPushButton*>("change")->isEnabled());
        }
        dialog->setText("w8a8:activation=per-token");
        QCOMPARE(dialog->complaint(), "");
        dialog->accept();
        QVERIFY(active().parameters == (std::map<std::string, std::string>{{"activation", "per-token"}}));
        QVERIFY2(active().kept == kept, "kept channels stay");
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && !workspace().activeColumn()->stale, patience);
        act("undo");
        QVERIFY(active().parameters.contains("dynamic"));
        session_->activateColumn(0);
        QVERIFY2(!enabled("editRecipe"), "FP32 is what the others are compared with");
    }

    void modelsAtHandAreListedWithoutWaiting() {
        auto* menu = window_->findChild<QMenu*>("modelsAtHand");
        emit menu->aboutToShow();
        QCOMPARE(menu->actions().size(), 1);
        QVERIFY2(!menu->actions().constFirst()->isEnabled(), "it still looks");
        const auto bundled = [menu]() -> QAction* {
            for (QAction* action : menu->actions())
                if (action->toolTip() == tiny) return action;
            return nullptr;
        };
        QTRY_VERIFY_WITH_TIMEOUT(bundled(), patience);
        QVERIFY2(bundled()->text().contains("bundled"), qPrintable(bundled()->text()));
        bundled()->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(workspace().model, patience);
    }

    void filesAreDropped() {
        QMimeData drop;
        drop.setUrls({QUrl::fromLocalFile(tiny)});
        QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &drop, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event(QPointF(50, 50), Qt::CopyAction, &drop, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &event);
        QTRY_VERIFY_WITH_TIMEOUT(workspace().model, patience);
    }

    void themesCoverTheWholeWindow() {
        open();
        const QImage light = window_->grab().toImage();
        act("dark");
        QCOMPARE(window_->settings().theme(), "dark");
        const QImage dark = window_->grab().toImage();
        const QPoint inStatus(window_->width() / 2, window_->height() - 6);
        QVERIFY(light.pixelColor(inStatus).lightness() > 180);
        QVERIFY(dark.pixelColor(inStatus).lightness() < 80);
        act("light");
    }

    void theShortcutsAreListed() {
        QTest::keyClick(window_.get(), Qt::Key_F1);
        auto* sheet = window_->findChild<QDialog*>("shortcuts");
        QVERIFY(sheet && sheet->isVisible());
        QStringList words;
        for (auto* label : sheet->findChildren<QLabel*>())
            words << label->text();
        for (const char* expected : {"Undo", "Redo", "Ctrl+Z", "Keep outliers…", "Full screen", "Quit"})
            QVERIFY2(words.contains(expected), expected);
    }

    void theWindowIsRemembered() {
        auto* dock = window_->findChild<QDockWidget*>("dock-compare");
        dock->hide();
        window_->close();
        window_.reset();
        session_.reset();
        makeWindow();
        dock = window_->findChild<QDockWidget*>("dock-compare");
        QVERIFY(!dock->isVisible());
        act("resetLayout");
        QVERIFY(dock->isVisible());
    }

    void aScreenshotIsWritten() {
        open();
        const QString path = folder_.filePath("shot.png");
        QString whyNot;
        QVERIFY2(window_->saveScreenshot(path, &whyNot), qPrintable(whyNot));
        const QImage shot(path);
        QCOMPARE(shot.size(), window_->size());
        QVERIFY(!window_->saveScreenshot(folder_.filePath("no/such/folder/shot.png"), &whyNot));
        QVERIFY(!whyNot.isEmpty());
    }
};

QTEST_MAIN(TestWindow)
#include "test_window.moc"
