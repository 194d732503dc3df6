// SPDX-License-Identifier: GPL-3.0-or-later
// Every view of the window on real models, brought to the front one by one. With KURTOSCOPE_SHOTS=FOLDER each
// is saved there.
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/parts/heading.h"
#include "widgets/view.h"

#include <QComboBox>
#include <QFileInfo>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

class TestWindowViews : public QObject {
    Q_OBJECT

    static constexpr int patience = 300000; // what a sanitizer needs
    QTemporaryDir folder_;

    static void shoot(MainWindow& window, const QString& name) {
        const QString shots = qEnvironmentVariable("KURTOSCOPE_SHOTS");
        if (shots.isEmpty()) return;
        QString whyNot;
        QVERIFY2(window.saveScreenshot(shots + '/' + name + ".png", &whyNot), qPrintable(whyNot));
    }

private slots:
    void everyViewAnswers_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("theme");
        QTest::addColumn<QString>("answers");
        QTest::newRow("minilm") << KURTOSCOPE_MODELS_DIR "/all-MiniLM-L6-v2"
                                << "light"
                                << "1 − cosine";
        QTest::newRow("smollm2") << KURTOSCOPE_MODELS_DIR "/SmolLM2-135M-Instruct.Q4_1.gguf"
                                 << "dark"
                                 << "KL (nats)";
    }
    void everyViewAnswers() {
        QFETCH(QString, model);
        QFETCH(QString, theme);
        QFETCH(QString, answers);
        if (!QFileInfo::exists(model)) QSKIP("the model was not fetched: ./run or ./test does that");
        Session session(WorkbenchOptions{DeviceKind::cpu, 2, 1});
        DataRequest data;
        data.path = KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
        data.windows = 1;
        data.length = 48;
        data.calibrationWindows = 1;
        session.setDefaultData(data);
        MainWindow window(session, folder_.filePath("window.ini"), theme);
        window.setDataChosen(true);
        window.resize(1680, 1040);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        window.openModel(model);
        QTRY_VERIFY_WITH_TIMEOUT(session.isSettled() && session.hasFirstResults(), patience);
        const QString tag = QTest::currentDataTag();
        const auto front = [&](const char* id) {
            View* view = window.view(id);
            window.bringForward(id);
            QTest::qWait(1); // needs are added up once the tabs have changed
            return view;
        };
        const auto settled = [&] { return session.isSettled() && session.hasFirstResults(); };

        View* text = front("text");
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().reading && settled(), patience);
        QVERIFY2(text->describe().startsWith("48 tokens, " + answers), qPrintable(text->describe()));
        const int jump = errorJump(session.workspace().reading->tokens[5].sqnrDb);
        session.selectToken(5);
        QTest::mouseClick(text->findChild<QPushButton*>("jump"), Qt::LeftButton);
        QCOMPARE(session.workspace().site.layer, jump);
        QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
        shoot(window, tag + "-text");

        View* attention = front("attention-map");
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().attention && settled(), patience);
        QVERIFY2(attention->describe().startsWith(QString("layer %1, mean of heads, 48 × 48").arg(jump)),
                 qPrintable(attention->describe()));
        shoot(window, tag + "-attention");

        View* channels = front("channel-map");
        for (QComboBox* choice : channels->heading()->findChildren<QComboBox*>())
            choice->setCurrentIndex(choice->count() - 1); // error; Places
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().activeColumn()->errors && settled(), patience);
        QTRY_VERIFY2(channels->describe().contains("error"), qPrintable(channels->describe()));
        shoot(window, tag + "-errors");
        View* depth = window.view("depth-curves");
        for (QComboBox* choice : depth->heading()->findChildren<QComboBox*>())
            if (choice->count() == 5) choice->setCurrentIndex(4);
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().columns[1].errors && settled(), patience);

        View* sensitivity = front("sensitivity-map");
        shoot(window, tag + "-sensitivity-before");
        QTest::mouseClick(sensitivity->findChild<QPushButton*>("measure"), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(
            session.workspace().sensitivity && session.workspace().sensitivity->found.all, patience);
        if (tag == "minilm" || !qEnvironmentVariable("KURTOSCOPE_SHOTS").isEmpty()) {
            QTRY_VERIFY_WITH_TIMEOUT(settled(), patience);
            QVERIFY(session.workspace().sensitivity->found.complete);
        } else {
            session.askSensitivity(false);
        }
        shoot(window, tag + "-sensitivity");

        session.typeText("Outliers live in few channels, and the first token is often one of them.");
        View* tokens = front("token-map");
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().typed && settled(), patience);
        tokens->heading()->findChild<QComboBox*>()->setCurrentIndex(1);
        QVERIFY2(tokens->describe().contains(" bars"), qPrintable(tokens->describe()));
        shoot(window, tag + "-bars");

        View* history = front("history");
        QVERIFY2(history->describe().contains(" lines"), qPrintable(history->describe()));
        shoot(window, tag + "-history");
    }
};

QTEST_MAIN(TestWindowViews)
#include "test_window_views.moc"
