// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "synthetic_workspace.h"
#include "widgets/panels/header_bar.h"
#include "widgets/panels/keep_outliers_dialog.h"
#include "widgets/panels/message_bar.h"
#include "widgets/parts/block_diagram.h"
#include "widgets/parts/check_menu.h"
#include "widgets/parts/fact_list.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/legend.h"
#include "widgets/parts/row_list.h"
#include "widgets/parts/sections.h"
#include "widgets/parts/token_strip.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/plot/histogram_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabBar>
#include <QToolButton>
#include <QtTest>

namespace kurtoscope {

class LayoutCount : public QObject {
public:
    int requests = 0;
    bool eventFilter(QObject*, QEvent* event) override {
        requests += event->type() == QEvent::LayoutRequest;
        return false;
    }
};

class TestPanels : public QObject {
    Q_OBJECT
private:
    static QPushButton* button(QWidget& parent, const QString& word) {
        for (auto* candidate : parent.findChildren<QPushButton*>())
            if (candidate->text().contains(word)) return candidate;
        return nullptr;
    }
    static std::unique_ptr<View> shown(const char* id, const Workspace& w, QSize size) {
        std::unique_ptr<View> view(Registry<ViewFactory>::instance().get(id, "view").make(nullptr));
        view->resize(size);
        view->show(w, Change::everything);
        view->QWidget::show();
        view->grab();
        return view;
    }

    static void shoot(QWidget& widget, const QString& name) {
        const QString to = qEnvironmentVariable("KURTOSCOPE_SHOTS");
        if (!to.isEmpty()) widget.grab().save(to + '/' + name + ".png");
    }

private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void headerShowsProgressAndStops() {
        HeaderBar header;
        header.resize(1400, 48);
        header.show();
        auto* stop = button(header, "Stop");
        QVERIFY(stop && !stop->isEnabled());
        header.setProgress("window 5 of 8", 0.6, 4);
        QCOMPARE(header.progressText(), QString("window 5 of 8 · 4 s left"));
        header.setProgress("window 5 of 8", 0.6, 600);
        QCOMPARE(header.progressText(), QString("window 5 of 8 · 10 min left"));
        QSignalSpy stopped(&header, &HeaderBar::stopAsked);
        QTest::mouseClick(stop, Qt::LeftButton);
        QCOMPARE(stopped.size(), 1);
        header.setIdle();
        QVERIFY(!stop->isEnabled());
        QVERIFY(header.progressText().isEmpty());
        auto* exports = header.findChild<QPushButton*>("exportButton");
        QVERIFY2(exports && !exports->isEnabled(), "nothing to export yet");
        QSignalSpy exported(&header, &HeaderBar::exportAsked);
        header.setExportEnabled(true);
        QTest::mouseClick(exports, Qt::LeftButton);
        QCOMPARE(exported.size(), 1);
    }

    void headerOffersUndo() {
        HeaderBar header;
        const auto tools = header.findChildren<QToolButton*>();
        QCOMPARE(tools.size(), 2);
        QVERIFY(!tools[0]->isEnabled());
        header.setUndo(true, "keep channel 247");
        QVERIFY(tools[0]->isEnabled());
        QCOMPARE(tools[0]->toolTip(), QString("Undo: keep channel 247 (Ctrl+Z)"));
        QSignalSpy undone(&header, &HeaderBar::undoAsked);
        tools[0]->click();
        QCOMPARE(undone.size(), 1);
    }

    void messageStaysUntilDismissed() {
        MessageBar bar;
        QVERIFY(bar.isHidden());
        bar.showError("got <b>3</b> shards, expected 4", "model.safetensors.index.json",
                      "Download it again.");
        QVERIFY(!bar.isHidden());
        QCOMPARE(
            bar.text(),
            QString("got <b>3</b> shards, expected 4\nmodel.safetensors.index.json\nDownload it again."));
        QSignalSpy gone(&bar, &MessageBar::dismissed);
        bar.findChild<QToolButton*>()->click();
        QVERIFY(bar.isHidden());
        QCOMPARE(gone.size(), 1);
    }

