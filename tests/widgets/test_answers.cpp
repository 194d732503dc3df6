// SPDX-License-Identifier: GPL-3.0-or-later
#include "synthetic_workspace.h"
#include "widgets/parts/compared_bars.h"
#include "widgets/parts/history_model.h"
#include "widgets/parts/row_list.h"
#include "widgets/parts/token_strip.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QAbstractItemModelTester>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalSpy>
#include <QtTest>

Q_DECLARE_METATYPE(kurtoscope::Site)

namespace kurtoscope {

// The views that answer what only some people ask: text, attention, sensitivity, history.
class TestAnswers : public QObject {
    Q_OBJECT
private:
    static std::unique_ptr<View> shown(const char* id, const Workspace& workspace) {
        std::unique_ptr<View> view(Registry<ViewFactory>::instance().get(id, "view").make(nullptr));
        view->resize(1000, 560);
        view->show(workspace, Change::everything);
        view->QWidget::show();
        QCoreApplication::processEvents();
        view->grab();
        return view;
    }
    static QPoint cell(const HeatMapPlot& plot, int row, int column) {
        return plot.pixelOf(row, column).toPoint();
    }

private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void textStartsAtTheWorstToken() {
        const Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("text", w);
        QVERIFY2(view->describe().startsWith("30 tokens, KL (nats) 0.0"), qPrintable(view->describe()));
        QVERIFY2(view->describe().contains("worst 2.31 at 3, token 3, 7 bars, jump at layer 6"),
                 qPrintable(view->describe()));
        const auto* bars = view->findChild<ComparedBars*>();
        QCOMPARE(bars->entries().size(), std::size_t{7});
        QVERIFY(!bars->accessibleDescription().isEmpty());
        const auto* strip = view->findChild<TokenStrip*>();
        QCOMPARE(strip->entries().size(), std::size_t{30});
        QCOMPARE(strip->entries()[3].share, 1.0);
        QVERIFY(strip->entries()[0].share == 0 && strip->entries()[1].share > 0); // 0 and 0.004 nats
        QVERIFY(strip->entries()[3].tip.contains("ln(p / q)"));
        QCOMPARE(view->needs(), Needs(Need::reading));
    }

    void tokensAreChosenByMouseAndKeyboard() {
        Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("text", w);
        auto* strip = view->findChild<TokenStrip*>();
        QSignalSpy chosen(view.get(), &View::tokenSelected);
        QTest::mouseClick(strip, Qt::LeftButton, {}, strip->rectOf(8).center());
        QCOMPARE(chosen.takeLast()[0].toInt(), 8);
        w.token = 8;
        view->show(w, Change::selection);
        QVERIFY(view->describe().contains("token 8,"));
        QTest::keyClick(strip, Qt::Key_Right);
        QCOMPARE(chosen.takeLast()[0].toInt(), 9);
        QTest::keyClick(strip, Qt::Key_Home);
        QCOMPARE(chosen.takeLast()[0].toInt(), 0);
        QTest::keyClick(strip, Qt::Key_End);
        QCOMPARE(chosen.takeLast()[0].toInt(), 29);
    }

    void worstTokensFollowOneAnother() {
        Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("text", w);
        QSignalSpy chosen(view.get(), &View::tokenSelected);
        auto* next = view->findChild<QPushButton*>("worst");
        QList<int> order;
        for (int i = 0; i < 30; ++i) {
            QTest::mouseClick(next, Qt::LeftButton);
            order.append(w.token = chosen.last()[0].toInt());
            view->show(w, Change::selection);
        }
        // 2.31 nats, then 0.016 in running order, and round again after the last.
        QCOMPARE(order.first(3), (QList<int>{3, 4, 9}));
        QCOMPARE(QSet<int>(order.begin(), order.end()).size(), 30);
        QTest::mouseClick(next, Qt::LeftButton);
        QCOMPARE(chosen.last()[0].toInt(), 3);
    }

