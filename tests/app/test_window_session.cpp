// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions saved, reopened, moved and damaged, through the window.
#include "core/base/atomic_file.h"
#include "tests/support/session_window.h"
#include "widgets/parts/comparison_model.h"

#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QTimer>

using namespace kurtoscope;

class TestWindowSession : public testing::SessionWindow {
    Q_OBJECT

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
};

QTEST_MAIN(TestWindowSession)
#include "test_window_session.moc"