    void dialogCountsLive() {
        QStringList asked;
        KeepOutliersDialog dialog(
            "attn_input",
            KeepOutliersDialog::Count([&](const QString& criterion, KeepOutliersDialog::Where where) {
                asked.append(criterion + (where == KeepOutliersDialog::Where::thisPlace ? " here" : ""));
                if (criterion == "top:1") throw Error("nothing observed yet", "", "");
                return criterion == "ratio:20" ? std::size_t{1247} : std::size_t{0};
            }));
        QCOMPARE(dialog.criterion(), QString("ratio:20"));
        QCOMPARE(dialog.countText(), QString("1,247 channels meet this"));
        QVERIFY(button(dialog, "Keep 1,247 channels")->isEnabled());
        dialog.findChild<QDoubleSpinBox*>()->setValue(35);
        QCOMPARE(asked.last(), QString("ratio:35"));
        QVERIFY(!button(dialog, "Keep")->isEnabled()); // nothing to keep
        dialog.setWhere(KeepOutliersDialog::Where::thisPlace);
        QCOMPARE(asked.last(), QString("ratio:35 here"));
        dialog.setCriterion("magnitude:6");
        QCOMPARE(dialog.criterion(), QString("magnitude:6"));
        dialog.setCriterion("magnitude:8"); // values were counted from 6: no other can be answered
        QCOMPARE(dialog.criterion(), QString("magnitude:6"));
        QVERIFY(!dialog.findChild<QDoubleSpinBox*>()->isEnabled());
        dialog.setCriterion("top:1");
        QVERIFY(dialog.findChild<QDoubleSpinBox*>()->isEnabled());
        QCOMPARE(dialog.countText(), QString("nothing observed yet"));
        QVERIFY(!button(dialog, "Keep")->isEnabled());
    }

