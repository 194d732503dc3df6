// SPDX-License-Identifier: GPL-3.0-or-later
// What helps people find and read things: names for screen readers, large type, the tour, tables and reports
// to take away.
#include "app/window/keep_list_dialog.h"
#include "app/window/main_window.h"
#include "app/window/pdf_page.h"
#include "app/window/session.h"
#include "app/window/tour.h"
#include "app/window/window_report.h"
#include "core/base/atomic_file.h"
#include "widgets/panels/keep_outliers_dialog.h"
#include "widgets/panels/message_bar.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/table_text.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDir>
#include <QDockWidget>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPainter>
#include <QPushButton>
#include <QScrollBar>
#include <QStandardItemModel>
#include <QTemporaryDir>
#include <QTest>
#include <QTextDocument>

using namespace kurtoscope;

namespace {

const QString tiny = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
constexpr int patience = 60000;

bool isControl(const QWidget* widget) {
    return qobject_cast<const QAbstractButton*>(widget) || qobject_cast<const QComboBox*>(widget) ||
           qobject_cast<const QLineEdit*>(widget) || qobject_cast<const QAbstractSpinBox*>(widget) ||
           qobject_cast<const QAbstractSlider*>(widget) || qobject_cast<const QAbstractItemView*>(widget);
}

// What a screen reader says: a name of its own, its words, or the label that points at it.
bool hasName(const QWidget* widget, const QWidget* top) {
    if (!widget->accessibleName().isEmpty()) return true;
    if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) {
        static const QRegularExpression letter("\\p{L}{2}");
        if (button->text().contains(letter)) return true;
    }
    for (const auto* label : top->findChildren<QLabel*>())
        if (label->buddy() == widget) return true;
    return false;
}

// Parts of a control answer for themselves through it.
bool isPartOfAnother(const QWidget* widget) {
    for (const QWidget* up = widget->parentWidget(); up; up = up->parentWidget())
        if (isControl(up)) return true;
    return qobject_cast<const QScrollBar*>(widget) || widget->objectName().startsWith("qt_");
}

QStringList nameless(const QWidget& top) {
    QStringList all;
    for (const auto* widget : top.findChildren<QWidget*>())
        if (isControl(widget) && !isPartOfAnother(widget) && !hasName(widget, &top))
            all << QString("%1 %2 in %3")
                       .arg(widget->metaObject()->className(), widget->objectName(),
                            widget->parentWidget()->metaObject()->className());
    return all;
}

} // namespace

class TestWindowHelp : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    QAction* action(const char* name) { return window_->findChild<QAction*>(name); }
    void leavePicture(QWidget& widget, const QString& name) {
        const QString folder = qEnvironmentVariable("KURTOSCOPE_SHOTS");
        if (!folder.isEmpty()) widget.grab().save(QDir(folder).filePath(name + ".png"));
    }

