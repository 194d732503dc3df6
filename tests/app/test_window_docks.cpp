// SPDX-License-Identifier: GPL-3.0-or-later
// Every view is a dock: moved, floated, tabbed, closed, reopened, remembered; what is not in sight costs
// nothing.
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/parts/heading.h"
#include "widgets/view.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenu>
#include <QSignalSpy>
#include <QTabBar>
#include <QTemporaryDir>
#include <QScrollBar>
#include <QTableView>
#include <QTest>
#include <QToolButton>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 60000;

} // namespace

class TestWindowDocks : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    QDockWidget* dock(const char* id) const {
        return window_->findChild<QDockWidget*>(QString("dock-") + id);
    }
    QAction* entry(const char* id) const { return window_->findChild<QAction*>(QString("view-") + id); }
    View* view(const char* id) const { return window_->view(id); }
    void act(const char* name) { window_->findChild<QAction*>(name)->trigger(); }
    QAction* ofMenu(const char* id, const char* name) const {
        return view(id)->heading()->findChild<QToolButton*>("viewMenu")->menu()->findChild<QAction*>(name);
    }
    // Where the views stand to the eye: in sight or not, floating or not, and in what order.
    QStringList places() const {
        QStringList all;
        for (View* view : window_->views()) {
            const auto* of = dock(qPrintable(view->objectName()));
            const QRect at = of->geometry();
            all << view->objectName() + (of->isHidden()     ? QString(" closed")
                                         : of->isFloating() ? QString(" floats")
                                         : !view->isInSight()
                                             ? QString(" behind")
                                             : QString(" %1,%2").arg(at.x() / 8).arg(at.y() / 8));
        }
        return all;
    }
    void makeWindow() {
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, folder_->filePath("window.ini"), "light");
        window_->resize(1680, 1040);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
        QTest::qWait(20);
    }
    void makeAnew() {
        window_->close();
        window_.reset();
        session_.reset();
        makeWindow();
    }
    void open() {
        window_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->hasFirstResults(), patience);
    }