    void modelMapSelectsByClickAndKey() {
        const Workspace w = testing::filled({30, 64, 2, 10});
        const auto view = shown("model-map", w, {236, 900});
        auto* drawing = view->findChild<BlockDiagram*>();
        auto* layers = view->findChild<RowList*>();
        QSignalSpy selected(view.get(), &View::siteSelected);
        QTest::mouseClick(drawing, Qt::LeftButton, {}, drawing->dotOf(Place::mlp_hidden).toPoint());
        QCOMPARE(selected.last()[0].value<Site>(), (Site{12, Place::mlp_hidden}));
        QTest::mouseClick(drawing, Qt::LeftButton, {}, drawing->rectOf(Place::embedding).center());
        QCOMPARE(selected.last()[0].value<Site>(), (Site{-1, Place::embedding}));
        QTest::keyClick(drawing, Qt::Key_Down);
        QCOMPARE(selected.last()[0].value<Site>(), (Site{12, Place::attn_input}));
        QTest::keyClick(drawing, Qt::Key_End);
        QCOMPARE(selected.last()[0].value<Site>(), (Site{-1, Place::final_norm}));
        QTest::mouseClick(layers, Qt::LeftButton, {}, layers->rectOf(21).center());
        QCOMPARE(selected.last()[0].value<Site>(), (Site{21, Place::attn_input}));
        QTest::keyClick(layers, Qt::Key_Down);
        QCOMPARE(selected.last()[0].value<Site>().layer, 22);
        QCOMPARE(drawing->taps().at(Place::attn_input).severity, severityOf(w));
        QVERIFY2(view->findChild<QLabel*>("meaning")->text().startsWith(
                     "layers.12.attn_input: input of the query"),
                 "the chosen tensor is named in full");
    }
    // Channels 247 and 507 are planted: their bins are the spikes.
    void everyLayerHasItsSkyline() {
        const Workspace w = testing::filled({30, 576, 2, 10});
        const auto view = shown("model-map", w, {236, 1100});
        const auto& rows = view->findChild<RowList*>()->rows();
        QCOMPARE(rows.size(), std::size_t(30));
        const auto highest = [](const std::vector<float>& spark) {
            return static_cast<int>(std::ranges::max_element(spark) - spark.begin());
        };
        QCOMPARE(rows[0].spark.size(), std::size_t(48));
        QCOMPARE(highest(rows[4].spark), 507 * 48 / 576);
        auto twelve = rows[12].spark;
        const int first = highest(twelve);
        twelve[static_cast<std::size_t>(first)] = 0;
        QCOMPARE((std::set<int>{first, highest(twelve)}), (std::set<int>{247 * 48 / 576, 507 * 48 / 576}));
    }
    // Which wire a tensor lies on is what tells a pre-norm from a post-norm model.
    void aLayerIsDrawnAsItComputes_data() {
        QTest::addColumn<bool>("postNorm");
        QTest::addColumn<QList<int>>("onStream");
        QTest::addColumn<QList<int>>("order");
        const auto list = [](std::initializer_list<Place> places) {
            QList<int> all;
            for (const Place place : places)
                all.append(static_cast<int>(place));
            return all;
        };
        using enum Place;
        QTest::newRow("pre-norm") << false
                                  << list({embedding, attn_residual, mlp_residual, final_norm, logits})
                                  << list({embedding, attn_input, query, key, value, attn_probs, attn_context,
                                           attn_output, attn_residual, mlp_input, mlp_hidden, mlp_output,
                                           mlp_residual, final_norm, logits});
        QTest::newRow("post-norm")
            << true << list({embedding, attn_input, attn_residual, mlp_input, mlp_residual, mlp_norm, logits})
            << list({embedding, attn_input, query, key, value, attn_probs, attn_context, attn_output,
                     attn_residual, mlp_input, mlp_hidden, mlp_output, mlp_residual, mlp_norm, logits});
    }
    void aLayerIsDrawnAsItComputes() {
        QFETCH(bool, postNorm);
        QFETCH(QList<int>, onStream);
        QFETCH(QList<int>, order);
        ModelInfo model;
        model.postNorm = postNorm;
        model.layers = 6;
        for (const int place : order)
            model.places.push_back(static_cast<Place>(place));
        std::ranges::reverse(model.places); // whatever their order
        BlockDiagram drawing;
        drawing.resize(220, 500);
        drawing.setPlan(blockPlan(model));
        QList<int> drawn, stream;
        double above = -1;
        for (const Place place : drawing.places()) {
            drawn.append(static_cast<int>(place));
            if (drawing.isOnStream(place)) stream.append(static_cast<int>(place));
            QVERIFY2(drawing.dotOf(place).y() > above, "each below the one before");
            above = drawing.dotOf(place).y();
        }
        QCOMPARE(drawn, order);
        QCOMPARE(stream, onStream);
        std::erase(model.places, Place::attn_probs);
        drawing.setPlan(blockPlan(model));
        QVERIFY(drawing.rectOf(Place::attn_probs).isEmpty());
        QCOMPARE(drawing.places().size(), static_cast<std::size_t>(order.size() - 1));
    }
    // The stream shows where it turns hot: below the tap in its colour, above it in the one before.
    void theStreamTakesTheColourOfWhatFlowsInIt() {
        const Workspace w = testing::filled({30, 64, 2, 10});
        const auto view = shown("model-map", w, {236, 900});
        auto* drawing = view->findChild<BlockDiagram*>();
        QTRY_COMPARE(drawing->height(), drawing->sizeHint().height()); // laid out
        const QImage picture = drawing->grab().toImage();
        const Theme& theme = Theme::current();
        const int hot = drawing->taps().at(Place::attn_residual).severity;
        const QPoint below = (drawing->dotOf(Place::attn_residual) + QPointF(0, 7.6)).toPoint();
        const QColor seen = picture.pixelColor(below); // but for the last bits: edges are smoothed
        const auto apart = [&seen](const QColor& other) {
            return std::abs(seen.red() - other.red()) + std::abs(seen.green() - other.green()) +
                   std::abs(seen.blue() - other.blue());
        };
        QVERIFY2(apart(theme.severity[hot]) < 20, qPrintable(seen.name()));
        for (int other = 0; other < theme.severity.size(); ++other)
            if (other != hot) QVERIFY(apart(theme.severity[other]) > 40);
    }
    static int severityOf(const Workspace& w) {
        const SiteStats* s = w.stats({12, Place::attn_input});
        return s->siteKurtosis >= 500 || s->maxToMedian >= 100 ? 3
               : s->siteKurtosis >= 50 || s->maxToMedian >= 20 ? 2
                                                               : 1;
    }

