// SPDX-License-Identifier: GPL-3.0-or-later
// The Export dialog, worked with the mouse: what it says before writing, what it writes, Stop.
#include <QCheckBox>
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>

#include "app/window/export_dialog.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/panels/header_bar.h"

using namespace kurtoscope;

namespace {

const QString model = QStringLiteral(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama");

} // namespace

class WindowExportTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        if (!QFile::exists(model + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        DataRequest data;
        data.path = (model + "/heldout.txt").toStdString();
        data.windows = 2, data.length = 32;
        session_.setDefaultData(data);
        session_.openModel(model);
        QTRY_VERIFY_WITH_TIMEOUT(session_.workspace().model && session_.isSettled(), 120'000);
    }

    void saysWhatIsCarriedThenWrites() {
        const QTemporaryDir place;
        ExportDialog dialog(session_, "W8A8", Recipe::parse("w8a8:levels=full,keep=top:2"));
        dialog.show();
        QCOMPARE(find<QComboBox>(dialog, "exportFormat")->currentData().toString(),
                 QStringLiteral("compressed-tensors"));
        auto* write = find<QPushButton>(dialog, "exportWrite");
        QVERIFY2(!write->isEnabled(), "nothing is known yet");
        auto* modules = find<QTreeWidget>(dialog, "exportModules");
        QTRY_VERIFY_WITH_TIMEOUT(modules->topLevelItemCount() > 0, 60'000);
        QCOMPARE(modules->topLevelItemCount(), 7 * session_.workspace().model->layers);
        QCOMPARE(modules->topLevelItem(0)->text(1), QStringLiteral("group_0"));
        QCOMPARE(modules->topLevelItem(0)->text(3), QStringLiteral("2"));
        const auto* facts = find<QLabel>(dialog, "exportFacts");
        QVERIFY(facts->text().contains("Expected difference") && facts->text().contains("Size: about"));
        QVERIFY2(facts->text().contains("silently wrong"), "what happens without the kept channels");
        QVERIFY2(!write->isEnabled(), "no folder is named");
        auto* folder = find<QLineEdit>(dialog, "exportFolder");
        QTest::keyClicks(folder, place.filePath("made"));
        QVERIFY(write->isEnabled());
        QTest::mouseClick(write, Qt::LeftButton);
        const auto* says = find<QLabel>(dialog, "exportSays");
        QTRY_VERIFY_WITH_TIMEOUT(says->text().contains("bit for bit"), 60'000);
        QVERIFY(QFile::exists(place.filePath("made/model.safetensors")));
        // Once more into the same place: refused, unless it is said that it may be replaced.
        folder->clear();
        QTest::keyClicks(folder, place.filePath("made"));
        QTest::mouseClick(write, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(says->text().contains("exists already"), 60'000);
        find<QCheckBox>(dialog, "exportForce")->click();
        QTest::mouseClick(write, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(says->text().contains("bit for bit"), 60'000);
        // The model can be opened again.
        Workbench bench;
        QVERIFY(bench.open(place.filePath("made").toStdString()).quantized);
    }

    void whatIsRefusedCannotBeWritten() {
        ExportDialog dialog(session_, "per channel", Recipe::parse("w8a8:activation=per-channel"));
        dialog.setFolder("/nowhere/made");
        dialog.show();
        const auto* facts = find<QLabel>(dialog, "exportFacts");
        QTRY_VERIFY_WITH_TIMEOUT(facts->text().contains("refused"), 60'000);
        QVERIFY(facts->text().contains("per channel"));
        QVERIFY(!find<QPushButton>(dialog, "exportWrite")->isEnabled());
        // The recipe as such can leave all the same.
        auto* format = find<QComboBox>(dialog, "exportFormat");
        format->setCurrentIndex(format->findData(QStringLiteral("recipe")));
        QTRY_VERIFY_WITH_TIMEOUT(find<QPushButton>(dialog, "exportWrite")->isEnabled(), 60'000);
    }

    void parametersChangeThePlan() {
        ExportDialog dialog(session_, "W4A16", Recipe::parse("rtn:bits=4,group=32"));
        dialog.show();
        const auto* facts = find<QLabel>(dialog, "exportFacts");
        QTRY_VERIFY_WITH_TIMEOUT(facts->text().contains("Size: about"), 60'000);
        const QString before = facts->text();
        auto* packing = find<QComboBox>(dialog, "export-packing");
        QVERIFY(!packing->accessibleName().isEmpty() && !packing->toolTip().isEmpty());
        packing->setCurrentText("int8");
        QTRY_VERIFY_WITH_TIMEOUT(facts->text().contains("Size: about") && facts->text() != before, 60'000);
    }

    void stopLeavesNothing() {
        const QTemporaryDir place;
        ExportDialog dialog(session_, "W8A8", Recipe::parse("w8a8:levels=full,weight_range=mse"));
        dialog.setFolder(place.filePath("made"));
        dialog.show();
        auto* write = find<QPushButton>(dialog, "exportWrite");
        QTRY_VERIFY_WITH_TIMEOUT(write->isEnabled(), 60'000);
        QTest::mouseClick(write, Qt::LeftButton);
        auto* close = find<QPushButton>(dialog, "exportClose");
        QCOMPARE(close->text(), QStringLiteral("Stop"));
        QTest::mouseClick(close, Qt::LeftButton);
        QVERIFY(find<QLabel>(dialog, "exportSays")->text().contains("Nothing was written"));
        QTRY_VERIFY_WITH_TIMEOUT(session_.isSettled(), 60'000);
        QVERIFY(dialog.isVisible());
        // What was begun is cleared away behind the answer.
        QTRY_COMPARE_WITH_TIMEOUT(
            QDir(place.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot),
            QStringList(), 60'000);
    }

    // The header's button and the menu open it for the active column.
    void theHeadersButtonOpensIt() {
        const QTemporaryDir settings;
        MainWindow window(session_, settings.filePath("settings.ini"), "light");
        window.resize(1400, 860);
        window.show();
        session_.activateColumn(1);
        auto* button = window.findChild<QPushButton*>("exportButton");
        QVERIFY(button);
        QTRY_VERIFY(button->isEnabled());
        bool seen = false;
        QTimer::singleShot(500, this, [&] {
            auto* dialog = window.findChild<ExportDialog*>();
            seen = dialog && dialog->isVisible();
            if (dialog) dialog->close();
        });
        QTest::mouseClick(button, Qt::LeftButton);
        QVERIFY(seen);
        session_.activateColumn(0);
        QTRY_VERIFY2(!button->isEnabled(), "FP32 has nothing to export");
    }

private:
    template <class Widget>
    static Widget* find(QDialog& dialog, const char* name) {
        auto* found = dialog.findChild<Widget*>(name);
        if (!found) qFatal("no %s", name);
        return found;
    }

    Session session_{WorkbenchOptions{DeviceKind::cpu, 0, 1}};
};

QTEST_MAIN(WindowExportTest)
#include "test_window_export.moc"
