// SPDX-License-Identifier: GPL-3.0-or-later
#include "synthetic_workspace.h"
#include "widgets/parts/comparison_model.h"
#include "widgets/plot/scatter_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QAbstractItemModelTester>
#include <QClipboard>
#include <QHeaderView>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTableView>
#include <QtTest>

#include <limits>

namespace kurtoscope {

using Row = ComparisonModel::Row;

class TestCompare : public QObject {
    Q_OBJECT
private:
    static QString text(const ComparisonModel& model, Row row, int column) {
        return model.index(model.rowOf(row), column).data().toString();
    }
    static QVariant ink(const ComparisonModel& model, Row row, int column) {
        return model.index(model.rowOf(row), column).data(Qt::ForegroundRole);
    }

private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void keepsTheRulesOfAModel() {
        ComparisonModel model;
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.take(Workspace{});
        Workspace w = testing::filled({});
        model.take(w);
        w.columns[3].reading->windowsDone = 6;
        model.take(w);
        w.columns.pop_back();
        model.take(w);
        w.columns[1].reading->metric = "accuracy"; // a perplexity row appears
        for (auto& column : w.columns)
            column.reading->metric = "accuracy";
        model.take(w);
        QVERIFY(model.rowOf(Row::perplexity) >= 0);
        w.columns.clear();
        model.take(w);
        QCOMPARE(model.columnCount(), 0);
    }

    void figuresCarryErrorsAndUnits() {
        ComparisonModel model;
        model.take(testing::filled({}));
        QCOMPARE(text(model, Row::score, 0), QString("31.83 ± 1.62"));
        QCOMPARE(text(model, Row::difference, 0), QString("–"));
        QCOMPARE(text(model, Row::difference, 1), QString("+27.46 ± 0.90"));
        QCOMPARE(text(model, Row::kept, 2), QString("19 of 149,760"));
        QCOMPARE(text(model, Row::sqnr, 1), QString("27.4 dB"));
        QCOMPARE(text(model, Row::latency, 1), QString("184 / 192"));
        QCOMPARE(text(model, Row::memory, 0), QString("538 MB"));
        QCOMPARE(text(model, Row::bits, 0), QString("32.00"));
        QCOMPARE(text(model, Row::agreement, 1), QString("95.9 %"));
        QCOMPARE(text(model, Row::arithmetic, 3), QString("integer"));
        QCOMPARE(model.headerData(3, Qt::Horizontal, ComparisonModel::stateRole).toString(),
                 QString("window 5 of 8"));
    }

    void colourOnlyBeyondTheError_data() {
        QTest::addColumn<double>("difference");
        QTest::addColumn<double>("error");
        QTest::addColumn<bool>("lowerIsBetter");
        QTest::addColumn<int>("verdict"); // 1 better, −1 worse, 0 none
        QTest::newRow("worse") << 2.0 << 0.9 << true << -1;
        QTest::newRow("within the error") << 2.0 << 1.1 << true << 0;
        QTest::newRow("exactly twice the error") << 2.0 << 1.0 << true << 0;
        QTest::newRow("lower perplexity") << -2.0 << 0.5 << true << 1;
        QTest::newRow("lower accuracy") << -0.02 << 0.001 << false << -1;
        QTest::newRow("higher accuracy") << 0.02 << 0.001 << false << 1;
        QTest::newRow("none") << 0.0 << 0.0 << true << 0;
    }
    void colourOnlyBeyondTheError() {
        QFETCH(double, difference);
        QFETCH(double, error);
        QFETCH(bool, lowerIsBetter);
        QFETCH(int, verdict);
        Workspace w = testing::filled({});
        Reading& r = *w.columns[1].reading;
        r.difference = difference;
        r.differenceError = error;
        r.lowerIsBetter = lowerIsBetter;
        ComparisonModel model;
        model.take(w);
        const QVariant colour = ink(model, Row::difference, 1);
        if (verdict == 0)
            QVERIFY(!colour.isValid());
        else
            QCOMPARE(colour.value<QColor>(), verdict > 0 ? Theme::current().better : Theme::current().worse);
        for (int row = 0; row < model.rowCount(); ++row) // and nowhere else
            if (model.rowAt(row) != Row::difference)
                QVERIFY(!model.index(row, 1).data(Qt::ForegroundRole).isValid());
    }

