// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions saved, reopened, recovered and damaged, through the window.
#include "app/window/autosave.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "core/base/atomic_file.h"
#include "widgets/panels/message_bar.h"
#include "widgets/parts/comparison_model.h"
#include "widgets/view.h"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QProcess>
#include <QPushButton>
#include <QRandomGenerator>
#include <QSignalSpy>
#include <QStatusBar>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

#include <sys/mount.h>
#include <unistd.h>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 60000;

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

class TestWindowSession : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    const Workspace& workspace() const { return session_->workspace(); }
    const Recipe& active() const { return workspace().activeColumn()->recipe; }
    QAction* action(const char* name) { return window_->findChild<QAction*>(name); }
    MessageBar* bar() { return window_->findChild<MessageBar*>(); }
    QString at(const QString& name) const { return folder_->filePath(name); }

    void makeWindow() {
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, at("window.ini"), "light");
        window_->resize(1280, 860);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
    }
    void dropWindow() {
        window_.reset();
        session_.reset();
    }
    void settle() { QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience); }
    void open(const QString& model = tiny) {
        window_->openModel(model);
        settle();
        QVERIFY(session_->hasFirstResults());
    }
    bool saveAs(const QString& path) {
        QSignalSpy saved(&window_->sessionFile(), &SessionFile::saved);
        window_->sessionFile().save(path);
        return saved.wait(10000);
    }
    // The figures as the person reads them.
    QStringList figures() const {
        QStringList all;
        const auto* model = window_->view("compare")->findChild<QTableView*>()->model();
        for (int row = 0; row < model->rowCount(); ++row)
            for (int column = 0; column < model->columnCount(); ++column)
                all << model->index(row, column).data().toString();
        return all;
    }
    QString stateOf(int column) const {
        return window_->view("compare")
            ->findChild<QTableView*>()
            ->model()
            ->headerData(column, Qt::Horizontal, ComparisonModel::stateRole)
            .toString();
    }
    // The model in a folder of the test's own, so that it can be moved and changed.
    QString copyOfModel(const QString& name) const {
        QDir().mkpath(at(name));
        for (const QString& file : QDir(tiny).entryList(QDir::Files))
            QFile::copy(tiny + '/' + file, at(name) + '/' + file);
        return at(name);
    }

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

    void whatWasSavedStandsAgainWithTheSameNumbers() {
        open();
        const Site site{1, Place::mlp_input};
        session_->selectChannel(site, 9);
        QTest::keyClick(window_.get(), Qt::Key_K);
        QVERIFY(active().keeps(site, 9));
        QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier);
        QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(active().keeps(site, 9));
        QTest::keyClick(window_.get(), Qt::Key_D, Qt::ControlModifier | Qt::ShiftModifier);
        Recipe edited = active();
        edited.parameters["activation"] = "per-token";
        session_->setRecipe(workspace().active, edited);
        session_->renameColumn(workspace().active, "mine, per token");
        settle();
        QVERIFY(saveAs(at("lecture.kurtoscope.json")));
        QVERIFY2(window_->windowTitle().startsWith("lecture[*]"), qPrintable(window_->windowTitle()));
        QVERIFY(!window_->isWindowModified());

        const QStringList before = figures();
        const auto columns = session_->choice().columns;
        const Site looked = workspace().site;
        window_->close();
        dropWindow();
        makeWindow();
        window_->openSession(at("lecture.kurtoscope.json"));
        QCOMPARE(figures(), before); // at once, before any model is open
        QVERIFY(!workspace().model);
        QCOMPARE(stateOf(1), "from the file");
        settle();
        QVERIFY(workspace().model);
        QCOMPARE(figures(), before);
        QCOMPARE(stateOf(1), "from the file");
        QCOMPARE(session_->choice().columns.size(), columns.size());
        for (std::size_t i = 0; i < columns.size(); ++i) {
            QCOMPARE(session_->choice().columns[i].name, columns[i].name);
            QVERIFY(session_->choice().columns[i].recipe == columns[i].recipe);
        }
        QVERIFY(workspace().site == looked && workspace().channel == 9);
        QVERIFY(active().keeps(site, 9));
        QVERIFY(!window_->isWindowModified());
        QVERIFY2(!bar()->isVisible(), qPrintable(bar()->text()));

        // Measured again, they are the same but for latency.
        const double score = workspace().columns[3].reading->score;
        QTest::keyClick(window_.get(), Qt::Key_F5);
        settle();
        QVERIFY(!workspace().columns[3].fromFile);
        QCOMPARE(stateOf(3), "2 windows");
        QCOMPARE(workspace().columns[3].reading->score, score);
    }

    void changesAreSeenInTheTitleAndSavedByKey() {
        open();
        const QString file = at("s.kurtoscope.json");
        QVERIFY(saveAs(file));
        action("toggleSelected")->trigger();
        QVERIFY(window_->isWindowModified());
        QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier);
        QVERIFY2(!window_->isWindowModified(), "undone, it is as the file is");
        QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        settle();
        QTest::keyClick(window_.get(), Qt::Key_S, Qt::ControlModifier);
        QTRY_VERIFY(!window_->isWindowModified());
        QVERIFY(readSession(file.toStdString()).columns[2].recipe == active());
        session_->selectChannel({0, Place::attn_input}, 3);
        QVERIFY2(!window_->isWindowModified(), "a look is no change");
        QTRY_COMPARE_WITH_TIMEOUT(window_->findChild<QLabel*>("saved")->text(), "autosaved", 10000);
    }

    void closingAsksOnlyAboutANamedSession() {
        open();
        QVERIFY(saveAs(at("s.kurtoscope.json")));
        action("toggleSelected")->trigger();
        const auto answer = [this](QMessageBox::StandardButton button) {
            QTimer::singleShot(0, this, [button] {
                auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
                if (box) box->button(button)->click();
            });
        };
        answer(QMessageBox::Cancel);
        window_->close();
        QVERIFY(window_->isVisible());
        answer(QMessageBox::Save);
        window_->close();
        QVERIFY(!window_->isVisible());
        QVERIFY(readSession(at("s.kurtoscope.json").toStdString()).columns[2].recipe == active());
        QVERIFY(QDir(at("sessions")).entryList({"*-autosave*"}, QDir::Files).isEmpty());
    }

    void whatWasNeverSavedIsTheLastSession() {
        open();
        action("duplicate")->trigger();
        settle();
        window_->close();
        dropWindow();
        makeWindow();
        auto* menu = window_->findChild<QMenu*>("recent");
        emit menu->aboutToShow();
        auto* last = window_->findChild<QAction*>("lastSession");
        QVERIFY(last);
        last->trigger();
        QCOMPARE(workspace().columns.size(), std::size_t(4));
        QVERIFY(window_->isWindowModified() && window_->sessionFile().path().isEmpty());
    }

    void recentFilesAreListed() {
        open();
        QVERIFY(saveAs(at("s.kurtoscope.json")));
        auto* menu = window_->findChild<QMenu*>("recent");
        emit menu->aboutToShow();
        QStringList tips;
        for (const QAction* entry : menu->actions())
            tips << entry->toolTip();
        QVERIFY(tips.contains(QFileInfo(tiny).absoluteFilePath()));
        QVERIFY(tips.contains(at("s.kurtoscope.json")));
    }

    void aDroppedSessionOpens() {
        open();
        QVERIFY(saveAs(at("s.kurtoscope.json")));
        dropWindow();
        makeWindow();
        QMimeData drop;
        drop.setUrls({QUrl::fromLocalFile(at("s.kurtoscope.json"))});
        QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &drop, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event(QPointF(50, 50), Qt::CopyAction, &drop, Qt::LeftButton, {});
        QApplication::sendEvent(window_.get(), &event);
        QTRY_VERIFY_WITH_TIMEOUT(workspace().model, patience);
        QCOMPARE(window_->sessionFile().path(), at("s.kurtoscope.json"));
    }

    void aModelThatMovedIsPointedAt() {
        const QString model = copyOfModel("here");
        open(model);
        settle();
        QVERIFY(saveAs(at("s.kurtoscope.json")));
        const QStringList before = figures();
        dropWindow();
        QDir().mkpath(at("far/away"));
        QVERIFY(QDir().rename(model, at("far/away/model")));
        makeWindow();
        window_->openSession(at("s.kurtoscope.json"));
        QVERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains(model), qPrintable(bar()->text()));
        QCOMPARE(figures(), before);
        QVERIFY(action("locateModel")->isEnabled());
        session_->locateModel(at("far/away/nowhere"));
        QTRY_VERIFY_WITH_TIMEOUT(!session_->isWorking() && bar()->text().contains("nowhere"), patience);
        QCOMPARE(figures(), before);
        session_->locateModel(at("far/away/model"));
        settle();
        QVERIFY(workspace().model);
        QVERIFY(!action("locateModel")->isEnabled());
        QVERIFY(window_->isWindowModified()); // it lies elsewhere now
    }

    void aModelBesideTheSessionIsFound() {
        const QString model = copyOfModel("one/model");
        open(model);
        QVERIFY(saveAs(at("one/s.kurtoscope.json")));
        const QStringList before = figures();
        dropWindow();
        QVERIFY(QDir().rename(at("one"), at("two"))); // its own text moved with it, too
        makeWindow();
        window_->openSession(at("two/s.kurtoscope.json"));
        QTRY_VERIFY_WITH_TIMEOUT(workspace().model, patience);
        QTRY_VERIFY_WITH_TIMEOUT(!session_->isWorking(), patience);
        QCOMPARE(workspace().model->path, at("two/model").toStdString());
        QCOMPARE(figures(), before);
    }

    void numbersOfAnotherModelAreNeverShownAsNew() {
        const QString model = copyOfModel("model");
        open(model);
        QVERIFY(saveAs(at("s.kurtoscope.json")));
        dropWindow();
        QFile config(model + "/config.json"); // the same model to look at, not to the byte
        QVERIFY(config.open(QIODevice::Append) && config.write("\n") == 1);
        config.close();
        makeWindow();
        window_->openSession(at("s.kurtoscope.json"));
        QTRY_VERIFY_WITH_TIMEOUT(bar()->isVisible(), patience);
        QVERIFY2(bar()->text().contains("another model"), qPrintable(bar()->text()));
        settle();
        QVERIFY(!workspace().columns[1].stale && !workspace().columns[1].fromFile);
        QCOMPARE(stateOf(1), "2 windows");
    }

    void dataThatIsGoneLeavesTheNumbersAlone() {
        const QString text = at("text.txt");
        QVERIFY(QFile::copy(tiny + "/heldout.txt", text));
        window_->openData(text);
        open();
        QCOMPARE(session_->data().path, text.toStdString());
        QVERIFY(saveAs(at("s.kurtoscope.json")));
        const QStringList before = figures();
        dropWindow();
        QVERIFY(QFile::rename(text, at("moved.txt")));
        makeWindow();
        window_->openSession(at("s.kurtoscope.json"));
        QTRY_VERIFY_WITH_TIMEOUT(bar()->isVisible() && !session_->isWorking(), patience);
        QVERIFY2(bar()->text().contains("text.txt"), qPrintable(bar()->text()));
        QCOMPARE(figures(), before);
        QCOMPARE(session_->data().path, text.toStdString());
        window_->openData(at("moved.txt"));
        settle();
        QCOMPARE(figures(), before);
        QCOMPARE(stateOf(1), "from the file");
    }

    void aDamagedSessionChangesNothing_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("says");
        QTest::newRow("empty") << QByteArray() << "not valid JSON";
        QTest::newRow("no JSON") << QByteArray("hello") << "not valid JSON";
        QTest::newRow("a recipe") << QByteArray(R"({"schema": 1, "scheme": "w8a8"})")
                                  << "\"model\" is missing";
        QTest::newRow("another scheme") << QByteArray("SCHEME") << "w99";
        QTest::newRow("half") << QByteArray("HALF") << "not valid JSON";
    }
    void aDamagedSessionChangesNothing() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, says);
        open();
        const QString file = at("s.kurtoscope.json");
        QVERIFY(saveAs(file));
        const QByteArray whole = QByteArray::fromStdString(readFile(file.toStdString()));
        if (bytes == "SCHEME") bytes = QByteArray(whole).replace("\"w8a8\"", "\"w99\"");
        if (bytes == "HALF") bytes = whole.left(whole.size() / 2);
        writeFileAtomically(at("bad.kurtoscope.json").toStdString(), bytes.toStdString());
        const auto columns = session_->choice();
        const QStringList before = figures();
        window_->openSession(at("bad.kurtoscope.json"));
        QVERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains(says) && bar()->text().contains("bad.kurtoscope.json"),
                 qPrintable(bar()->text()));
        QVERIFY(session_->choice() == columns && workspace().model);
        QCOMPARE(figures(), before);
        QCOMPARE(window_->sessionFile().path(), file);
    }

    void aFolderThatCannotBeWrittenToIsSaid() {
        open();
        window_->sessionFile().save("/proc/nowhere/s.kurtoscope.json");
        QTRY_VERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains("not saved"), qPrintable(bar()->text()));
        QVERIFY(window_->sessionFile().path().isEmpty());
        if (::geteuid() == 0) return; // who may write anywhere
        QDir().mkpath(at("shut"));
        QFile::setPermissions(at("shut"), QFile::ReadOwner | QFile::ExeOwner);
        bar()->dismiss();
        window_->sessionFile().save(at("shut/s.kurtoscope.json"));
        QTRY_VERIFY(bar()->isVisible());
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
    TestWindowSession test;
    return QTest::qExec(&test, argc, argv);
}
#include "test_window_session.moc"