    void jumpLeadsToTheLayer() {
        const Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("text", w);
        QSignalSpy selected(view.get(), &View::siteSelected);
        QTest::mouseClick(view->findChild<QPushButton*>("jump"), Qt::LeftButton);
        QCOMPARE(selected.last()[0].value<Site>(), (Site{6, Place::attn_input}));
        auto* curve = view->findChild<CurvePlot*>();
        QTest::mouseClick(curve->canvas(), Qt::LeftButton, {},
                          curve->pixelOf(2, curve->curves()[0].y[2]).toPoint());
        QCOMPARE(selected.last()[0].value<Site>(), (Site{2, Place::attn_input}));
    }

    void anEarlierChoiceIsSaidToBeOne() {
        Workspace w = testing::filled({12, 64, 4, 30});
        const auto text = shown("text", w), map = shown("sensitivity-map", w);
        QVERIFY(!text->describe().contains("earlier"));
        w.columns[2].recipe.setKept({1, Place::mlp_input}, 3, true);
        for (const auto& view : {text.get(), map.get()}) {
            view->show(w, Change::kept);
            QVERIFY2(view->describe().contains("of an earlier choice"), qPrintable(view->describe()));
        }
        w.reading = testing::readingOf(w.columns[2].recipe, 30, 12);
        text->show(w, Change::text);
        QVERIFY(!text->describe().contains("earlier"));
    }

    void classesAndEmbeddingsHaveTheirOwnWords() {
        Workspace w = testing::filled({12, 64, 4, 30});
        auto classes = std::make_shared<TextReading>(*w.reading);
        classes->answers = TextReading::Answers::classes;
        classes->measure = "1 − cosine";
        classes->classes = {{0, "negative", 0.9, 0.4}, {1, "positive", 0.1, 0.6}};
        for (TextToken& token : classes->tokens)
            token.top.clear();
        w.reading = classes;
        const auto view = shown("text", w);
        QVERIFY2(view->describe().contains("2 bars"), qPrintable(view->describe()));
        auto embedding = std::make_shared<TextReading>(*classes);
        embedding->answers = TextReading::Answers::embedding;
        embedding->cosine = 0.9871;
        w.reading = embedding;
        view->show(w, Change::text);
        QVERIFY2(view->describe().contains("no bars"), qPrintable(view->describe()));
        bool said = false;
        for (const QLabel* label : view->findChildren<QLabel*>())
            said |= label->text().contains("cosine of the embeddings 0.98710");
        QVERIFY(said);
    }

    void typingAsksForTheText() {
        const Workspace w = testing::filled({12, 64, 4, 30});
        for (const char* id : {"text", "attention-map"}) {
            const auto view = shown(id, w);
            QSignalSpy typed(view.get(), &View::textTyped);
            auto* line = view->findChild<QLineEdit*>();
            QTest::keyClicks(line, "  a film ");
            QTest::keyClick(line, Qt::Key_Return);
            QCOMPARE(typed.size(), 1);
            QCOMPARE(typed.last()[0].toString(), QString("a film"));
            line->clear();
            QTest::keyClick(line, Qt::Key_Return); // back to the data's first window
            QCOMPARE(typed.last()[0].toString(), QString());
        }
    }

    void attentionShowsHeadsAndSinks() {
        Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("attention-map", w);
        QVERIFY2(view->describe().startsWith("layer 11, mean of heads, 30 × 30, first token 19 % of 9"),
                 qPrintable(view->describe()));
        QCOMPARE(view->needs(), Needs(Need::attention));
        auto* plot = view->findChild<HeatMapPlot*>();
        QVERIFY(std::isnan(plot->map().at(3, 4))); // no looking ahead: hatched, not zero
        auto* heads = view->findChild<RowList*>();
        QCOMPARE(heads->rows().size(), std::size_t{10});
        QTest::mouseClick(heads, Qt::LeftButton, {}, heads->rectOf(2).center());
        QVERIFY2(view->describe().startsWith("layer 11, head 1, 30 × 30, first token 100 %"),
                 qPrintable(view->describe()));
        QCOMPARE(plot->map().at(20, 0), 1.0F);
        QTest::keyClick(heads, Qt::Key_Down);
        QVERIFY(view->describe().contains("head 2"));
        for (QComboBox* choice : view->findChildren<QComboBox*>())
            if (choice->count() == 3) choice->setCurrentIndex(2);
        QVERIFY2(view->describe().contains("punctuation 12 %"), qPrintable(view->describe()));
    }