    void staleIsGrey() {
        Workspace w = testing::filled({});
        w.columns[1].stale = true;
        ComparisonModel model;
        model.take(w);
        QCOMPARE(ink(model, Row::score, 1).value<QColor>(), Theme::current().faint);
        QCOMPARE(ink(model, Row::difference, 1).value<QColor>(), Theme::current().faint);
        QCOMPARE(model.headerData(1, Qt::Horizontal, ComparisonModel::stateRole).toString(),
                 QString("of an earlier choice"));
        w.columns[1].reading.reset();
        w.columns[1].stale = false;
        model.take(w);
        QCOMPARE(text(model, Row::score, 1), QString("·"));
    }

    void absentIsADashNotZero() {
        Workspace w = testing::filled({});
        Reading& r = *w.columns[1].reading;
        r.klMean.reset();
        r.klP99.reset();
        r.latencyP50Ms.reset();
        r.latencyP99Ms.reset();
        r.sqnrDb = INFINITY;
        ComparisonModel model;
        model.take(w);
        QCOMPARE(text(model, Row::divergence, 1), QString("–"));
        QCOMPARE(text(model, Row::latency, 1), QString("–"));
        QCOMPARE(text(model, Row::sqnr, 1), QString("∞ dB"));
    }

    void aMetricThatHasARowOfItsOwnIsNotWrittenTwice() {
        Workspace w = testing::filled({4, 32, 3, 8});
        for (Column& column : w.columns) {
            column.reading->metric = "cosine";
            column.reading->score = *column.reading->cosine;
            column.reading->perplexity.reset();
            column.reading->standardError = 1e-9; // too small to be written
        }
        ComparisonModel model;
        model.take(w);
        QStringList labels;
        for (int row = 0; row < model.rowCount(); ++row)
            labels << model.headerData(row, Qt::Vertical, Qt::DisplayRole).toString();
        QCOMPARE(labels.count("cosine"), 1);
        QCOMPARE(model.index(0, 0).data().toString(), QString("1.0000"));
    }

    void aPointWithoutAnErrorIsStillInThePicture() {
        ScatterPlot plot;
        plot.resize(300, 300);
        plot.setReference(1.0, "FP32");
        plot.setPoints({{"a", 0, 0.98, std::numeric_limits<double>::infinity(), Qt::blue, false}}, "kept",
                       "cosine");
        plot.grab();
        QVERIFY(plot.rect().contains(plot.pixelOf(0).toPoint()));
    }

    void anAxisHasOneNumberOfDecimals_data() {
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        for (const auto& [low, high] : {std::pair(0.97, 1.0),
                                        {0.9712, 0.9823},
                                        {31.0, 59.3},
                                        {0.1, 2.6},
                                        {-1.5, 1.5},
                                        {9500.0, 14000.0},
                                        {143000.0, 144000.0}})
            QTest::newRow(qPrintable(QString("%1 to %2").arg(low).arg(high))) << low << high;
    }
    void anAxisHasOneNumberOfDecimals() {
        QFETCH(double, low);
        QFETCH(double, high);
        ScatterPlot plot;
        plot.resize(300, 300);
        plot.setReference(high, "FP32");
        plot.setPoints({{"a", 0, low, 0, Qt::blue, false}}, "kept", "score");
        plot.grab();
        QStringList ticks = plot.scoreTicks();
        ticks.removeAll(QString("0"));
        QVERIFY(ticks.size() >= 3);
        QCOMPARE(QSet<QString>(ticks.begin(), ticks.end()).size(), ticks.size());
        const auto form = [](QString tick) {
            const auto point = tick.indexOf('.');
            const QString unit = tick.back().isDigit() ? QString() : QString(tick.back());
            return QString::number(point < 0 ? 0 : tick.size() - point) + unit;
        };
        for (const QString& tick : ticks)
            QCOMPARE(form(tick), form(ticks.front()));
    }

    // Neither a figure nor a name may begin under the row headers: without its first digits it is another
    // one.
    void halfSeenColumnsAreElided() {
        const Workspace w = testing::filled({});
        std::unique_ptr<View> view(Registry<ViewFactory>::instance().get("compare", "view").make(nullptr));
        view->resize(330, 420);
        view->show(w, Change::everything);
        view->QWidget::show();
        auto* table = view->findChild<QTableView*>("comparison");
        const Theme& theme = Theme::current();
        const QList<QColor> blank{theme.surface, theme.keptSoft, theme.grid, theme.border};
        QVERIFY(table->horizontalScrollBar()->maximum() > 100);
        for (int at = 0; at < 100; at += 7) {
            table->horizontalScrollBar()->setValue(at);
            for (QWidget* part : {table->viewport(), table->horizontalHeader()->viewport()}) {
                const QImage image = part->grab().toImage();
                for (int y = 0; y < image.height(); ++y)
                    for (const int x : {0, 1, 2, image.width() - 2, image.width() - 1})
                        QVERIFY2(blank.contains(image.pixelColor(x, y)),
                                 qPrintable(QString("ink at %1, %2, scrolled by %3").arg(x).arg(y).arg(at)));
            }
        }
    }