    void tokenMapRunsTextAndSelects() {
        Workspace w = testing::filled({6, 40, 2, 10});
        const auto view = shown("token-map", w, {900, 500});
        QSignalSpy typed(view.get(), &View::textTyped), token(view.get(), &View::tokenSelected),
            channel(view.get(), &View::channelSelected);
        auto* line = view->findChild<QLineEdit*>();
        QVERIFY(!button(*view, "Run")->isEnabled());
        QTest::keyClicks(line, "The film ");
        QTest::keyClick(line, Qt::Key_Return);
        QCOMPARE(typed.size(), 1);
        QCOMPARE(typed[0][0].toString(), QString("The film"));
        auto* plot = view->findChild<HeatMapPlot*>();
        plot->grab();
        QTest::mouseClick(plot->canvas(), Qt::LeftButton, {}, plot->pixelOf(5, 20).toPoint());
        QCOMPARE(token.last()[0].toInt(), 5);
        QCOMPARE(channel.last()[0].value<Site>(), (Site{5, Place::attn_input}));
        QCOMPARE(channel.last()[1].toInt(), 20);
    }

    void channelPanelThinsTheGridAndSaysSo() {
        Workspace w = testing::filled({6, 40, 3, 60});
        const auto view = shown("channel-panel", w, {370, 760});
        auto* plot = view->findChild<HistogramPlot*>();
        QVERIFY(plot->levelsEvery() > 1);
        QVERIFY(plot->levelsDrawn() > 5);
        QVERIFY(view->describe().contains(QString("grid every %1 of 255").arg(plot->levelsEvery())));
        bool said = false;
        for (const auto* label : view->findChildren<QLabel*>())
            said = said ||
                   label->text() == QString("ticks: every %1th of the 255 levels of W8A8 per-tensor, kept")
                                        .arg(plot->levelsEvery());
        QVERIFY(said);
        w.grid = {-1, 0, 1};
        view->show(w, Change::sample);
        QCOMPARE(plot->levelsEvery(), 1);
        w.grid.clear();
        view->show(w, Change::sample);
        QVERIFY(view->describe().contains("no grid"));
        QSignalSpy token(view.get(), &View::tokenSelected);
        auto* strip = view->findChild<TokenStrip*>();
        QTest::mouseClick(strip, Qt::LeftButton, {}, {6, 6});
        QCOMPARE(token.size(), 1);
        QCOMPARE(token[0][0].toInt(), strip->entries().front().token);
        w.sample.reset();
        view->show(w, Change::sample);
        QVERIFY(view->describe().contains("no values yet"));
    }

    // Drawn at the size that is asked for: a picture of 16 pixels is coarse on a screen with twice as many.
    void theClearButtonIsSharp() {
        QLineEdit line;
        line.setClearButtonEnabled(true);
        line.show();
        const auto* clear = line.findChild<QToolButton*>();
        QVERIFY(clear);
        QCOMPARE(clear->icon().pixmap(QSize(64, 64)).size(), QSize(64, 64));
    }

    // Beside the maps of a window of 1600 × 1000 its sections stand behind tabs, each to be seen without
    // scrolling; where there is room, below one another, and in a picture always.
    void aChannelKeepsToItsRoom() {
        const Workspace w = testing::filled({12, 576, 3, 60});
        const auto view = shown("channel-panel", w, {355, 540});
        auto* page = view->findChild<Sections*>();
        const auto seen = [page](int section) { return page->section(section)->isVisible(); };
        QVERIFY(!page->isSpread() && page->tabs()->isVisible());
        QTest::qWait(50);
        LayoutCount count; // laid out once, it rests
        page->widget()->installEventFilter(&count);
        QTest::qWait(50);
        QCOMPARE(count.requests, 0);
        for (int tab = 0; tab < 4; ++tab) {
            QTest::mouseClick(page->tabs(), Qt::LeftButton, {}, page->tabs()->tabRect(tab).center());
            for (int section = 0; section < 4; ++section)
                QCOMPARE(seen(section), section == tab);
            QTest::qWait(20);                                               // laid out
            QCOMPARE(page->widget()->height(), page->viewport()->height()); // nothing to scroll
            shoot(*view, QString("channel-tab-%1").arg(tab));
        }
        const QSize narrow = QImage::fromData(view->exported("png"), "PNG").size();
        QVERIFY(!page->isSpread() && seen(3) && !seen(0)); // as it was
        auto* plot = view->findChild<HistogramPlot*>();
        plot->setFocus();
        QTest::keyClick(plot, Qt::Key_Left); // the line is moved: what it costs comes forward
        QVERIFY(seen(0) && !seen(3));

        view->resize(355, 1400);
        QTest::qWait(20);
        QVERIFY(page->isSpread() && !page->tabs()->isVisible());
        QVERIFY(seen(0) && seen(1) && seen(2) && seen(3));
        for (auto* curve : page->findChildren<CurvePlot*>())
            QCOMPARE(curve->height(), 110); // none squeezed
        shoot(*view, "channel-tall");
        const QSize tall = QImage::fromData(view->exported("png"), "PNG").size();
        QVERIFY2(narrow.height() > 2 * 900 && narrow.height() <= tall.height(),
                 qPrintable(QString("%1 of %2").arg(narrow.height()).arg(tall.height())));
        view->resize(900, 400);
        QTest::qWait(20);
        QVERIFY(!page->isSpread());
        QVERIFY(page->section(0)->mapTo(page, QPoint()).x() > 400); // beside the histogram
        shoot(*view, "channel-wide");
    }

