// SPDX-License-Identifier: GPL-3.0-or-later
// Views are drawn one after another, and none answers with what it drew before.
#include "app/window/view_turns.h"
#include "tests/widgets/synthetic_workspace.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QTest>

#include <memory>
#include <vector>

namespace kurtoscope {

class TestWindowTurns : public QObject {
    Q_OBJECT

    Workspace workspace_;
    std::vector<std::unique_ptr<View>> views_;
    std::unique_ptr<ViewTurns> turns_;

    View& view(const char* id) const {
        for (const auto& view : views_)
            if (view->objectName() == id) return *view;
        qFatal("no view %s", id);
    }
    auto behind() const {
        return std::ranges::count_if(views_, [](const auto& view) { return view->isBehind(); });
    }

private slots:
    void init() {
        workspace_ = testing::filled({12, 96, 4, 40});
        turns_ = std::make_unique<ViewTurns>();
        for (const auto& factory : Registry<ViewFactory>::instance().members()) {
            views_.emplace_back(factory->make(nullptr));
            View& view = *views_.back();
            view.setObjectName(factory->id());
            view.resize(700, 460);
            static_cast<QWidget&>(view).show();
            turns_->add(&view);
        }
        turns_->show(workspace_, Change::everything);
        QTRY_VERIFY(turns_->isDone());
    }
    void cleanup() {
        turns_.reset();
        views_.clear();
    }

    void everyViewHasATurn() {
        const auto all = static_cast<qsizetype>(views_.size());
        turns_->show(workspace_, Change::everything);
        QCOMPARE(behind(), all);
        QCoreApplication::sendPostedEvents(); // painting and what is queued come first
        QCOMPARE(behind(), all);
        QTRY_VERIFY(turns_->isDone());
    }

    void oneThatIsAskedIsDrawnFirst() {
        View& map = view("channel-map");
        QVERIFY(map.describe().contains("attn_input"));
        workspace_.site.place = Place::mlp_residual;
        turns_->show(workspace_, Change::selection);
        QVERIFY(map.isBehind());
        QVERIFY2(map.describe().contains("mlp_residual"), qPrintable(map.describe()));
        QVERIFY(view("depth-curves").isBehind());
        QCOMPARE(view("depth-curves").table().rows.size(), 12);
        QVERIFY(!view("depth-curves").isBehind());
    }

    // A column that is gone must not be found under the mouse.
    void oneThatIsPointedAtIsDrawnFirst() {
        View& table = view("compare");
        QVERIFY(table.describe().contains("× 4"));
        workspace_.columns.resize(2);
        workspace_.active = 1;
        turns_->show(workspace_, Change::columns | Change::kept | Change::reading | Change::observation);
        auto* canvas = table.findChild<QWidget*>("comparison");
        QVERIFY(canvas && table.isBehind());
        QTest::mouseMove(canvas, {10, 10});
        QTest::mouseClick(canvas, Qt::LeftButton, {}, {10, 10});
        QVERIFY(!table.isBehind());
    }

    void changesThatComeFasterAreDrawnOnce() {
        auto* plot = view("channel-map").findChild<HeatMapPlot*>();
        const int made = plot->imagesMade();
        for (int i = 0; i < 100; ++i) {
            workspace_.site.place = i % 2 ? Place::attn_input : Place::mlp_residual;
            turns_->show(workspace_, Change::selection);
        }
        QTRY_VERIFY(turns_->isDone());
        QTest::qWait(20);
        QVERIFY(plot->imagesMade() - made <= 2);
    }

    // What is out of sight waits until it is brought forward.
    void oneOutOfSightIsLeftAlone() {
        View& map = view("channel-map");
        map.setInSight(false);
        workspace_.site.place = Place::mlp_residual;
        turns_->show(workspace_, Change::selection);
        QTRY_VERIFY(turns_->isDone());
        QVERIFY(map.describe().contains("attn_input"));
        map.setInSight(true);
        QVERIFY(map.describe().contains("mlp_residual"));
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestWindowTurns)
#include "test_window_turns.moc"
