// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing a model: those at hand, those pointed at, and what opening one would take.
#include "app/window/known_models_table.h"
#include "app/window/main_window.h"
#include "app/window/open_dialog.h"
#include "app/window/session.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QDir>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 60000;

KnownModel model(const char* name, std::int64_t parameters) {
    KnownModel known;
    known.name = name;
    known.path = std::string("/models/") + name;
    known.origin = "fetched";
    known.architecture = "llama";
    known.storedPrecision = "BF16";
    known.layers = 30;
    known.hidden = 576;
    known.vocabulary = 49152;
    known.parameters = parameters;
    known.bytes = 2 * parameters;
    known.hasHead = true;
    return known;
}

} // namespace

class TestWindowOpen : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    QStringList column(const QTableView& table, int column) const {
        QStringList all;
        for (int row = 0; row < table.model()->rowCount(); ++row)
            all << table.model()->index(row, column).data().toString();
        return all;
    }

private slots:
    // The cache as huggingface_hub lays it out.
    void initTestCase() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        const QString snapshot = folder_.filePath("hub/models--me--cached-llama/snapshots/0123abcd");
        QDir().mkpath(snapshot);
        for (const QString& file : QDir(tiny).entryList(QDir::Files))
            QVERIFY(QFile::copy(tiny + '/' + file, snapshot + '/' + file));
        qputenv("HF_HUB_CACHE", folder_.filePath("hub").toLocal8Bit());
        qputenv("KURTOSCOPE_MODELS_DIR", folder_.filePath("nothing").toLocal8Bit());
    }

    void chosenByKeyboardWithWhatItTakes() {
        Session session(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        MainWindow window(session, folder_.filePath("window.ini"), "light");
        window.resize(1280, 860);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        window.activateWindow();
        QTest::keyClick(&window, Qt::Key_O, Qt::ControlModifier);
        auto* dialog = window.findChild<OpenDialog*>();
        QVERIFY(dialog && dialog->isVisible());
        auto* table = dialog->findChild<QTableView*>("models");
        QTRY_VERIFY_WITH_TIMEOUT(table->model()->rowCount() >= 2, patience);
        const QStringList origins = column(*table, KnownModelsTable::origin);
        QVERIFY2(origins.contains("bundled") && origins.contains("Hugging Face cache"),
                 qPrintable(origins.join(", ")));
        const qsizetype bundled = column(*table, KnownModelsTable::name).indexOf("tiny-llama");
        QCOMPARE(origins[bundled], "bundled");
        QCOMPARE(column(*table, KnownModelsTable::stored)[bundled], "BF16");
        QVERIFY2(column(*table, KnownModelsTable::shape)[bundled].startsWith("llama · "),
                 qPrintable(column(*table, KnownModelsTable::shape)[bundled]));
        QVERIFY(column(*table, KnownModelsTable::size)[bundled].endsWith("MB"));
        QVERIFY2(dialog->takes().contains("of memory") && dialog->takes().contains("first picture"),
                 qPrintable(dialog->takes()));
        QVERIFY2(dialog->findChild<QLabel*>("note")->text().contains("guess"), "nothing has run here");

        QTest::keyClicks(dialog->findChild<QLineEdit*>(), "hugging");
        QCOMPARE(table->model()->rowCount(), 1);
        QVERIFY(dialog->path().contains("0123abcd"));
        QTest::keyClicks(dialog->findChild<QLineEdit*>(), "nothing like it");
        QVERIFY(dialog->path().isEmpty() && !dialog->findChild<QPushButton*>("openModel")->isEnabled());
        dialog->findChild<QLineEdit*>()->clear();
        QTest::keyClicks(dialog->findChild<QLineEdit*>(), "bundled");
        QTest::keyClick(dialog, Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(session.workspace().model, patience);
        QCOMPARE(QFileInfo(QString::fromStdString(session.workspace().model->path)).canonicalFilePath(),
                 QFileInfo(tiny).canonicalFilePath());
        QTRY_VERIFY_WITH_TIMEOUT(window.settings().rate() > 0, patience);

        window.activateWindow(); // as a desktop does when the dialog has gone
        QTRY_COMPARE(QApplication::activeWindow(), &window);
        QTest::keyClick(&window, Qt::Key_O, Qt::ControlModifier);
        dialog = window.findChild<OpenDialog*>();
        QTRY_VERIFY(!dialog->path().isEmpty());
        QVERIFY2(dialog->findChild<QLabel*>("note")->text().contains("ran before"), "now it knows how fast");
        dialog->reject();
    }

    void whatIsPointedAtIsListedAndWhatIsNoModelIsSaid() {
        ModelList list;
        OpenDialog dialog(list, {});
        dialog.show();
        QVERIFY(!dialog.offer(folder_.filePath("hub")));
        QVERIFY2(dialog.takes().contains("hub"), qPrintable(dialog.takes()));
        QVERIFY(dialog.path().isEmpty());
        QVERIFY(dialog.offer(tiny));
        QCOMPARE(dialog.path(), tiny);
        auto* table = dialog.findChild<QTableView*>("models");
        QVERIFY(column(*table, KnownModelsTable::origin).contains("pointed at"));
        QTRY_VERIFY_WITH_TIMEOUT(list.stands(), patience);
        QTRY_COMPARE(dialog.path(), tiny); // it stays when the others are found
        QSignalSpy chosen(&dialog, &OpenDialog::chosen);
        QTest::mouseClick(dialog.findChild<QPushButton*>("openModel"), Qt::LeftButton);
        QCOMPARE(chosen.size(), 1);
        QCOMPARE(chosen[0][0].toString(), tiny);
    }

    void whatMayNotFitIsSaid() {
        ModelList list;
        DryRun dryRun;
        dryRun.freeBytes = 1'000'000;
        dryRun.rate = 1e9;
        OpenDialog dialog(list, dryRun);
        QVERIFY(dialog.offer(tiny));
        QVERIFY2(dialog.findChild<QLabel*>("note")->text().contains("may not fit"),
                 qPrintable(dialog.findChild<QLabel*>("note")->text()));
        QVERIFY(freeMemory() > 100'000'000);
    }

    void theDryRunGrowsWithEveryPart() {
        DataRequest data;
        data.windows = 8;
        data.length = 256;
        const RunEstimate small = estimateRun(model("a", 135'000'000), data, 3, 2e10);
        QVERIFY(small.bytes > 4 * 135'000'000 && small.bytes < 4'000'000'000);
        QVERIFY(small.seconds > small.pictureSeconds && small.pictureSeconds > 0);
        QVERIFY(estimateRun(model("b", 1'100'000'000), data, 3, 2e10).bytes > small.bytes + 3'000'000'000);
        QVERIFY(estimateRun(model("a", 135'000'000), data, 6, 2e10).seconds > 1.8 * small.seconds);
        QVERIFY(estimateRun(model("a", 135'000'000), data, 3, 4e10).seconds < 0.7 * small.seconds);
        data.windows = 16;
        QVERIFY(estimateRun(model("a", 135'000'000), data, 3, 2e10).seconds > 1.3 * small.seconds);
        KnownModel embedding = model("c", 22'700'000);
        embedding.hasHead = false;
        embedding.vocabulary = 30522;
        embedding.hidden = 384;
        QVERIFY(multiplications(embedding) < 22'700'000 - 11'000'000); // a look-up multiplies nothing
    }

    void theTableIsAModel() {
        KnownModelsTable table;
        const QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        table.setModels({model("a", 1'000'000), model("b", 135'000'000)});
        QCOMPARE(table.rowCount(), 2);
        QCOMPARE(table.add(model("c", 7'000)), 0);
        QCOMPARE(table.add(model("b", 135'000'000)), 2); // listed already
        table.setModels({model("d", 2), model("c", 7'000)});
        QCOMPARE(table.rowCount(), 2);
        QCOMPARE(table.index(0, KnownModelsTable::name).data().toString(), "c");
        QCOMPARE(table.index(1, KnownModelsTable::name).data().toString(), "d");
    }
};

QTEST_MAIN(TestWindowOpen)
#include "test_window_open.moc"
