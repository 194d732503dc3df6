// SPDX-License-Identifier: GPL-3.0-or-later
#include "synthetic_workspace.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QSignalSpy>
#include <QtTest>

Q_DECLARE_METATYPE(kurtoscope::Site)

namespace kurtoscope {

// The channel map by mouse and keyboard.
class TestChannelMap : public QObject {
    Q_OBJECT
private:
    Workspace workspace_;
    std::unique_ptr<View> view_;
    HeatMapPlot* plot_ = nullptr;

    void make(const testing::Shape& shape) {
        workspace_ = testing::filled(shape);
        view_.reset(Registry<ViewFactory>::instance().get("channel-map", "view").make(nullptr));
        view_->resize(1000, 520);
        view_->show(workspace_, Change::everything);
        view_->QWidget::show();
        plot_ = view_->findChild<HeatMapPlot*>();
        QVERIFY(plot_);
        plot_->grab();                     // lays the axes out
        QCoreApplication::processEvents(); // the map is drawn in an event of its own
    }
    QPoint at(int row, int column) const { return plot_->pixelOf(row, column).toPoint(); }

private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void aSharedScaleIsOfWhatIsThere() {
        std::vector<float> small(100);
        for (std::size_t i = 0; i < small.size(); ++i)
            small[i] = i < 50 ? 1e-4F : 1e-2F;
        const std::vector<float> zeros(100, 0.F), none;
        HeatMapPlot plot;
        for (const auto& [own, beside] :
             {std::pair(small, none), std::pair(small, zeros), std::pair(zeros, small)}) {
            HeatMap map;
            map.rows = 2, map.columns = 50, map.values = own, map.beside = beside;
            plot.setMap(map);
            QCOMPARE(plot.lowest(), 1e-4F);
            QCOMPARE(plot.highest(), 1e-2F);
        }
    }

    void clickTogglesTheChannelUnderIt() {
        make({6, 40, 3, 20});
        QSignalSpy toggled(view_.get(), &View::channelsToggled),
            selected(view_.get(), &View::channelSelected);
        QTest::mouseClick(plot_->canvas(), Qt::LeftButton, {}, at(4, 31));
        QCOMPARE(toggled.size(), 1);
        QCOMPARE(toggled[0][0].value<Site>(), (Site{4, Place::attn_input}));
        QCOMPARE(toggled[0][1].value<QList<int>>(), QList<int>{31});
        QCOMPARE(selected.size(), 1);
        QCOMPARE(selected[0][1].toInt(), 31);
    }

    void twoQuickClicksToggleTwice() {
        make({6, 40, 3, 20});
        QSignalSpy toggled(view_.get(), &View::channelsToggled);
        QTest::mouseClick(plot_->canvas(), Qt::LeftButton, {}, at(2, 5));
        QTest::mouseDClick(plot_->canvas(), Qt::LeftButton, {},
                           at(2, 5)); // the second press arrives as this event
        QTest::mouseRelease(plot_->canvas(), Qt::LeftButton, {}, at(2, 5));
        QCOMPARE(toggled.size(), 2);
    }

    void onlySelects_data() {
        QTest::addColumn<Qt::MouseButton>("button");
        QTest::addColumn<Qt::KeyboardModifier>("modifier");
        QTest::newRow("right") << Qt::RightButton << Qt::NoModifier;
        QTest::newRow("Ctrl+left") << Qt::LeftButton << Qt::ControlModifier;
    }
    void onlySelects() {
        QFETCH(Qt::MouseButton, button);
        QFETCH(Qt::KeyboardModifier, modifier);
        make({6, 40, 3, 20});
        QSignalSpy toggled(view_.get(), &View::channelsToggled),
            selected(view_.get(), &View::channelSelected);
        QTest::mouseClick(plot_->canvas(), button, modifier, at(1, 12));
        QCOMPARE(toggled.size(), 0);
        QCOMPARE(selected.size(), 1);
        QCOMPARE(selected[0][0].value<Site>(), (Site{1, Place::attn_input}));
        QCOMPARE(selected[0][1].toInt(), 12);
    }

