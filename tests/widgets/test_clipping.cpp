// SPDX-License-Identifier: GPL-3.0-or-later
#include "synthetic_workspace.h"
#include "widgets/parts/clipping_panel.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/plot/histogram_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QSignalSpy>
#include <QtTest>

namespace kurtoscope {

class TestClipping : public QObject {
    Q_OBJECT
private:
    // Every value, one by one.
    static ClippingCost plain(const SiteSample& sample, int levels, const std::set<int>& leftOut,
                              double clip) {
        ClippingCost cost;
        cost.clip = clip;
        double signal = 0, count = 0;
        const double step = 2 * clip / (levels - 1);
        for (int token = 0; token < sample.rows(); ++token)
            for (int channel = 0; channel < sample.channels; ++channel) {
                if (leftOut.contains(channel)) continue;
                const double x = static_cast<double>(sample.at(token, channel));
                const double y = std::clamp(std::round(x / step) * step, -clip, clip);
                (std::abs(x) > clip ? cost.clipping : cost.rounding) += (x - y) * (x - y);
                cost.clippedShare += std::abs(x) > clip;
                signal += x * x;
                ++count;
            }
        cost.clipping /= count, cost.rounding /= count, cost.clippedShare /= count;
        cost.sqnrDb = 10 * std::log10(signal / count / cost.total());
        return cost;
    }

private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void costIsThatOfTheValues_data() {
        QTest::addColumn<int>("tokens");
        QTest::addColumn<int>("channels");
        QTest::newRow("all values") << 40 << 64;
        QTest::newRow("thinned, the largest one by one") << 300 << 2048;
    }
    void costIsThatOfTheValues() {
        QFETCH(int, tokens);
        QFETCH(int, channels);
        const auto sample = testing::sampleOf({3, Place::attn_input}, channels, tokens, 7);
        const std::set<int> kept{channels / 2};
        const ClippingTrade trade(*sample, 63, kept);
        QCOMPARE(trade.levels(), 63);
        for (const double clip : {0.4, 1.0, 3.0, 8.0, trade.largest()}) {
            const ClippingCost got = trade.at(clip), expected = plain(*sample, 63, kept, clip);
            const auto near = [](double a, double b) { return std::abs(a - b) <= 0.03 * std::abs(b) + 1e-9; };
            QVERIFY2(near(got.clipping, expected.clipping),
                     qPrintable(QString("%1: %2 for %3").arg(clip).arg(got.clipping).arg(expected.clipping)));
            QVERIFY2(near(got.rounding, expected.rounding),
                     qPrintable(QString("%1: %2 for %3").arg(clip).arg(got.rounding).arg(expected.rounding)));
            QVERIFY(near(got.clippedShare, expected.clippedShare));
            QVERIFY(std::abs(got.sqnrDb - expected.sqnrDb) < 0.2);
        }
        QCOMPARE(trade.at(trade.largest()).clipping, 0.0);
    }

    void theTwoErrorsTradePlaces() {
        const auto sample = testing::sampleOf({3, Place::attn_input}, 64, 200, 7);
        const ClippingTrade trade(*sample, 15, {});
        const auto curve = trade.curve(40);
        QCOMPARE(curve.size(), std::size_t{40});
        for (std::size_t i = 1; i < curve.size(); ++i) {
            QVERIFY(curve[i].clip > curve[i - 1].clip);
            QVERIFY(curve[i].clipping <= curve[i - 1].clipping);
        }
        QVERIFY(curve.front().clipping > curve.front().rounding);
        QVERIFY(curve.back().clipping == 0 && curve.back().rounding > curve.front().rounding);
        for (const ClippingCost& cost : curve)
            QVERIFY(ClippingTrade::leastOf(curve).total() <= cost.total());
    }

    void nothingCostsNothing() {
        QVERIFY(ClippingTrade().empty());
        QCOMPARE(ClippingTrade().at(1).total(), 0.0);
        SiteSample zeros;
        zeros.channels = 4;
        zeros.tokens = {"a"};
        zeros.values = {0, 0, std::nanf(""), 0};
        QVERIFY(ClippingTrade(zeros, 255, {}).empty());
    }

    // In the channel's view: the line is dragged, and the figures follow.
    void lineIsDragged() {
        Workspace w = testing::filled({12, 64, 4, 60});
        w.columns[2].recipe.kept.clear(); // its heavy channel is on the grid
        for (float& level : w.grid)
            level /= 2;
        std::unique_ptr<View> view(
            Registry<ViewFactory>::instance().get("channel-panel", "view").make(nullptr));
        view->resize(360, 1100);
        view->show(w, Change::everything);
        view->QWidget::show();
        QCoreApplication::processEvents();
        auto* plot = view->findChild<HistogramPlot*>();
        auto* panel = view->findChild<ClippingPanel*>();
        view->grab();
        const double own = 127 * 0.0913 / 2;
        QVERIFY(std::abs(panel->ownClip() - own) < 1e-3);
        QCOMPARE(plot->clip(), panel->ownClip());
        QVERIFY2(panel->sentence().contains("(the recipe's)"), qPrintable(panel->sentence()));
        const QPoint handle = plot->clipHandle().toPoint();
        QTest::mousePress(plot->canvas(), Qt::LeftButton, {}, handle);
        QTest::mouseMove(plot->canvas(), handle - QPoint(12, 0));
        QMouseEvent move(QEvent::MouseMove, handle - QPoint(12, 0),
                         plot->canvas()->mapToGlobal(handle - QPoint(12, 0)), Qt::NoButton, Qt::LeftButton,
                         Qt::NoModifier);
        QCoreApplication::sendEvent(plot->canvas(), &move);
        QTest::mouseRelease(plot->canvas(), Qt::LeftButton, {}, handle - QPoint(12, 0));
        QVERIFY(panel->clip() < own * 0.9);
        QCOMPARE(panel->clip(), plot->clip());
        QVERIFY(!panel->sentence().contains("(the recipe's)"));
        QVERIFY2(view->describe().contains("clip ±"), qPrintable(view->describe()));
        const double dragged = panel->clip();
        plot->setFocus();
        QTest::keyClick(plot, Qt::Key_Left);
        QVERIFY(panel->clip() < dragged);
        QTest::keyClick(plot, Qt::Key_Home);
        QCOMPARE(panel->clip(), panel->ownClip());
        QVERIFY(!plot->accessibleDescription().isEmpty());

        auto* curve = panel->curve();
        const double x = curve->curves()[2].x[20], y = curve->curves()[2].y[20];
        QTest::mouseClick(curve->canvas(), Qt::LeftButton, {}, curve->pixelOf(x, y).toPoint());
        QCOMPARE(plot->clip(), panel->clip());
        QVERIFY(std::abs(std::log(panel->clip() / x)) < 0.3);
    }

    // While it is dragged, every move is answered within a frame, at the largest site too.
    void dragsWithinAFrame() {
        const auto sample = testing::sampleOf({3, Place::attn_input}, 8192, 512, 7);
        const ClippingTrade trade(*sample, 255, {});
        QElapsedTimer clock;
        clock.start();
        double sum = 0;
        for (int i = 1; i <= 50; ++i)
            sum += trade.at(trade.largest() * i / 50).total();
        QVERIFY(sum > 0);
        QVERIFY2(clock.elapsed() < 50 * 16, qPrintable(QString("%1 ms for 50").arg(clock.elapsed())));
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestClipping)
#include "test_clipping.moc"