    void aDominatingTokenLeadsToItsChannel() {
        const Workspace w = testing::filled({6, 576, 3, 60});
        const auto view = shown("channel-panel", w, {370, 1400});
        FactList* peaks = nullptr;
        for (auto* list : view->findChildren<FactList*>())
            if (list->accessibleName() == "Dominating tokens") peaks = list;
        QVERIFY(peaks && peaks->facts().size() == 6);
        QSignalSpy selected(view.get(), &View::channelSelected);
        QTest::mouseClick(peaks, Qt::LeftButton, {}, peaks->rectOf(1).center());
        QCOMPARE(selected.size(), 1);
        QCOMPARE(selected[0][0].value<Site>(), w.site);
        QCOMPARE(selected[0][1].toInt(), 507);
        QTest::mouseClick(peaks, Qt::LeftButton, {}, {20, peaks->rectOf(5).bottom() + 2});
        QCOMPARE(selected.size(), 1);
        peaks->setFocus();
        QTest::keyClick(peaks, Qt::Key_Down);
        QTest::keyClick(peaks, Qt::Key_Return);
        QCOMPARE(selected.size(), 2);
        // The facts above tell, and lead nowhere.
        for (auto* list : view->findChildren<FactList*>())
            if (list != peaks) QTest::mouseClick(list, Qt::LeftButton, {}, list->rectOf(0).center());
        QCOMPARE(selected.size(), 2);
    }

    void depthCurvesSwitchStatisticAndLines() {
        const Workspace w = testing::filled({12, 64, 3, 10});
        const auto view = shown("depth-curves", w, {430, 390});
        QVERIFY(view->describe().startsWith("kurtosis, 3 lines × 12 layers"));
        const auto choices = view->findChildren<QComboBox*>();
        QCOMPARE(choices.size(), 2);
        for (auto* choice : choices)
            if (choice->count() == 3)
                choice->setCurrentIndex(1);
            else
                choice->setCurrentIndex(1);
        QVERIFY2(view->describe().startsWith("top-1 % energy, 5 lines × 12 layers (attn_input, attn_context, "
                                             "mlp_input, mlp_hidden, mlp_residual)"),
                 qPrintable(view->describe()));
        QVERIFY(view->describe().contains(" %…"));
        QSignalSpy selected(view.get(), &View::siteSelected);
        auto* legend = view->findChild<Legend*>();
        QTest::mouseClick(legend, Qt::LeftButton, {}, {4, 6});
        QCOMPARE(selected.last()[0].value<Site>(), (Site{11, Place::attn_input}));
    }