    void dragTogglesABlock() {
        make({6, 40, 3, 20});
        QSignalSpy block(view_.get(), &View::blockToggled), toggled(view_.get(), &View::channelsToggled);
        QTest::mousePress(plot_->canvas(), Qt::LeftButton, {}, at(1, 10));
        QTest::mouseMove(plot_->canvas(), at(2, 11));
        QTest::mouseMove(plot_->canvas(), at(3, 13));
        QTest::mouseRelease(plot_->canvas(), Qt::LeftButton, {}, at(3, 13));
        QCOMPARE(toggled.size(), 0);
        QCOMPARE(block.size(), 1);
        const auto sites = block[0][0].value<QList<Site>>();
        QCOMPARE(sites,
                 (QList<Site>{{1, Place::attn_input}, {2, Place::attn_input}, {3, Place::attn_input}}));
        QCOMPARE(block[0][1].value<QList<int>>(), (QList<int>{10, 11, 12, 13}));
        QCOMPARE(block[0][2].toBool(), true);
        for (const Site& site : sites)
            for (const int channel : {10, 11, 12, 13})
                workspace_.columns[2].recipe.kept[site].insert(channel);
        view_->show(workspace_, Change::kept);
        QTest::mousePress(plot_->canvas(), Qt::LeftButton, {}, at(1, 10));
        QTest::mouseMove(plot_->canvas(), at(3, 13));
        QTest::mouseRelease(plot_->canvas(), Qt::LeftButton, {}, at(3, 13));
        QCOMPARE(block[1][2].toBool(), false); // all kept: released
    }

    void keysMoveAndToggle() {
        make({6, 40, 3, 20});
        workspace_.site.layer = 2;
        workspace_.channel = 7;
        view_->show(workspace_, Change::selection);
        QSignalSpy toggled(view_.get(), &View::channelsToggled),
            selected(view_.get(), &View::channelSelected);
        QTest::keyClick(plot_, Qt::Key_Right);
        QTest::keyClick(plot_, Qt::Key_Down);
        QCOMPARE(selected.last()[0].value<Site>(), (Site{3, Place::attn_input}));
        QCOMPARE(selected.last()[1].toInt(), 8);
        QTest::keyClick(plot_, Qt::Key_Space);
        QTest::keyClick(plot_, Qt::Key_K);
        QCOMPARE(toggled.size(), 2);
        QCOMPARE(toggled[0][0].value<Site>(), (Site{3, Place::attn_input}));
        QCOMPARE(toggled[0][1].value<QList<int>>(), QList<int>{8});
        for (int i = 0; i < 20; ++i)
            QTest::keyClick(plot_, Qt::Key_Up);
        QCOMPARE(selected.last()[0].value<Site>().layer, 0); // stops at the edge
    }

    void wheelZoomsAndHomeResets() {
        make({6, 400, 3, 20});
        const auto width = [this] { return plot_->pixelOf(0, 200).x() - plot_->pixelOf(0, 100).x(); };
        const double before = width();
        const QPointF middle = plot_->pixelOf(2, 150);
        QWheelEvent wheel(middle, plot_->canvas()->mapToGlobal(middle), {}, {0, 120 * 4}, Qt::NoButton, {},
                          Qt::NoScrollPhase, false);
        QCoreApplication::sendEvent(plot_->canvas(), &wheel);
        QVERIFY(width() > before * 1.5);
        QVERIFY(std::abs(plot_->pixelOf(2, 150).x() - middle.x()) < 2); // about the cursor
        QTest::keyClick(plot_, Qt::Key_Home);
        QCOMPARE(width(), before);
    }