private slots:
    void init() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        folder_ = std::make_unique<QTemporaryDir>();
        makeWindow();
    }
    void cleanup() {
        window_.reset();
        session_.reset();
        folder_.reset();
    }

    void everyViewIsADockUnderItsOwnHeading() {
        const auto& registered = Registry<ViewFactory>::instance().members();
        QCOMPARE(window_->views().size(), registered.size());
        QVERIFY(!window_->centralWidget());
        for (const auto& factory : registered) {
            View* view = window_->view(factory->id());
            QDockWidget* of = dock(factory->id());
            QVERIFY2(of && of->widget() == view && !of->isHidden(), factory->id());
            QVERIFY2(of->titleBarWidget() && of->titleBarWidget()->isAncestorOf(view->heading()),
                     "one title, not two");
            QVERIFY2(entry(factory->id()) && entry(factory->id())->isChecked(), factory->id());
            QCOMPARE(of->features() & (QDockWidget::DockWidgetMovable | QDockWidget::DockWidgetFloatable |
                                       QDockWidget::DockWidgetClosable),
                     QDockWidget::DockWidgetMovable | QDockWidget::DockWidgetFloatable |
                         QDockWidget::DockWidgetClosable);
        }
        QVERIFY(view("channel-map")->isInSight() && !view("history")->isInSight());
    }

    // The arrangement of the first start: columns beside the maps, curves and tables below, nothing squeezed.
    void theFirstLayoutIsCalm() {
        const QRect map = dock("channel-map")->geometry(), left = dock("model-map")->geometry(),
                    right = dock("channel-panel")->geometry(), depth = dock("depth-curves")->geometry(),
                    last = dock("trade-off")->geometry();
        QVERIFY(left.right() < map.left() && map.right() < right.left());
        QVERIFY(depth.top() > map.bottom() && depth.left() > left.right());
        QVERIFY2(left.bottom() > depth.top() + 100, "the model map stands at full height");
        QVERIFY(qAbs(right.left() - last.left()) < 12);
        QVERIFY(qAbs(map.width() - (1680 - left.width() - right.width())) < 12);
        QVERIFY(map.height() > 450 && depth.height() > 330);
    }

    // A small screen, and a projector: the window keeps to it, whatever runs and is said, and tables stay
    // readable.
    void aSmallWindowStaysSmall() {
        const QSize small(1280, 800);
        window_->resize(small);
        act("resetLayout");
        window_->openModel(tiny);
        int widest = 0;
        QTRY_VERIFY_WITH_TIMEOUT((widest = std::max(widest, window_->width()),
                                  session_->isSettled() && session_->hasFirstResults()),
                                 patience);
        QCOMPARE(widest, small.width());
        QVERIFY2(dock("model-map")->width() + 6 >= view("model-map")->sizeHint().width(),
                 "no tensor's name elided");
        QVERIFY(view("depth-curves")->isInSight() && view("compare")->isInSight());
        QVERIFY(dock("compare")->width() > 2 * dock("depth-curves")->width());

        act("projector");
        QTest::qWait(50); // the window takes the large type in its own time, as under a person's hand
        act("resetLayout");
        QTRY_VERIFY(!view("depth-curves")->isInSight());
        QVERIFY(view("compare")->isInSight() && !view("trade-off")->isInSight());
        const auto* table = view("compare")->findChild<QTableView*>("comparison");
        QTRY_VERIFY2(table->horizontalScrollBar()->maximum() == 0, "every column is there in full");
        QCOMPARE(window_->size(), small);
        QTRY_VERIFY2(dock("model-map")->width() + 6 >= view("model-map")->sizeHint().width(),
                     "nor in large type");
        QVERIFY(dock("compare")->width() > 500);
        act("projector");
        act("resetLayout");
        QTRY_VERIFY(view("depth-curves")->isInSight());
    }

    void closedByItsMenuAndReopenedFromTheViewMenu() {
        const QStringList before = places();
        ofMenu("compare", "closeView")->trigger();
        QVERIFY(dock("compare")->isHidden());
        QTRY_VERIFY(!entry("compare")->isChecked());
        QVERIFY(dock("depth-curves")->width() + dock("trade-off")->width() > 1300);
        entry("compare")->trigger();
        QVERIFY(view("compare")->isInSight() && entry("compare")->isChecked());
        QTRY_COMPARE(places(), before);
        entry("compare")->trigger(); // in sight: closes
        QVERIFY(dock("compare")->isHidden());
    }

    void anEntryOfAViewBehindBringsItForward() {
        QVERIFY(!view("attention-map")->isInSight());
        entry("attention-map")->trigger();
        QVERIFY(view("attention-map")->isInSight());
        QTRY_VERIFY(!view("channel-map")->isInSight());
        QVERIFY(!dock("channel-map")->isHidden());
        // The tabs below do the same with the mouse.
        for (QTabBar* bar : window_->findChildren<QTabBar*>(Qt::FindDirectChildrenOnly))
            for (int tab = 0; tab < bar->count(); ++tab)
                if (bar->tabText(tab) == dock("channel-map")->windowTitle())
                    QTest::mouseClick(bar, Qt::LeftButton, {}, bar->tabRect(tab).center());
        QTRY_VERIFY(view("channel-map")->isInSight() && !view("attention-map")->isInSight());
    }

    void floatedAndBack() {
        const QStringList before = places();
        ofMenu("trade-off", "floatView")->trigger();
        QVERIFY(dock("trade-off")->isFloating() && view("trade-off")->isInSight());
        ofMenu("trade-off", "floatView")->trigger();
        QVERIFY(!dock("trade-off")->isFloating());
        QTRY_COMPARE(places(), before);
        QTest::mouseDClick(view("trade-off")->heading(), Qt::LeftButton, {}, {30, 8});
        QVERIFY2(dock("trade-off")->isFloating(), "a double click on the heading");
    }

    void draggedOutByItsHeading() {
        QWidget* heading = view("depth-curves")->heading();
        const QPoint from(40, 8);
        QTest::mousePress(heading, Qt::LeftButton, {}, from);
        for (int step = 1; step < 8; ++step) {
            QMouseEvent move(QEvent::MouseMove, from + QPoint(12 * step, -10 * step),
                             heading->mapToGlobal(from + QPoint(12 * step, -10 * step)), Qt::NoButton,
                             Qt::LeftButton, Qt::NoModifier);
            QApplication::sendEvent(heading, &move);
            QTest::qWait(1);
        }
        QVERIFY2(dock("depth-curves")->isFloating() || dock("depth-curves")->isWindow(),
                 "it follows the mouse");
        QTest::mouseRelease(heading, Qt::LeftButton, {}, from);
    }

    void theLayoutIsRememberedAndReset() {
        const QStringList first = places();
        window_->tabifyDockWidget(dock("channel-panel"), dock("trade-off"));
        ofMenu("history", "closeView")->trigger();
        window_->addDockWidget(Qt::LeftDockWidgetArea, dock("compare"));
        entry("text")->trigger();
        QTest::qWait(20);
        const QStringList moved = places();
        QVERIFY(moved != first);
        makeAnew();
        QTRY_COMPARE(places(), moved);
        act("resetLayout");
        QTRY_COMPARE(places(), first);
        makeAnew();
        QTRY_COMPARE(places(), first);
    }

    void aSessionBringsItsLayout() {
        open();
        const QStringList first = places();
        ofMenu("compare", "closeView")->trigger();
        entry("sensitivity-map")->trigger();
        QTest::qWait(20);
        const QStringList mine = places();
        QSignalSpy saved(&window_->sessionFile(), &SessionFile::saved);
        window_->sessionFile().save(folder_->filePath("s.kurtoscope.json"));
        QVERIFY(saved.wait(10000));
        act("resetLayout");
        QTRY_COMPARE(places(), first);
        window_->openSession(folder_->filePath("s.kurtoscope.json"));
        QTRY_COMPARE(places(), mine);
    }

    // Hidden: only marked out of date. A view behind a tab is hidden to the eye, though Qt calls it visible.
    void whatIsNotInSightDrawsNothing() {
        open();
        session_->typeText("An outlier lives in one channel.");
        View* tokens = view("token-map");
        entry("token-map")->trigger();
        QTRY_VERIFY(tokens->isInSight());
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->workspace().typed, patience);
        const QString here = tokens->describe();
        entry("channel-map")->trigger();
        QTRY_VERIFY(!tokens->isInSight());
        const Site other{session_->workspace().site.layer == 1 ? 2 : 1, Place::mlp_input};
        session_->selectSite(other);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->workspace().sample, patience);
        QCOMPARE(tokens->describe(), here);
        entry("token-map")->trigger();
        QTRY_VERIFY2(tokens->describe().contains(QString::fromStdString(other.name())),
                     qPrintable(tokens->describe()));

        View* attention = view("attention-map");
        QVERIFY(!session_->workspace().attention);
        entry("attention-map")->trigger(); // what only it needs is computed from now on
        QTRY_VERIFY_WITH_TIMEOUT(session_->workspace().attention, patience);
        QTRY_VERIFY(attention->hasPicture());
    }

    void theKeyboardReachesEveryViewInSight() {
        open();
        QSet<QString> reached;
        for (int step = 0; step < 12; ++step) {
            QTest::keyClick(window_.get(), Qt::Key_F6);
            for (View* one : window_->views())
                if (dock(qPrintable(one->objectName()))->isAncestorOf(QApplication::focusWidget()))
                    reached << one->objectName();
        }
        for (View* one : window_->views())
            QVERIFY2(reached.contains(one->objectName()) == one->isInSight(), qPrintable(one->objectName()));
    }
};

QTEST_MAIN(TestWindowDocks)
#include "test_window_docks.moc"