    void depthCurvesOfSqnrAndOfAnyPlaces() {
        Workspace w = testing::filled({12, 64, 3, 10});
        const auto view = shown("depth-curves", w, {430, 390});
        QComboBox *statistic = nullptr, *lines = nullptr;
        for (auto* choice : view->findChildren<QComboBox*>())
            (choice->count() == 2 ? lines : statistic) = choice;
        QVERIFY(!view->needs());
        statistic->setCurrentText("∞-norm");
        QVERIFY2(view->describe().startsWith("∞-norm, 3 lines × 12 layers"), qPrintable(view->describe()));
        statistic->setCurrentText("SQNR");
        QCOMPARE(view->needs(), Needs(Need::everyErrors));
        QVERIFY2(view->describe().startsWith("SQNR, 2 lines × 12 layers (W8A8 per-tensor"),
                 qPrintable(view->describe())); // FP32 rounds nothing
        lines->setCurrentIndex(1);
        QCOMPARE(view->needs(), Needs(Need::errors));
        QVERIFY2(view->describe().startsWith("SQNR, 5 lines"), qPrintable(view->describe()));
        auto* places = view->findChild<CheckMenu*>();
        QVERIFY(places->isVisible() && places->checked().size() == 5);
        for (QAction* action : places->menu()->actions())
            if (action->text() == "mlp_output" || action->text() == "query") action->trigger();
        QVERIFY2(view->describe().startsWith("SQNR, 7 lines"), qPrintable(view->describe()));
        for (Column& column : w.columns)
            column.errors = nullptr;
        view->show(w, Change::errors);
        QVERIFY2(view->describe().startsWith("Measuring what rounding does"), qPrintable(view->describe()));
        w.columns.resize(1);
        w.active = 0;
        view->show(w, Change::columns);
        QVERIFY2(view->describe().startsWith("FP32 rounds nothing"), qPrintable(view->describe()));
    }

    void channelMapByPlaceAndByError() {
        Workspace w = testing::filled({12, 64, 3, 10});
        const auto view = shown("channel-map", w, {900, 500});
        QComboBox *quantity = nullptr, *rows = nullptr;
        for (auto* choice : view->findChildren<QComboBox*>())
            (choice->count() == 2 ? rows : quantity) = choice;
        rows->setCurrentIndex(1);
        QVERIFY2(view->describe().startsWith("11 × 170, layer 11, absmax"), qPrintable(view->describe()));
        QCOMPARE(view->table().rows.size(), 11);
        QCOMPARE(view->table().rows[0][0], QString("attn_input"));
        QSignalSpy selected(view.get(), &View::channelSelected);
        auto* plot = view->findChild<HeatMapPlot*>();
        plot->grab();
        QTest::mouseClick(plot->canvas(), Qt::LeftButton, Qt::ControlModifier,
                          plot->pixelOf(8, 100).toPoint());
        QCOMPARE(selected.last()[0].value<Site>(), (Site{11, Place::mlp_hidden}));
        QVERIFY(std::abs(selected.last()[1].toInt() - 100) <= 1);
        w.site = {4, Place::mlp_hidden};
        view->show(w, Change::selection);
        QVERIFY(view->describe().contains("layer 4"));

        rows->setCurrentIndex(0);
        quantity->setCurrentText("energy share");
        double sum = 0;
        for (qsizetype c = 1; c < view->table().header.size(); ++c)
            sum += view->table().rows[4][c].toDouble();
        QVERIFY2(std::abs(sum - 1) < 1e-4, qPrintable(QString::number(sum)));
        quantity->setCurrentText("std");
        const double std = view->table().rows[4][8].toDouble();
        QVERIFY(std::abs(std * std / w.stats({4, Place::mlp_hidden})->variance[7] - 1) < 1e-4);
        QVERIFY(!view->needs());
        quantity->setCurrentText("error");
        QCOMPARE(view->needs(), Needs(Need::errors));
        QCOMPARE(view->table().rows[4][8].toFloat(),
                 QString::number(w.columns[2].errors->noiseToSignal.at({4, Place::mlp_hidden})[7], 'g', 7)
                     .toFloat());
        // A click changes the recipe: what was measured stays in sight and is said to be of an earlier
        // choice.
        w.columns[2].recipe.setKept(w.site, 3, true);
        w.columns[2].errors = nullptr;
        view->show(w, Change::kept | Change::errors);
        QVERIFY(view->heading()->help().contains("earlier choice"));
        w.active = 0;
        view->show(w, Change::columns);
        QVERIFY(view->describe().startsWith("FP32 rounds nothing"));
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestPanels)
#include "test_panels.moc"