    void hoverNamesSiteChannelAndValue() {
        make({6, 40, 3, 20});
        QSignalSpy message(view_.get(), &View::message);
        QTest::mouseMove(plot_->canvas(), at(3, 9));
        QVERIFY(!message.isEmpty());
        QVERIFY2(message.last()[0].toString().startsWith("layers.3.attn_input, channel 9: absmax "),
                 qPrintable(message.last()[0].toString()));
    }

    void poolingLosesNoOutlier() {
        make({80, 8192, 3, 2});
        QVERIFY(plot_->drawnColumns() <= plot_->canvas()->width());
        QVERIFY(plot_->drawnColumns() * 12 > 8192);
        // The outlier's pixel, and its neighbours that stand for it, answer with the outlier.
        const auto cell = plot_->cellAt(plot_->pixelOf(40, 507));
        QVERIFY(cell);
        QCOMPARE(cell->row, 40);
        QCOMPARE(cell->column, 507);
        // Its bright colour is on screen.
        const QImage picture = plot_->canvas()->grab().toImage();
        const QPoint pixel = at(40, 507);
        int brightest = 0;
        for (int dx = -2; dx <= 2; ++dx)
            brightest = std::max(brightest, qGreen(picture.pixel(pixel.x() + dx, pixel.y())));
        QVERIFY2(brightest > 150, qPrintable(QString::number(brightest)));
    }

    void keptMarksRepaintWithoutThePicture() {
        make({80, 8192, 3, 2});
        const int made = plot_->imagesMade();
        QVERIFY(made > 0);
        const int runs = plot_->keptRuns();
        workspace_.columns[2].recipe.kept[{40, Place::attn_input}].insert(3000);
        workspace_.columns[2].recipe.kept[{41, Place::attn_input}].insert(3000);
        view_->show(workspace_, Change::kept);
        QCOMPARE(plot_->keptRuns(), runs + 1); // two rows, one outline
        plot_->canvas()->grab();
        QCOMPARE(plot_->imagesMade(), made);
    }

    void marksShowOnlyTheirPlace() {
        make({6, 40, 3, 20});
        for (auto& column : workspace_.columns)
            column.recipe.kept.clear();
        workspace_.columns[2].recipe.kept = {{{1, Place::attn_input}, {3}}, {{1, Place::mlp_hidden}, {4, 5}}};
        workspace_.marked = {{{0, Place::attn_input}, {1, 2}}};
        view_->show(workspace_, Changes(Change::kept) | Change::marked);
        QVERIFY2(view_->describe().endsWith("1 kept, 2 marked"), qPrintable(view_->describe()));
        workspace_.site.place = Place::mlp_hidden;
        view_->show(workspace_, Change::selection);
        QVERIFY2(view_->describe().endsWith("2 kept, 0 marked"), qPrintable(view_->describe()));
        QVERIFY2(view_->describe().startsWith("6 × 106, mlp_hidden"), qPrintable(view_->describe()));
    }

    void aPlaceThatExistsOnceIsOneRow() {
        make({6, 40, 3, 20});
        workspace_.site = {-1, Place::embedding};
        view_->show(workspace_, Change::selection);
        plot_->grab();
        QVERIFY2(view_->describe().startsWith("1 × 40, embedding"), qPrintable(view_->describe()));
        QSignalSpy toggled(view_.get(), &View::channelsToggled);
        QTest::mouseClick(plot_->canvas(), Qt::LeftButton, {}, at(0, 20));
        QCOMPARE(toggled[0][0].value<Site>(), (Site{-1, Place::embedding}));
    }

    void anUnobservedPlaceSaysSo() {
        make({6, 40, 3, 20});
        workspace_.site.place = Place::attn_probs;
        view_->show(workspace_, Change::selection);
        QVERIFY(view_->describe().startsWith("attn_probs was not observed"));
        workspace_.site.place = Place::attn_input;
        view_->show(workspace_, Change::selection);
        QVERIFY(view_->describe().startsWith("6 × 40"));
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestChannelMap)
#include "test_channel_map.moc"