private slots:
    void initTestCase() {
        if (!QFileInfo::exists(tiny + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, folder_.filePath("window.ini"), "light");
        window_->resize(1680, 1040);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
        window_->openModel(tiny);
        QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled() && session_->hasFirstResults(), patience);
    }
    void cleanupTestCase() {
        window_.reset();
        session_.reset();
    }

    void everyControlHasAName() {
        QCOMPARE(nameless(*window_).join("\n"), QString());
        for (const char* opens : {"keepOutliers", "keepList", "editRecipe", "shortcuts"}) {
            action(opens)->trigger();
            auto* dialog = window_->findChild<QDialog*>();
            QVERIFY2(dialog, opens);
            QCOMPARE(nameless(*dialog).join("\n"), QString());
            for (const char* theme : {"light", "dark"}) {
                window_->useTheme(theme);
                QCoreApplication::processEvents();
                leavePicture(*dialog, QString(opens) + '-' + theme);
            }
            window_->useTheme("light");
            delete dialog;
        }
    }

    void everyActionHasWords() {
        for (const auto* one : window_->findChildren<QAction*>())
            if (!one->isSeparator() && !one->menu() && !one->objectName().isEmpty() &&
                !one->objectName().startsWith("_q_")) // a line edit's own
                QVERIFY2(!one->text().isEmpty(), qPrintable(one->objectName()));
    }

    void noShortcutMeansTwoThings() {
        QMap<QString, QString> seen;
        for (const auto* one : window_->findChildren<QAction*>())
            for (const auto& keys : one->shortcuts()) {
                QVERIFY2(
                    !seen.contains(keys.toString()),
                    qPrintable(keys.toString() + ": " + seen[keys.toString()] + ", " + one->objectName()));
                seen[keys.toString()] = one->objectName();
            }
    }

    void projectorModeIsLargerAndRemembered() {
        const int before = Theme::current().fontSize;
        const int barBefore = window_->findChild<QLabel*>("selection")->fontMetrics().height();
        action("projector")->trigger();
        QVERIFY(Theme::current().fontSize >= before * 13 / 10);
        QVERIFY(window_->settings().projector());
        QCoreApplication::processEvents();
        QVERIFY(window_->findChild<QLabel*>("selection")->fontMetrics().height() > barBefore);
        leavePicture(*window_, "projector-light");
        action("projector")->trigger();
        QCOMPARE(Theme::current().fontSize, before);
    }

    void theTourHasFiveStepsAndCanBeSkipped() {
        Tour* tour = window_->startTour();
        QCOMPARE(tour->steps(), 5);
        QVERIFY(window_->settings().tourSeen());
        QCOMPARE(window_->startTour(), tour); // one at a time
        QSet<QString> words;
        for (int step = 0; step < 5; ++step) {
            words << tour->words();
            auto* card = tour->findChild<QFrame*>("tourCard");
            QVERIFY2(tour->rect().contains(card->geometry()), "no step leaves the window");
            leavePicture(*window_, QString("tour-%1").arg(step + 1));
            if (step < 4) QTest::keyClick(tour, Qt::Key_Right);
        }
        QCOMPARE(words.size(), 5);
        QTest::keyClick(tour, Qt::Key_Left);
        QCOMPARE(tour->step(), 3);
        QTest::keyClick(tour, Qt::Key_Escape);
        QVERIFY(!tour->isVisible());
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        tour = window_->startTour();
        QTest::mouseClick(tour->findChild<QPushButton*>("tourSkip"), Qt::LeftButton);
        QVERIFY(!tour->isVisible());
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QVERIFY(!window_->findChild<Tour*>());
    }

    void theTableIsCopiedAsMarkdownAndLatex() {
        action("copyMarkdown")->trigger();
        const QString markdown = QApplication::clipboard()->text();
        QVERIFY2(markdown.startsWith("|  | FP32 | W8A8 per-tensor |"), qPrintable(markdown));
        QVERIFY(markdown.contains("\n| --- | ---: | ---: | ---: |\n| perplexity |"));
        action("copyLatex")->trigger();
        const QString latex = QApplication::clipboard()->text();
        QVERIFY2(latex.startsWith("\\begin{tabular}{lrrr}"), qPrintable(latex));
        QVERIFY(latex.contains("$\\pm$") && !latex.contains(QStringLiteral("±")));
        QCOMPARE(latex.count("\\\\\n"), markdown.count('\n') - 1);
    }

    void whatHasAMeaningIsEscaped() {
        QStandardItemModel model(1, 1);
        model.setHorizontalHeaderLabels({"a|b_c"});
        model.setVerticalHeaderLabels({"50 % & <1"});
        model.setItem(0, 0, new QStandardItem("−3 ± ∞ \\ ^"));
        QCOMPARE(markdownTable(model), "|  | a\\|b\\_c |\n| --- | ---: |\n| 50 % & \\<1 | −3 ± ∞ \\\\ ^ |\n");
        QVERIFY(latexTable(model).contains("50 \\% \\& <1 & $-$3 $\\pm$ $\\infty$ \\textbackslash{} "
                                           "\\textasciicircum{} \\\\"));
    }

    void theReportHoldsEverything() {
        const QString html = folder_.filePath("report.html"), pdf = folder_.filePath("report.pdf");
        window_->saveReport(html);
        const QString page = QString::fromStdString(readFile(html.toStdString()));
        for (const auto& column : session_->workspace().columns)
            QVERIFY2(page.contains(column.name), qPrintable(column.name));
        for (const char* part : {"Channel map", "Compare", "Seed", "Hardware", "Model fingerprint",
                                 "w8a8:activation=per-tensor", "data:image/png;base64,", "<svg "})
            QVERIFY2(page.contains(part), part);
        QVERIFY2(!page.contains("http://") && !page.contains("https://"), "it needs nothing else");
        const auto views = std::ranges::count_if(
            window_->views(), [](View* view) { return view->hasPicture() && !view->table().rows.isEmpty(); });
        QCOMPARE(page.count("class=\"view\""), views);
        const auto* channel = window_->view("channel-panel");
        for (const auto& picture : windowReport(*session_, window_->views()).pictures) {
            QVERIFY2(picture.width > 150 && picture.height > 200, picture.title.c_str());
            if (picture.title == channel->heading()->title().toStdString())
                QVERIFY2(picture.height > channel->height() + 200, // what stands behind its tabs too
                         qPrintable(QString("%1 of %2").arg(picture.height).arg(channel->height())));
        }
        // Of a closed one too, though nothing lays out what is hidden.
        auto* dock = window_->findChild<QDockWidget*>("dock-channel-panel");
        dock->close();
        const auto closed = windowReport(*session_, window_->views()).pictures;
        const auto found = std::ranges::find(closed, channel->heading()->title().toStdString(),
                                             &commands::ReportPicture::title);
        QVERIFY(found != closed.end());
        QVERIFY2(found->height > 700, qPrintable(QString::number(found->height)));
        dock->show();
        window_->saveReport(pdf);
        const std::string bytes = readFile(pdf.toStdString());
        QVERIFY(bytes.starts_with("%PDF-") && bytes.size() > 20000);
        QVERIFY2(bytes.find("/Count 1\n") == std::string::npos, "more than one page");
        QVERIFY(!window_->findChild<MessageBar*>()->isVisible());
        window_->saveReport(folder_.filePath("report.docx"));
        QVERIFY(window_->findChild<MessageBar*>()->text().contains(".html or .pdf"));
        window_->saveReport("/proc/nowhere/report.html");
        QVERIFY(window_->findChild<MessageBar*>()->text().contains("/proc/nowhere"));
        window_->findChild<MessageBar*>()->dismiss();

        if (qEnvironmentVariable("KURTOSCOPE_SHOTS").isEmpty()) return;
        QTextDocument paper;
        paper.setHtml(QString::fromStdString(
            commands::reportPage(windowReport(*session_, window_->views()), commands::PageFor::paper)));
        paper.setTextWidth(1010);
        QImage sheet(1020, 4000, QImage::Format_RGB32);
        sheet.fill(Qt::white);
        QPainter painter(&sheet);
        paper.drawContents(&painter);
        sheet.save(qEnvironmentVariable("KURTOSCOPE_SHOTS") + "/paper.png");
    }
};

QTEST_MAIN(TestWindowHelp)
#include "test_window_help.moc"
