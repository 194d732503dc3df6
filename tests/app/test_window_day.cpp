// SPDX-License-Identifier: GPL-3.0-or-later
// A whole day at the window with mouse and keyboard alone, and what a person finds on returning to it.
#include "app/window/edit_recipe_dialog.h"
#include "app/window/main_window.h"
#include "app/window/open_dialog.h"
#include "app/window/session.h"
#include "widgets/panels/message_bar.h"
#include "widgets/parts/block_diagram.h"
#include "widgets/parts/row_list.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QApplication>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

#include <unistd.h>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 60000;

// Answers the next dialog of a kind as a person would, once it stands: it runs a loop of its own.
template <class Dialog>
void answer(const std::function<void(Dialog&)>& act) {
    auto* poll = new QTimer(qApp);
    QObject::connect(poll, &QTimer::timeout, qApp, [poll, act] {
        for (QWidget* top : QApplication::topLevelWidgets())
            if (auto* dialog = qobject_cast<Dialog*>(top); dialog && dialog->isVisible()) {
                poll->stop();
                poll->deleteLater();
                return act(*dialog);
            }
    });
    poll->start(20);
}

void typePath(QFileDialog& dialog, const QString& path) {
    auto* line = dialog.findChild<QLineEdit*>("fileNameEdit");
    line->setText(path);
    QTest::keyClick(line, Qt::Key_Return);
}

} // namespace

