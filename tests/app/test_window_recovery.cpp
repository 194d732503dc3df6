// SPDX-License-Identifier: GPL-3.0-or-later
// What a disk that fails and a program that is killed leave of a session, through the window.
#include "app/window/autosave.h"
#include "core/base/atomic_file.h"
#include "tests/support/session_window.h"

#include <QApplication>
#include <QDir>
#include <QFileInfo>
#include <QProcess>
#include <QPushButton>
#include <QRandomGenerator>

#include <sys/mount.h>

using namespace kurtoscope;

namespace {

// What the process that is killed does: a session that never stops changing.
[[noreturn]] void autosaveForEver(const QString& folder) {
    Autosave autosave(folder);
    SavedSession session;
    session.modelName = "killed";
    session.columns = {{"FP32", {}, {}}, {"kept", Recipe::parse("w8a8"), {}}};
    for (int channel = 0;; ++channel) {
        session.columns[1].recipe.setKept({channel % 40, Place::attn_input}, channel, true);
        session.channel = channel;
        autosave.write(session);
        QCoreApplication::processEvents();
    }
}

} // namespace

class TestWindowRecovery : public testing::SessionWindow {
    Q_OBJECT

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        folder_ = std::make_unique<QTemporaryDir>();
        makeWindow();
    }
    void cleanup() {
        dropWindow();
        folder_.reset();
    }

    void aFolderThatCannotBeWrittenToIsSaid() {
        open();
        window_->sessionFile().save("/proc/nowhere/s.kurtoscope.json");
        QTRY_VERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains("not saved"), qPrintable(bar()->text()));
        QVERIFY(window_->sessionFile().path().isEmpty());
    }

    void aFullDiskIsSaidAndTheOldFileStays() {
        open();
        const QString place = at("small");
        QDir().mkpath(place);
        if (::mount("tmpfs", place.toLocal8Bit().constData(), "tmpfs", 0, "size=64k") != 0)
            QSKIP("a small file system cannot be made here: that needs root");
        const auto away = qScopeGuard([place] { ::umount(place.toLocal8Bit().constData()); });
        const QString file = place + "/s.kurtoscope.json";
        QVERIFY(saveAs(file));
        const std::string old = readFile(file.toStdString());
        QFile filler(place + "/filler");
        QVERIFY(filler.open(QIODevice::WriteOnly | QIODevice::Unbuffered));
        while (filler.write(QByteArray(4096, 'x')) > 0) {
        }
        action("toggleSelected")->trigger();
        QTest::keyClick(window_.get(), Qt::Key_S, Qt::ControlModifier);
        QTRY_VERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains("space"), qPrintable(bar()->text()));
        QVERIFY(window_->isWindowModified());
        QCOMPARE(readFile(file.toStdString()), old);
        filler.close();
        filler.remove();
        QTest::keyClick(window_.get(), Qt::Key_S, Qt::ControlModifier);
        QTRY_VERIFY(!window_->isWindowModified());
    }

    void anAutosaveThatFailsIsSaidOnce() {
        dropWindow();
        writeFileAtomically(at("sessions").toStdString(), "a file where the folder should be");
        makeWindow();
        open();
        QTRY_VERIFY_WITH_TIMEOUT(bar()->isVisible(), 10000);
        QVERIFY2(bar()->text().contains("not autosaved"), qPrintable(bar()->text()));
        bar()->dismiss();
        action("toggleSelected")->trigger();
        settle();
        QTest::qWait(2500);
        QVERIFY(!bar()->isVisible());
    }

    void aKilledProgramIsRecovered() {
        const QString folder = at("sessions");
        int found = 0;
        for (int kill = 0; kill < 12; ++kill) {
            QProcess process;
            process.setProcessChannelMode(QProcess::ForwardedChannels);
            process.start(QCoreApplication::applicationFilePath(), {"--autosave-for-ever", folder});
            QVERIFY(process.waitForStarted());
            QTRY_VERIFY_WITH_TIMEOUT(
                !QDir(folder).entryList({"*-autosave.kurtoscope.json"}, QDir::Files).isEmpty(), 20000);
            Autosave mine(folder);
            QVERIFY2(!mine.left(), "it lives");
            QTest::qWait(QRandomGenerator::global()->bounded(60));
            process.kill(); // SIGKILL
            QVERIFY(process.waitForFinished());
            const auto left = mine.left();
            QVERIFY2(left, "a whole file, however the writing was cut short");
            QCOMPARE(left->name, "killed");
            QVERIFY(left->session.columns[1].recipe.keptCount() >= 1);
            ++found;
            mine.forget(*left);
            for (const QString& rest : QDir(folder).entryList(QDir::Files))
                QFile::remove(folder + '/' + rest); // temporary files of a cut write
        }
        QCOMPARE(found, 12);
    }

    void theRealProgramIsRecoveredInTheWindow() {
        QProcess process;
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert("QT_QPA_PLATFORM", "offscreen");
        environment.insert("XDG_DATA_HOME", at("data"));
        environment.insert("XDG_CONFIG_HOME", at("config"));
        process.setProcessEnvironment(environment);
        process.setProcessChannelMode(QProcess::ForwardedChannels);
        process.start(KURTOSCOPE_BINARY, {tiny, "--windows", "2", "--length", "64", "--threads", "1"});
        QVERIFY(process.waitForStarted());
        const QString folder = at("data/kurtoscope/sessions");
        QTRY_VERIFY_WITH_TIMEOUT(
            !QDir(folder).entryList({"*-autosave.kurtoscope.json"}, QDir::Files).isEmpty(), patience);
        process.kill();
        QVERIFY(process.waitForFinished());

        dropWindow();
        QVERIFY(QDir().rename(folder, at("sessions"))); // where this window's autosaves lie
        makeWindow();
        window_->offerRecovery();
        QVERIFY(bar()->isVisible() && bar()->isOffer());
        QVERIFY2(bar()->text().contains("not closed properly"), qPrintable(bar()->text()));
        auto* recover = bar()->findChild<QPushButton*>("messageAction");
        QCOMPARE(recover->text(), "Recover");
        QTest::mouseClick(recover, Qt::LeftButton);
        QVERIFY(!bar()->isVisible());
        QCOMPARE(workspace().columns.size(), std::size_t(3));
        QVERIFY(window_->isWindowModified());
        settle();
        QVERIFY(workspace().model);
        Autosave other(at("sessions"));
        QVERIFY2(!other.left(), "what was recovered is offered once");
    }

    void anOfferThatIsDismissedDoesNotComeBack() {
        dropWindow();
        { // as a crash leaves it
            Autosave crashed(at("sessions"));
            SavedSession session;
            session.modelName = "x";
            session.columns = {{"FP32", {}, {}}};
            QSignalSpy written(&crashed, &Autosave::written);
            crashed.write(session);
            QVERIFY(written.wait(5000));
        }
        makeWindow();
        window_->offerRecovery();
        QVERIFY(bar()->isVisible());
        bar()->dismiss();
        window_->offerRecovery();
        QVERIFY(!bar()->isVisible());
    }
};

int main(int argc, char** argv) {
    QApplication app(argc, argv);
    if (argc > 2 && QByteArray(argv[1]) == "--autosave-for-ever")
        autosaveForEver(QString::fromLocal8Bit(argv[2]));
    TestWindowRecovery test;
    return QTest::qExec(&test, argc, argv);
}
#include "test_window_recovery.moc"