    void attentionOfEveryLayer() {
        const Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("attention-map", w);
        for (QComboBox* choice : view->findChildren<QComboBox*>())
            if (choice->count() == 2) choice->setCurrentIndex(1);
        QVERIFY2(view->describe().contains("12 × 9"), qPrintable(view->describe()));
        auto* plot = view->findChild<HeatMapPlot*>();
        plot->grab();
        QSignalSpy selected(view.get(), &View::siteSelected);
        QTest::mouseClick(plot->canvas(), Qt::LeftButton, {}, cell(*plot, 5, 1));
        QCOMPARE(selected.last()[0].value<Site>(), (Site{5, Place::attn_input}));
        QVERIFY(view->describe().contains("head 1"));
    }

    void attentionTokensMoveTheCursor() {
        const Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("attention-map", w);
        auto* plot = view->findChild<HeatMapPlot*>();
        QSignalSpy chosen(view.get(), &View::tokenSelected);
        QTest::mouseClick(plot->canvas(), Qt::LeftButton, {}, cell(*plot, 12, 3));
        QCOMPARE(chosen.last()[0].toInt(), 12);
        QTest::keyClick(plot, Qt::Key_Down);
        QCOMPARE(chosen.size(), 2);
    }

    void sensitivityStartsAndStopsByItsButton() {
        Workspace w = testing::filled({12, 64, 4, 30});
        w.sensitivity = nullptr;
        const auto view = shown("sensitivity-map", w);
        QSignalSpy asked(view.get(), &View::sensitivityAsked);
        auto* button = view->findChild<QPushButton*>("measure");
        QCOMPARE(asked.size(), 0); // never by itself
        QVERIFY2(view->describe().contains("Measure W8A8 per-tensor, kept"), qPrintable(view->describe()));
        QTest::mouseClick(button, Qt::LeftButton);
        QCOMPARE(asked.takeLast()[0].toBool(), true);
        w.sensitivity = testing::sensitivityOf(w.columns[2].recipe, 12, 20);
        view->show(w, Change::sensitivity);
        QVERIFY2(view->describe().contains("20 of 48 sites measured, KL (nats), running"),
                 qPrintable(view->describe()));
        QTest::keyClick(button, Qt::Key_Space);
        QCOMPARE(asked.takeLast()[0].toBool(), false);
        auto stopped = std::make_shared<SensitivityMap>(*w.sensitivity);
        stopped->running = false;
        w.sensitivity = stopped;
        view->show(w, Change::sensitivity);
        QCOMPARE(button->text(), QString("Go on"));
        w.active = 0;
        view->show(w, Change::columns);
        QVERIFY(!button->isEnabled()); // FP32 rounds nothing
    }