class TestWindowDay : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    const Workspace& workspace() const { return session_->workspace(); }
    const Recipe& active() const { return workspace().activeColumn()->recipe; }
    QString at(const QString& name) const { return folder_->filePath(name); }
    MessageBar* bar() const { return window_->findChild<MessageBar*>(); }
    HeatMapPlot* map() const { return window_->view("channel-map")->findChild<HeatMapPlot*>(); }
    void press(int key, Qt::KeyboardModifiers with = {}) {
        window_->activateWindow(); // shortcuts belong to the active one, and a dialog may just have closed
        QTRY_COMPARE(QApplication::activeWindow(), window_.get());
        QTest::keyClick(window_.get(), Qt::Key(key), with);
    }
    void settle() {
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->hasFirstResults(), patience);
    }

    void makeWindow() {
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, at("window.ini"), "light");
        window_->resize(1680, 1040);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
        QTest::qWait(20);
    }
    QStringList figures() const {
        QStringList all;
        const auto* model = window_->view("compare")->findChild<QTableView*>("comparison")->model();
        for (int column = 0; column < model->columnCount(); ++column) {
            all << model->headerData(column, Qt::Horizontal).toString();
            for (int row = 0; row < model->rowCount(); ++row)
                all << model->index(row, column).data().toString();
        }
        return all;
    }

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        folder_ = std::make_unique<QTemporaryDir>();
        QFile(folder_->path())
            .setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner | QFile::ReadOther |
                            QFile::ExeOther);
        makeWindow();
    }
    void cleanup() {
        window_.reset();
        session_.reset();
        folder_.reset();
    }

    void fromOpeningToReopening() {
        // Open, by name.
        press(Qt::Key_O, Qt::ControlModifier);
        auto* opens = window_->findChild<OpenDialog*>();
        QVERIFY(opens);
        QTest::keyClicks(opens->findChild<QLineEdit*>(), "bundled");
        QTRY_VERIFY_WITH_TIMEOUT(opens->path().endsWith("tiny-llama"), patience);
        QTest::keyClick(opens, Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(workspace().model, patience);
        settle();

        // Inspect: a tensor of the drawing, a layer of the list.
        auto* drawing = window_->view("model-map")->findChild<BlockDiagram*>();
        QTest::mouseClick(drawing, Qt::LeftButton, {}, drawing->dotOf(Place::mlp_input).toPoint());
        auto* layers = window_->view("model-map")->findChild<RowList*>();
        QTest::mouseClick(layers, Qt::LeftButton, {}, layers->rectOf(2).center());
        QCOMPARE(workspace().site, (Site{2, Place::mlp_input}));
        QVERIFY(window_->view("channel-map")->describe().contains("mlp_input"));
        QVERIFY(window_->view("channel-panel")->describe().contains("layers.2.mlp_input"));
        settle();

        // Select and keep: a click, a brush, a key.
        QTest::mouseClick(map()->canvas(), Qt::LeftButton, {}, map()->pixelOf(1, 20).toPoint());
        QCOMPARE(workspace().site.layer, 1);
        const int clicked = workspace().channel;
        QVERIFY(active().keeps({1, Place::mlp_input}, clicked));
        const QPoint from = map()->pixelOf(2, 40).toPoint(), to = map()->pixelOf(3, 43).toPoint();
        const std::size_t before = active().keptCount();
        QTest::mousePress(map()->canvas(), Qt::LeftButton, {}, from);
        for (int step = 1; step <= 4; ++step) {
            const QPoint here = from + (to - from) * step / 4;
            QMouseEvent move(QEvent::MouseMove, here, map()->canvas()->mapToGlobal(here), Qt::NoButton,
                             Qt::LeftButton, Qt::NoModifier);
            QApplication::sendEvent(map()->canvas(), &move);
        }
        QTest::mouseRelease(map()->canvas(), Qt::LeftButton, {}, to);
        QCOMPARE(active().keptCount(), before + 8);
        QVERIFY(active().keeps({3, Place::mlp_input}, 41));

        // Undo and redo.
        press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(active().keptCount(), before);
        press(Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(active().keptCount(), before + 8);
        const std::size_t kept = active().keptCount();

        // Duplicate, and edit the copy's scheme.
        const std::size_t columns = workspace().columns.size();
        press(Qt::Key_D, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(workspace().columns.size(), columns + 1);
        QCOMPARE(active().keptCount(), kept);
        press(Qt::Key_R, Qt::ControlModifier);
        auto* edits = window_->findChild<EditRecipeDialog*>();
        QVERIFY(edits);
        edits->setText("w4a8");
        QCOMPARE(edits->complaint(), QString());
        QTest::mouseClick(edits->findChild<QPushButton*>("change"), Qt::LeftButton);
        QCOMPARE(QString::fromStdString(active().scheme), "w4a8");
        QCOMPARE(active().keptCount(), kept);
        settle();
        QTRY_VERIFY_WITH_TIMEOUT(workspace().activeColumn()->reading && !workspace().activeColumn()->stale,
                                 patience);
        const QStringList measured = figures();
        const Site site = workspace().site;

        // Save, close, reopen.
        answer<QFileDialog>([this](QFileDialog& dialog) { typePath(dialog, at("day.kurtoscope.json")); });
        press(Qt::Key_S, Qt::ControlModifier | Qt::AltModifier);
        QTRY_VERIFY_WITH_TIMEOUT(QFileInfo::exists(at("day.kurtoscope.json")), 10000);
        QTRY_VERIFY(!window_->isWindowModified());
        press(Qt::Key_Q, Qt::ControlModifier);
        QVERIFY(!window_->isVisible());
        window_.reset();
        session_.reset();
        makeWindow();
        answer<QFileDialog>([this](QFileDialog& dialog) { typePath(dialog, at("day.kurtoscope.json")); });
        press(Qt::Key_O, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(figures(), measured);
        settle();
        QCOMPARE(figures(), measured);
        QCOMPARE(workspace().site, site);
        QVERIFY(active().keeps({3, Place::mlp_input}, 41));
    }

    void aModelThatMovedIsLocatedByItsDialog() {
        QDir().mkpath(at("here"));
        for (const QString& file : QDir(tiny).entryList(QDir::Files))
            QVERIFY(QFile::copy(tiny + '/' + file, at("here") + '/' + file));
        window_->openModel(at("here"));
        settle();
        QVERIFY(window_->sessionFile().saveNow(at("s.kurtoscope.json")));
        const QStringList before = figures();
        window_.reset();
        session_.reset();
        QDir().mkpath(at("far"));
        QVERIFY(QDir().rename(at("here"), at("far/away")));
        makeWindow();
        window_->openSession(at("s.kurtoscope.json"));
        QTRY_VERIFY(bar()->isVisible());
        QVERIFY2(bar()->text().contains("is not at") && bar()->text().contains(at("here")),
                 qPrintable(bar()->text()));
        QCOMPARE(figures(), before);

        // A person who thinks better of it loses nothing.
        auto* locate = bar()->findChild<QPushButton*>("messageAction");
        QCOMPARE(locate->text(), QString("Locate model…"));
        answer<QMessageBox>([](QMessageBox& box) { box.reject(); });
        QTest::mouseClick(locate, Qt::LeftButton);
        QVERIFY(session_->awaitsModel());
        QCOMPARE(figures(), before);

        answer<QMessageBox>([this](QMessageBox& box) {
            answer<QFileDialog>([this](QFileDialog& dialog) { typePath(dialog, at("far/away")); });
            for (auto* button : box.buttons())
                if (button->text().contains("Folder")) return button->click();
        });
        window_->findChild<QAction*>("locateModel")->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(workspace().model, patience);
        settle();
        QCOMPARE(workspace().model->path, at("far/away").toStdString());
        QCOMPARE(figures(), before);
    }

    // As another user where the test runs as root, who may write anywhere.
    void aReadOnlyFolderIsSaidAndLosesNothing() {
        window_->openModel(tiny);
        settle();
        QDir().mkpath(at("shut"));
        const QString file = at("shut/s.kurtoscope.json");
        QVERIFY(window_->sessionFile().saveNow(file));
        QFile saved(file);
        QVERIFY(saved.open(QIODevice::ReadOnly));
        const QByteArray old = saved.readAll();
        saved.close();
        press(Qt::Key_K);
        QVERIFY(window_->isWindowModified());
        const Choice mine = session_->choice();

        QFile::setPermissions(at("shut"),
                              QFile::ReadOwner | QFile::ExeOwner | QFile::ReadOther | QFile::ExeOther);
        const bool root = ::geteuid() == 0;
        if (root) QCOMPARE(::seteuid(65534), 0);
        press(Qt::Key_S, Qt::ControlModifier);
        const bool said =
            QTest::qWaitFor([this] { return bar()->isVisible() && bar()->text().contains("not saved"); });
        const QString words = bar()->text();
        if (root) QCOMPARE(::seteuid(0), 0);
        QFile::setPermissions(at("shut"), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
        QVERIFY2(said, qPrintable(words));
        QVERIFY2(words.contains("shut"), qPrintable(words));
        QVERIFY(saved.open(QIODevice::ReadOnly));
        QCOMPARE(saved.readAll(), old);
        QVERIFY(session_->choice() == mine && window_->isWindowModified());
        QCOMPARE(QDir(at("shut")).entryList(QDir::Files | QDir::Hidden).size(), 1);

        bar()->dismiss();
        press(Qt::Key_S, Qt::ControlModifier);
        QTRY_VERIFY(!window_->isWindowModified());
    }
};

QTEST_MAIN(TestWindowDay)
#include "test_window_day.moc"