    void theCountOfKeptChannelsSaysHowItCounts() {
        ComparisonModel model;
        model.take(testing::filled({}));
        const QString help =
            model.headerData(model.rowOf(Row::kept), Qt::Vertical, Qt::ToolTipRole).toString();
        QVERIFY(help.contains("linear layers") && help.contains("once for every layer that reads it"));
        QCOMPARE(model.index(model.rowOf(Row::kept), 2).data(Qt::ToolTipRole).toString(), help);
    }

    void aPointLeadsToItsColumn() {
        Workspace w = testing::filled({});
        Tried tried{w.columns[2].recipe, *w.columns[2].reading};
        tried.recipe.setKept({1, Place::attn_input}, 3, true);
        tried.reading.keptChannels = 5;
        tried.reading.score -= 4;
        w.tried.push_back(tried);
        std::unique_ptr<View> view(Registry<ViewFactory>::instance().get("trade-off", "view").make(nullptr));
        view->resize(600, 400);
        view->show(w, Change::everything);
        view->QWidget::show();
        QVERIFY2(view->describe().endsWith(", 1 tried before"), qPrintable(view->describe()));
        auto* plot = view->findChild<ScatterPlot*>();
        QVERIFY(QTest::qWaitForWindowExposed(view.get()));
        QTest::qWait(50);
        QSignalSpy activated(view.get(), &View::columnActivated);
        Recipe asked;
        QString name;
        connect(view.get(), &View::columnAsked, this, [&](const QString& called, const Recipe& recipe) {
            name = called;
            asked = recipe;
        });
        QTest::mouseClick(plot->canvas(), Qt::LeftButton, {}, plot->pixelOf(1).toPoint());
        QCOMPARE(activated.size(), 1);
        QCOMPARE(activated[0][0].toInt(), 1);
        QTest::mouseClick(plot->canvas(), Qt::LeftButton, {}, plot->pixelOf(0).toPoint()); // the ring
        QVERIFY(asked == tried.recipe);
        QVERIFY2(name.startsWith("w8a8, ") && name.endsWith(" kept"), qPrintable(name));
        QCOMPARE(view->table().rows.size(), view->findChild<ScatterPlot*>()->points().size());
    }

    void viewActsOnColumns() {
        const Workspace w = testing::filled({});
        std::unique_ptr<View> view(Registry<ViewFactory>::instance().get("compare", "view").make(nullptr));
        view->resize(800, 400);
        view->show(w, Change::everything);
        view->QWidget::show();
        auto* table = view->findChild<QTableView*>("comparison");
        QVERIFY(table);
        QSignalSpy activated(view.get(), &View::columnActivated),
            doubled(view.get(), &View::columnDuplicated), removed(view.get(), &View::columnRemoved);
        auto* header = table->horizontalHeader();
        QTest::mouseClick(header->viewport(), Qt::LeftButton, {},
                          {header->sectionViewportPosition(1) + 20, 10});
        QCOMPARE(activated.size(), 1);
        QCOMPARE(activated[0][0].toInt(), 1);
        table->setCurrentIndex(table->model()->index(0, 3));
        QTest::keyClick(table, Qt::Key_D);
        QTest::keyClick(table, Qt::Key_Delete);
        QCOMPARE(doubled[0][0].toInt(), 3);
        QCOMPARE(removed[0][0].toInt(), 3);
        table->setCurrentIndex(table->model()->index(0, 0));
        QTest::keyClick(table, Qt::Key_Delete);
        QCOMPARE(removed.size(), 1); // FP32 stays
        QTest::keyClick(table, Qt::Key_C, Qt::ControlModifier);
        const QString copied = QGuiApplication::clipboard()->text();
        QVERIFY(copied.startsWith("\tFP32\tW8A8 per-tensor\t"));
        QVERIFY(copied.contains("perplexity\t31.83 ± 1.62\t59.29 ± 1.62"));
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestCompare)
#include "test_compare.moc"