    void sensitivityLeavesUnknownCellsUnknown() {
        const Workspace w = testing::filled({12, 64, 4, 30}); // 32 of 48 known
        const auto view = shown("sensitivity-map", w);
        const auto plots = view->findChildren<HeatMapPlot*>();
        QCOMPARE(plots.size(), 2);
        int unknown = 0;
        for (const float value : plots[0]->map().values)
            unknown += std::isnan(value);
        QCOMPARE(unknown, 16);
        // Hatched: lines of another colour than the ground, neither of them on the palette.
        const QImage image = plots[0]->canvas()->grab().toImage();
        const QPoint middle = cell(*plots[0], 10, 1);
        QSet<QRgb> colours;
        for (int dx = -8; dx <= 8; ++dx)
            colours.insert(image.pixel(middle + QPoint(dx, 0)));
        QVERIFY(colours.size() > 1);
        QVERIFY(!colours.contains(Theme::current().heat(0).rgb()));
        QSignalSpy selected(view.get(), &View::siteSelected);
        QTest::mouseClick(plots[1]->canvas(), Qt::LeftButton, {}, cell(*plots[1], 4, 3));
        QCOMPARE(selected.last()[0].value<Site>(), (Site{4, Place::mlp_hidden}));
        QTest::keyClick(plots[0], Qt::Key_Down);
        QCOMPARE(selected.size(), 2);
    }

    void historyModelIsAModel() {
        HistoryModel model;
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.take({}, false);
        QCOMPARE(model.rowCount(), 0);
        model.take(testing::historyOf(), false);
        QCOMPARE(model.rowCount(), 7);
        QCOMPARE(model.index(0, HistoryModel::what).data().toString(),
                 QString("Sensitivity of W8A8 per-tensor"));
        QCOMPARE(model.index(0, HistoryModel::took).data().toString(), QString("1 min 14 s"));
        QCOMPARE(model.index(6, HistoryModel::when).data().toString(), QString("14:03:05"));
        QVERIFY(model.index(4, HistoryModel::what).data().toString().startsWith("Warning: Calibration"));
        QCOMPARE(model.index(1, HistoryModel::what).data(Qt::ForegroundRole).value<QColor>(),
                 Theme::current().problem);
        model.take(testing::historyOf(), true);
        QCOMPARE(model.rowCount(), 2);
        QCOMPARE(model.problems(), 2);
        QCOMPARE(HistoryModel::duration(0.0841), QString("84 ms"));
        QCOMPARE(HistoryModel::duration(-1), QString());
    }

    void historyShowsProblemsAlone() {
        const Workspace w = testing::filled({12, 64, 4, 30});
        const auto view = shown("history", w);
        auto* choice = view->findChild<QComboBox*>();
        choice->setCurrentIndex(1);
        QVERIFY2(view->describe().startsWith("2 lines, 2 warnings and errors, newest: Error: cannot open"),
                 qPrintable(view->describe()));
        Workspace quiet = w;
        quiet.history = {w.history.front()};
        view->show(quiet, Change::history);
        QVERIFY(view->describe().startsWith("No warnings"));
    }

    void hiddenViewsNeedNothing() {
        const Workspace w = testing::filled({6, 32, 3, 10});
        const auto view = shown("text", w);
        QSignalSpy changed(view.get(), &View::needsChanged);
        view->hide();
        QCOMPARE(changed.size(), 1);
        view->QWidget::show();
        QCOMPARE(changed.size(), 2);
    }

    void everyControlHasAName_data() {
        QTest::addColumn<QString>("id");
        for (const auto& member : Registry<ViewFactory>::instance().members())
            QTest::newRow(member->id()) << QString(member->id());
    }
    void everyControlHasAName() {
        QFETCH(QString, id);
        const Workspace w = testing::filled({6, 32, 3, 10});
        const auto view = shown(id.toUtf8().constData(), w);
        for (const QWidget* part : view->findChildren<QWidget*>()) {
            if (!part->isVisible() || part->focusPolicy() == Qt::NoFocus) continue;
            const auto* button = qobject_cast<const QAbstractButton*>(part);
            const bool named = !part->accessibleName().isEmpty() || (button && !button->text().isEmpty());
            const bool inside = qobject_cast<const QScrollArea*>(part) ||
                                part->objectName().startsWith("qt_") || part->inherits("QHeaderView");
            QVERIFY2(named || inside,
                     qPrintable(QString(part->metaObject()->className()) + " " + part->objectName()));
        }
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestAnswers)
#include "test_answers.moc"
