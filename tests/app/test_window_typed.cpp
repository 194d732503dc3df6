// SPDX-License-Identifier: GPL-3.0-or-later
// A person types a text into the token map, on a real model. With KURTOSCOPE_SHOTS=FOLDER the window is saved
// there.
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QFileInfo>
#include <QLineEdit>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

class TestWindowTyped : public QObject {
    Q_OBJECT

    static constexpr int patience = 120000;
    const QString miniLm_ = KURTOSCOPE_MODELS_DIR "/all-MiniLM-L6-v2";
    QTemporaryDir folder_;

    static void shoot(MainWindow& window, const QString& name) {
        const QString shots = qEnvironmentVariable("KURTOSCOPE_SHOTS");
        if (shots.isEmpty()) return;
        QString whyNot;
        QVERIFY2(window.saveScreenshot(shots + '/' + name, &whyNot), qPrintable(whyNot));
    }

private slots:
    void withoutAModelAndAfterAFailure() {
        Session session(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        MainWindow window(session, folder_.filePath("empty.ini"), "light");
        window.resize(1280, 800);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        int seen = 0;
        for (View* view : window.views()) {   // says what to do
            if (!view->isVisible()) continue; // behind a tab: drawn when it comes to the front
            ++seen;
            QVERIFY2(view->describe().contains("Open a model"), qPrintable(view->describe()));
        }
        QVERIFY(seen >= 4);
        shoot(window, "window_empty.png");
        window.openModel(folder_.filePath("no-such-model"));
        auto* bar = window.findChild<MessageBar*>();
        QTRY_VERIFY_WITH_TIMEOUT(bar->isVisible(), patience);
        QVERIFY2(bar->text().contains("no-such-model"), qPrintable(bar->text()));
        QTRY_VERIFY(session.isSettled() || !session.isWorking());
        shoot(window, "window_failed.png");
    }

    void typedTextIsShownAndFollowsTheCursor() {
        if (!QFileInfo::exists(miniLm_ + "/model.safetensors"))
            QSKIP("all-MiniLM-L6-v2 was not fetched: ./run or ./test does that");
        Session session(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.path = KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
        data.windows = 1;
        data.length = 32;
        data.calibrationWindows = 1;
        session.setDefaultData(data);
        MainWindow window(session, folder_.filePath("window.ini"), "light");
        window.setDataChosen(true);
        window.resize(1680, 1040);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        window.openModel(miniLm_);
        QTRY_VERIFY_WITH_TIMEOUT(session.isSettled() && session.hasFirstResults(), patience);

        View* view = window.view("token-map");
        window.bringForward("token-map");
        auto* line = view->findChild<QLineEdit*>();
        QVERIFY(line->isVisible());
        QTest::keyClicks(line, "Outliers live in few channels.");
        QTest::keyClick(line, Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().typed, patience);
        const Site first = session.workspace().site;
        QVERIFY(session.workspace().typed->site == first);
        const int tokens = session.workspace().typed->rows();
        QVERIFY2(tokens >= 9 && session.workspace().typed->tokens.front() == "[CLS]",
                 "words and special tokens");
        QVERIFY2(view->describe().startsWith(QString("%1 tokens × ").arg(tokens)),
                 qPrintable(view->describe()));

        // Another site chosen elsewhere: the same text is shown there.
        const Site other{3, Place::mlp_residual};
        session.selectSite(other);
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().typed && session.workspace().typed->site == other,
                                 patience);
        QTRY_VERIFY2(view->describe().contains("layers.3.mlp_residual"), qPrintable(view->describe()));
        QVERIFY(view->describe().startsWith(QString("%1 tokens × 384 channels").arg(tokens)));

        // A click there moves the cursor that all views share.
        auto* map = view->findChild<HeatMapPlot*>();
        map->grab();
        QTest::mouseClick(map->canvas(), Qt::LeftButton, {}, map->pixelOf(4, 200).toPoint());
        QCOMPARE(session.workspace().token, 4);
        QVERIFY(std::abs(session.workspace().channel - 200) <= 2);
        QVERIFY(window.view("channel-panel")
                    ->describe()
                    .contains(QString("channel %1").arg(session.workspace().channel)));
        QTRY_VERIFY_WITH_TIMEOUT(session.isSettled(), patience);

        shoot(window, "window_typed.png");
        line->clear();
        QTest::keyClick(line, Qt::Key_Return); // Run is disabled: nothing happens
        QVERIFY(session.workspace().typed);
    }
};

QTEST_MAIN(TestWindowTyped)
#include "test_window_typed.moc"
