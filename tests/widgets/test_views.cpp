// SPDX-License-Identifier: GPL-3.0-or-later
#include "synthetic_workspace.h"
#include "widgets/parts/heading.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QDir>
#include <QElapsedTimer>
#include <QSet>
#include <QtTest>

namespace kurtoscope {
namespace {

// The number of colours in a picture: a blank one has one.
int coloursIn(const QImage& image) {
    QSet<QRgb> seen;
    for (int y = 0; y < image.height(); y += 2)
        for (int x = 0; x < image.width(); x += 2)
            seen.insert(image.pixel(x, y));
    return static_cast<int>(seen.size());
}

} // namespace

// Every view of the registry with nothing, one channel, and much data.
class TestViews : public QObject {
    Q_OBJECT
private:
    static const ViewFactory& factory() {
        QFETCH_GLOBAL(QString, id);
        return Registry<ViewFactory>::instance().get(id.toStdString(), "view");
    }
    static std::unique_ptr<View> shown(const Workspace& workspace) {
        std::unique_ptr<View> view(factory().make(nullptr));
        view->resize(900, 500);
        view->show(workspace, Change::everything);
        view->QWidget::show();
        QCoreApplication::processEvents();
        return view;
    }

private slots:
    void initTestCase_data() {
        QTest::addColumn<QString>("id");
        for (const auto& member : Registry<ViewFactory>::instance().members())
            QTest::newRow(member->id()) << QString(member->id());
    }
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void everyFileIsRegistered() {
        const auto files = QDir(KURTOSCOPE_SOURCE_DIR "/widgets/views").entryList({"*.cpp"}, QDir::Files);
        QCOMPARE(static_cast<qsizetype>(Registry<ViewFactory>::instance().members().size()), files.size());
    }

    void saysWhatItIs() {
        QVERIFY(!factory().title().isEmpty());
        QVERIFY(factory().summary().endsWith('.'));
    }

    void emptyWorkspaceSaysWhatToDo() {
        const Workspace empty;
        const auto view = shown(empty);
        QVERIFY2(view->describe().contains("pen a model"), qPrintable(view->describe()));
        QVERIFY(!view->heading()->title().isEmpty());
        QVERIFY(coloursIn(view->grab().toImage()) > 4); // the sentence stands there
    }

    void openModelWithoutResultsWaits() {
        Workspace w = testing::filled({});
        w.columns.clear();
        w.typed.reset();
        w.sample.reset();
        const auto view = shown(w);
        QVERIFY(!view->describe().isEmpty());
        QVERIFY(coloursIn(view->grab().toImage()) > 4);
    }

    void oneLayerOneChannel() {
        const Workspace w = testing::filled({1, 1, 1, 1});
        const auto view = shown(w);
        QVERIFY(!view->describe().isEmpty());
        QVERIFY(coloursIn(view->grab().toImage()) > 4);
    }

    void hugeIsDrawnQuickly() {
        static const Workspace w = testing::filled({80, 8192, 8, 40});
        const auto view = shown(w);
        QVERIFY(coloursIn(view->grab().toImage()) > 20);
        const QString id = factory().id(), text = view->describe();
        if (id == "channel-map")
            QVERIFY2(text.startsWith("80 × 8192, attn_input, absmax "), qPrintable(text));
        if (id == "token-map")
            QVERIFY2(text.startsWith("24 tokens × 8192 channels, layers.12.attn_input"), qPrintable(text));
        if (id == "model-map")
            QVERIFY2(text.contains("80 layers, attn_input selected in layer 12"), qPrintable(text));
        if (id == "depth-curves")
            QVERIFY2(text.startsWith("kurtosis, 8 lines × 80 layers"), qPrintable(text));
        if (id == "channel-panel") QVERIFY2(text.contains("40 values against 327640"), qPrintable(text));
        if (id == "compare") QVERIFY2(text.startsWith("11 × 8, perplexity, active 2"), qPrintable(text));
        if (id == "sensitivity-map")
            QVERIFY2(text.startsWith("80 × 4, 213 of 320 sites measured, KL (nats), running"),
                     qPrintable(text));
        if (id == "text") QVERIFY2(text.startsWith("40 tokens, KL (nats)"), qPrintable(text));
        if (id == "attention-map")
            QVERIFY2(text.startsWith("layer 12, mean of heads, 40 × 40"), qPrintable(text));
        if (id == "history") QVERIFY2(text.startsWith("7 lines, 2 warnings and errors"), qPrintable(text));
        if (id == "time") {
            QVERIFY2(text.startsWith("FP32 184 ms, float: "), qPrintable(text));
            QVERIFY2(text.contains("W8A8 per-token 184 ms, integer: "), qPrintable(text));
            QCOMPARE(text.count("products 47.0"), 7);
        }
        if (id == "trade-off") QVERIFY2(text.startsWith("perplexity, 7 recipes"), qPrintable(text));
    }

    void followsTheTheme() {
        const Workspace w = testing::filled({});
        const auto view = shown(w);
        const QRgb light = view->grab().toImage().pixel(2, 490);
        QCOMPARE(QColor(light), Theme::current().surface);
        const QString before = view->describe();
        Theme::use(Theme::load("dark"), *qApp);
        view->show(w, Change::theme);
        QCoreApplication::processEvents();
        const QImage dark = view->grab().toImage();
        QCOMPARE(QColor(dark.pixel(2, 490)), Theme::current().surface);
        qint64 brightness = 0;
        for (int y = 0; y < dark.height(); y += 4)
            for (int x = 0; x < dark.width(); x += 4)
                brightness += qGray(dark.pixel(x, y));
        QVERIFY(brightness / (dark.width() * dark.height() / 16) < 128); // no patch was left light
        QCOMPARE(view->describe(), before);
        Theme::use(Theme::load("light"), *qApp);
    }

    void hiddenViewDrawsWhenShown() {
        const Workspace empty;
        Workspace w = testing::filled({});
        std::unique_ptr<View> view(factory().make(nullptr));
        view->show(empty, Change::everything);
        view->drawNow();
        const QString nothing = view->describe();
        view->show(w, Change::everything);
        QCOMPARE(view->describe(), nothing); // only noted
        view->QWidget::show();
        QVERIFY(view->describe() != nothing);
    }

    void hasAHeading() {
        const Workspace w = testing::filled({});
        const auto view = shown(w);
        QVERIFY(!view->heading()->title().isEmpty());
        QVERIFY(view->sizeHint().isValid());
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestViews)
#include "test_views.moc"
