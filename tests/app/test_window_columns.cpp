// SPDX-License-Identifier: GPL-3.0-or-later
// Columns moved, pinned and copied, and channels kept by list, through the window's menus, keys and drops.
#include "app/window/channel_list.h"
#include "app/window/keep_list_dialog.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "core/base/error.h"
#include "widgets/panels/keep_outliers_dialog.h"
#include "widgets/parts/comparison_model.h"
#include "widgets/parts/comparison_table.h"
#include "widgets/view.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QDropEvent>
#include <QFileInfo>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 60000;

} // namespace

class TestWindowColumns : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    const Workspace& workspace() const { return session_->workspace(); }
    const Recipe& recipe(int column) const {
        return workspace().columns[static_cast<std::size_t>(column)].recipe;
    }
    QAction* action(const char* name) { return window_->findChild<QAction*>(name); }
    QTableView* table() {
        window_->view("compare")->drawNow(); // its turn may not have come
        return window_->view("compare")->findChild<QTableView*>();
    }
    QStringList names() const {
        QStringList all;
        for (const auto& column : workspace().columns)
            all << column.name;
        return all;
    }
    QString difference(int column) {
        const auto* model = table()->model();
        return model->index(1, column).data().toString();
    }
    void undo() { QTest::keyClick(window_.get(), Qt::Key_Z, Qt::ControlModifier); }
    template <class Dialog>
    Dialog* dialog() {
        return window_->findChild<Dialog*>();
    }

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        folder_ = std::make_unique<QTemporaryDir>();
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, folder_->filePath("window.ini"), "light");
        window_->resize(1400, 900);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
        window_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->hasFirstResults(), patience);
    }
    void cleanup() {
        window_.reset();
        session_.reset();
    }

    void columnsMoveByKeyAndBack() {
        const QStringList before = names();
        const Recipe active = workspace().activeColumn()->recipe;
        QTest::keyClick(window_.get(), Qt::Key_Left, Qt::AltModifier);
        QCOMPARE(names(), (QStringList{before[0], before[2], before[1]}));
        QVERIFY2(workspace().activeColumn()->recipe == active, "the active one stays active");
        QVERIFY2(workspace().activeColumn()->reading && !workspace().activeColumn()->stale,
                 "its numbers go with it");
        QVERIFY2(!action("moveLeft")->isEnabled(), "FP32 stays at the left");
        QTest::keyClick(window_.get(), Qt::Key_Right, Qt::AltModifier);
        QCOMPARE(names(), before);
        undo();
        undo();
        QCOMPARE(names(), before);
        session_->moveColumn(1, 0);
        QCOMPARE(names(), before);
    }

    void differencesFollowThePinnedColumn() {
        const Reading one = *workspace().columns[1].reading, two = *workspace().columns[2].reading;
        QCOMPARE(difference(0), "–");
        const QString toFp32 = difference(2);
        session_->activateColumn(1);
        action("pinColumn")->trigger();
        QCOMPARE(workspace().reference, 1);
        QCOMPARE(difference(1), "–");
        QVERIFY(difference(2).startsWith(scoreText("perplexity", two.score - one.score, true)));
        QVERIFY(difference(0).startsWith(scoreText("perplexity", -one.difference, true)));
        QVERIFY(table()
                    ->model()
                    ->headerData(1, Qt::Vertical, Qt::DisplayRole)
                    .toString()
                    .contains(workspace().columns[1].name));
        QVERIFY(action("pinColumn")->isChecked());
        session_->moveColumn(1, 2);
        QCOMPARE(workspace().reference, 2); // it is the column that is pinned, not its place
        undo();
        session_->removeColumn(1);
        QCOMPARE(workspace().reference, 0);
        undo();
        undo();
        QCOMPARE(workspace().reference, 0);
        QCOMPARE(difference(2), toFp32);
    }

    void keptChannelsAreCopiedByADrop() {
        QVERIFY(recipe(1).kept.empty() && !recipe(2).kept.empty());
        auto* header = static_cast<RecipeHeader*>(table()->horizontalHeader());
        QMimeData what;
        what.setData(RecipeHeader::dragFormat(), "2");
        const auto middle = [header](int column) {
            return QPointF(header->sectionViewportPosition(column) + header->sectionSize(column) / 2.0, 20);
        };
        QDragEnterEvent enter(middle(0).toPoint(), Qt::CopyAction, &what, Qt::LeftButton, {});
        QApplication::sendEvent(header->viewport(), &enter);
        QVERIFY(enter.isAccepted());
        QDragMoveEvent onFp32(middle(0).toPoint(), Qt::CopyAction, &what, Qt::LeftButton, {});
        QApplication::sendEvent(header->viewport(), &onFp32);
        QVERIFY2(!onFp32.isAccepted(), "FP32 keeps everything");
        QDragMoveEvent onOne(middle(1).toPoint(), Qt::CopyAction, &what, Qt::LeftButton, {});
        QApplication::sendEvent(header->viewport(), &onOne);
        QVERIFY(onOne.isAccepted());
        QDropEvent drop(middle(1), Qt::CopyAction, &what, Qt::LeftButton, {});
        QApplication::sendEvent(header->viewport(), &drop);
        QVERIFY(recipe(1).kept == recipe(2).kept);
        undo();
        QVERIFY(recipe(1).kept.empty());
        auto* menu = window_->findChild<QMenu*>("copyKept");
        emit menu->aboutToShow();
        QCOMPARE(menu->actions().size(), 1);
        menu->actions().constFirst()->trigger();
        QVERIFY(recipe(1).kept == recipe(2).kept);
    }

    void eightColumnsAreTheLimit() {
        QSignalSpy noticed(session_.get(), &Session::noticed);
        while (workspace().columns.size() < mostColumns)
            session_->duplicateColumn(1);
        QVERIFY(noticed.isEmpty());
        session_->duplicateColumn(1);
        session_->addColumn("more", Recipe::parse("w4a4"));
        QCOMPARE(workspace().columns.size(), mostColumns);
        QCOMPARE(noticed.size(), 2);
        QVERIFY(noticed[0][0].toString().contains("8 columns"));
    }

    void aListIsKeptWhereItIsMeant() {
        session_->selectChannel({1, Place::attn_input}, 3);
        action("clearKept")->trigger();
        const auto keep = [this](KeepScope scope) {
            action("keepList")->trigger();
            auto* asks = dialog<KeepListDialog>();
            asks->setText("7, 5 17-20");
            asks->setScope(scope);
            QVERIFY2(!workspace().marked.empty(), "they are shown before they are kept");
            QTest::mouseClick(asks->findChild<QPushButton*>("keepList"), Qt::LeftButton);
            QVERIFY(workspace().marked.empty());
            QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        };
        keep(KeepScope::site);
        QCOMPARE(recipe(2).keptCount(), std::size_t(6));
        QVERIFY((recipe(2).kept.at({1, Place::attn_input}) == std::set<int>{5, 7, 17, 18, 19, 20}));
        undo();
        QCOMPARE(recipe(2).keptCount(), std::size_t(0));
        const auto layers = static_cast<std::size_t>(workspace().model->layers);
        keep(KeepScope::place);
        QCOMPARE(recipe(2).keptCount(), 6 * layers);
        undo();
        keep(KeepScope::residual); // of what is quantized: attn_input and mlp_input
        QCOMPARE(recipe(2).keptCount(), 2 * 6 * layers);
        QVERIFY(recipe(2).keeps({0, Place::mlp_input}, 20) && !recipe(2).keeps({0, Place::mlp_hidden}, 20));

        action("keepList")->trigger();
        auto* asks = dialog<KeepListDialog>();
        asks->setText("5");
        asks->setScope(KeepScope::place);
        QVERIFY2(asks->saysText().contains("kept already"), qPrintable(asks->saysText()));
        QVERIFY(!asks->findChild<QPushButton*>("keepList")->isEnabled());
        QTest::mouseClick(asks->findChild<QPushButton*>("releaseList"), Qt::LeftButton);
        QVERIFY(!recipe(2).keeps({0, Place::attn_input}, 5) && recipe(2).keeps({0, Place::mlp_input}, 5));
    }

    void theInsideOfTheMlpIsNoResidualStream() {
        session_->selectChannel({1, Place::mlp_hidden}, 3);
        action("keepList")->trigger();
        auto* asks = dialog<KeepListDialog>();
        QVERIFY(asks);
        QCOMPARE(livesInResidualStream(Place::mlp_hidden), false);
        for (auto* button : asks->findChildren<QAbstractButton*>())
            if (button->text().contains("residual")) {
                QVERIFY(!button->isEnabled());
                QVERIFY(!button->toolTip().isEmpty());
            }
        asks->reject();
        QVERIFY(workspace().marked.empty());
    }

    void listsAreRead_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QList<int>>("channels");
        QTest::addColumn<QString>("says"); // "": it is a list
        QTest::newRow("issue") << "507, 247, 17-20" << QList<int>{17, 18, 19, 20, 247, 507} << "";
        QTest::newRow("spaces") << " 1   2;3 " << QList<int>{1, 2, 3} << "";
        QTest::newRow("twice") << "4,4,3-5" << QList<int>{3, 4, 5} << "";
        QTest::newRow("dash of a book") << "3–5" << QList<int>{3, 4, 5} << "";
        QTest::newRow("spaced range") << "3 - 5" << QList<int>{3, 4, 5} << "";
        QTest::newRow("nothing") << " , " << QList<int>{} << "";
        QTest::newRow("beyond") << "576" << QList<int>{} << "channels 0 to 575, got 576";
        QTest::newRow("far beyond") << "99999999999" << QList<int>{} << "got 99999999999";
        QTest::newRow("backwards") << "20-17" << QList<int>{} << "from the smaller to the larger";
        QTest::newRow("negative") << "-3" << QList<int>{} << "a channel or a range was expected";
        QTest::newRow("word") << "5, all" << QList<int>{} << "\"all\"";
    }
    void listsAreRead() {
        QFETCH(QString, text);
        QFETCH(QList<int>, channels);
        QFETCH(QString, says);
        try {
            QCOMPARE(parseChannelList(text, 576), channels);
            QVERIFY(says.isEmpty());
        } catch (const Error& error) {
            QVERIFY2(!says.isEmpty() && QString(error.what()).contains(says), error.what());
        }
    }

    void theCountFollowsTheSlider() {
        action("keepOutliers")->trigger();
        auto* asks = dialog<KeepOutliersDialog>();
        auto* slider = asks->findChild<QSlider*>("criterionSlider");
        asks->setCriterion("ratio:20");
        const QString before = asks->countText();
        const std::size_t marked = workspace().marked.size();
        slider->setValue(slider->maximum());
        QCOMPARE(asks->criterion(), "ratio:1000");
        QVERIFY(asks->countText() != before);
        QVERIFY(workspace().marked.size() < marked);
        slider->setValue(0);
        QCOMPARE(asks->criterion(), "ratio:1");
        asks->reject();
        QVERIFY(workspace().marked.empty());
    }

    void theModelHoldsThroughIt() {
        const QAbstractItemModelTester tester(table()->model(),
                                              QAbstractItemModelTester::FailureReportingMode::QtTest);
        session_->duplicateColumn(2);
        session_->moveColumn(3, 1);
        session_->pinColumn(1);
        session_->removeColumn(1);
        undo();
        undo();
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
        session_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience);
    }
};

QTEST_MAIN(TestWindowColumns)
#include "test_window_columns.moc"
