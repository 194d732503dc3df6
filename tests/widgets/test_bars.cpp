// SPDX-License-Identifier: GPL-3.0-or-later
#include "synthetic_workspace.h"
#include "widgets/plot/bar_tile.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QComboBox>
#include <QSignalSpy>
#include <QtTest>

namespace kurtoscope {
namespace {

HeatMap ramp(int rows, int columns) {
    HeatMap map;
    map.rows = rows, map.columns = columns;
    for (int i = 0; i < rows * columns; ++i)
        map.values.push_back(0.1F + static_cast<float>(i % 97) / 97);
    return map;
}

} // namespace

// Bars in space: pooled, turned, picked.
class TestBars : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void poolingKeepsEveryPeak() {
        HeatMap map = ramp(100, 1000);
        map.values[37 * 1000 + 511] = 50;
        map.values[99 * 1000 + 999] = 40;
        map.values[0] = std::nanf("");
        const PooledTile tile = PooledTile::of(map, 48, 96);
        QCOMPARE(tile.rowStride, 3);
        QCOMPARE(tile.columnStride, 11);
        QCOMPARE(tile.rows, 34);
        QCOMPARE(tile.columns, 91);
        QCOMPARE(tile.highest, 50.0F);
        const auto at = [&](int row, int column) {
            return std::size_t(row / 3) * std::size_t(tile.columns) + std::size_t(column / 11);
        };
        QCOMPARE(tile.values[at(37, 511)], 50.0F);
        QCOMPARE(tile.peaks[at(37, 511)].row, 37);
        QCOMPARE(tile.peaks[at(37, 511)].column, 511);
        QCOMPARE(tile.values[at(99, 999)], 40.0F);
        double most = 0;
        for (const float value : tile.values)
            most = std::max<double>(most, double(value));
        QCOMPARE(most, 50.0);
        HeatMap nothing = ramp(2, 2);
        nothing.values.assign(4, std::nanf(""));
        QVERIFY(std::isnan(PooledTile::of(nothing, 48, 96).values[0]));
        QVERIFY(PooledTile::of({}, 48, 96).values.empty());
    }

    void noSizeTakesMoreThanItsTile() {
        const PooledTile tile = PooledTile::of(ramp(4096, 2048), BarTile::mostRows, BarTile::mostColumns);
        QVERIFY(tile.values.size() <= std::size_t(BarTile::mostRows) * BarTile::mostColumns);
    }

    void tallBarIsPickedWhereverItIsTurned() {
        HeatMap map = ramp(20, 60);
        map.values[8 * 60 + 33] = 9;
        BarTile bars;
        bars.resize(800, 400);
        bars.setMap(map, 0.1F, 9);
        bars.QWidget::show();
        QCoreApplication::processEvents();
        QSignalSpy chosen(&bars, &BarTile::cellChosen);
        for (int turn = 0; turn < 45; turn += 8) {
            bars.grab();
            QTest::mouseClick(&bars, Qt::LeftButton, {}, (bars.topOf(8, 33) + QPointF(0, 6)).toPoint());
            QCOMPARE(chosen.size(), 1);
            const auto picked = chosen.takeFirst();
            QCOMPARE(picked[0].toInt(), 8);
            QCOMPARE(picked[1].toInt(), 33);
            for (int i = 0; i < 8; ++i)
                QTest::keyClick(&bars, Qt::Key_Right);
        }
    }

    void dragTurnsAndDoesNotPick() {
        BarTile bars;
        bars.resize(800, 400);
        bars.setMap(ramp(10, 10), 0.1F, 1);
        bars.QWidget::show();
        QSignalSpy chosen(&bars, &BarTile::cellChosen);
        const double before = bars.turn();
        QTest::mousePress(&bars, Qt::LeftButton, {}, {400, 250});
        QMouseEvent move(QEvent::MouseMove, QPointF(460, 250), bars.mapToGlobal(QPointF(460, 250)),
                         Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&bars, &move);
        QTest::mouseRelease(&bars, Qt::LeftButton, {}, {460, 250});
        QVERIFY(std::abs(bars.turn() - before) > 5);
        QCOMPARE(chosen.size(), 0);
        QTest::keyClick(&bars, Qt::Key_Home);
        QCOMPARE(bars.turn(), before);
    }

    void cursorMovesWithoutDrawingTheBarsAnew() {
        BarTile bars;
        bars.resize(800, 400);
        bars.setMap(ramp(20, 60), 0.1F, 1);
        bars.QWidget::show();
        bars.grab();
        const int made = bars.picturesMade();
        bars.setCurrent(3, 4);
        bars.grab();
        bars.setCurrent(5, 6);
        bars.grab();
        QCOMPARE(bars.picturesMade(), made);
    }

    void tokenMapShowsTheSameTileInSpace() {
        const Workspace w = testing::filled({12, 8192, 3, 24});
        std::unique_ptr<View> view(Registry<ViewFactory>::instance().get("token-map", "view").make(nullptr));
        view->resize(900, 500);
        view->show(w, Change::everything);
        view->QWidget::show();
        view->findChild<QComboBox*>()->setCurrentIndex(1);
        QVERIFY2(view->describe().endsWith("24 × 96 bars"), qPrintable(view->describe()));
        auto* bars = view->findChild<BarTile*>();
        QVERIFY(bars->isVisible());
        QSignalSpy channel(view.get(), &View::channelSelected), token(view.get(), &View::tokenSelected);
        bars->grab();
        QTest::mouseClick(bars, Qt::LeftButton, {}, (bars->topOf(5, 247) + QPointF(0, 4)).toPoint());
        QCOMPARE(channel.size(), 1);
        QCOMPARE(channel[0][1].toInt(), 247); // the heavy channel wherever it is pooled to
        QCOMPARE(token.size(), 1);
        QVERIFY(view->exported("svg").count("<path") > 200); // bars, not a photograph of them
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestBars)
#include "test_bars.moc"
