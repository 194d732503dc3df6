// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "synthetic_workspace.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/view_menu.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QMenu>
#include <QSignalSpy>
#include <QSvgRenderer>
#include <QXmlStreamReader>
#include <QtTest>

namespace kurtoscope {
namespace {

// RFC 4180, plain: fields of every line.
QList<QStringList> parsed(const QByteArray& csv) {
    QList<QStringList> lines;
    QStringList fields;
    QString field, text = QString::fromUtf8(csv);
    bool quoted = false;
    for (qsizetype i = 0; i < text.size(); ++i) {
        const QChar c = text[i];
        if (quoted) {
            if (c == u'"' && i + 1 < text.size() && text[i + 1] == u'"')
                field += text[++i];
            else if (c == u'"')
                quoted = false;
            else
                field += c;
        } else if (c == u'"') {
            quoted = true;
        } else if (c == u',') {
            fields.append(std::exchange(field, {}));
        } else if (c == u'\r' && i + 1 < text.size() && text[i + 1] == u'\n') {
            ++i;
            fields.append(std::exchange(field, {}));
            lines.append(std::exchange(fields, {}));
        } else {
            field += c;
        }
    }
    return lines;
}

} // namespace

// Every view in every format.
class TestExport : public QObject {
    Q_OBJECT
private:
    static std::unique_ptr<View> shown(const QString& id, const Workspace& workspace) {
        std::unique_ptr<View> view(
            Registry<ViewFactory>::instance().get(id.toStdString(), "view").make(nullptr));
        view->setObjectName(id);
        view->resize(900, 500);
        view->show(workspace, Change::everything);
        view->QWidget::show();
        QCoreApplication::processEvents();
        return view;
    }
    static void eachView() {
        QTest::addColumn<QString>("id");
        for (const auto& member : Registry<ViewFactory>::instance().members())
            QTest::newRow(member->id()) << QString(member->id());
    }

private slots:
    void initTestCase() { Theme::use(Theme::load("light"), *qApp); }

    void picture_data() { eachView(); }
    void picture() {
        QFETCH(QString, id);
        const Workspace w = testing::filled({});
        const auto view = shown(id, w);
        const QImage png = QImage::fromData(view->exported("png"), "PNG");
        QVERIFY(png.width() > 400 && png.height() > 300);
        QSet<QRgb> colours;
        for (int y = 0; y < png.height(); y += 3)
            for (int x = 0; x < png.width(); x += 3)
                colours.insert(png.pixel(x, y));
        QVERIFY2(colours.size() > 20, qPrintable(QString::number(colours.size())));
        if (qEnvironmentVariableIsSet("KURTOSCOPE_SHOTS"))
            png.save(qEnvironmentVariable("KURTOSCOPE_SHOTS") + "/export-" + id + ".png");

        // Words stay words and lines stay lines: a vector picture, not a photograph of the screen.
        const QByteArray svg = view->exported("svg");
        QSvgRenderer renderer(svg);
        QVERIFY(renderer.isValid());
        QXmlStreamReader reader(svg);
        int texts = 0, pixels = 0;
        QString words;
        while (!reader.atEnd()) {
            if (reader.readNext() != QXmlStreamReader::StartElement) continue;
            if (reader.name() == u"text") ++texts, words += reader.readElementText() + u' ';
            if (reader.name() == u"image")
                pixels +=
                    reader.attributes().value("width").toInt() * reader.attributes().value("height").toInt();
        }
        QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
        QVERIFY2(texts > 5, qPrintable(QString::number(texts)));
        QVERIFY2(words.contains(view->heading()->title()), qPrintable(words));
        const QSize size = renderer.defaultSize();
        if (!id.endsWith("map"))
            QVERIFY2(pixels < size.width() * size.height() / 4, qPrintable(QString::number(pixels)));

        const QByteArray pdf = view->exported("pdf");
        QVERIFY(pdf.startsWith("%PDF-") && pdf.trimmed().endsWith("%%EOF"));
        QVERIFY2(pdf.contains("/FontFile"), "text is text, in an embedded font");
        QCOMPARE(pdf.count("/Type /Page\n"), 1);
    }

    void numbers_data() { eachView(); }
    void numbers() {
        QFETCH(QString, id);
        const Workspace w = testing::filled({});
        const auto view = shown(id, w);
        const ViewTable table = view->table();
        const auto lines = parsed(view->exported("csv"));
        QCOMPARE(lines.size(), table.rows.size() + 1);
        QVERIFY(table.rows.size() >= 2 && table.header.size() >= 3);
        QCOMPARE(lines.front(), table.header);
        for (qsizetype i = 0; i < table.rows.size(); ++i)
            QCOMPARE(lines[i + 1],
                     table.rows[i]); // every row as wide as the header, commas and quotes intact
        for (const QStringList& row : table.rows)
            QCOMPARE(row.size(), table.header.size());
    }

    void mapsGiveTheirOwnNumbers() {
        const Workspace w = testing::filled({});
        const auto lines = parsed(shown("channel-map", w)->exported("csv"));
        QCOMPARE(lines.size(), 31);
        QCOMPARE(lines[0].size(), 577);
        const float wanted = w.stats({12, Place::attn_input})->absmax[247];
        QCOMPARE(lines[13][248].toFloat(), QString::number(wanted, 'g', 7).toFloat());
        const auto depth = parsed(shown("depth-curves", w)->exported("csv"));
        QCOMPARE(depth.size(), 31);
        QCOMPARE(depth[13][1].toDouble(),
                 QString::number(w.stats({12, Place::attn_input})->siteKurtosis, 'g', 7).toDouble());
        const auto sites = parsed(shown("sensitivity-map", w)->exported("csv"));
        QCOMPARE(sites.size(), 121);
        QCOMPARE(sites[0][1], QString("only_this"));
        QVERIFY(!sites[1][1].isEmpty() && sites[120][1].isEmpty()); // not measured is not zero
    }

    void emptyViewsExportWhatTheySay_data() { eachView(); }
    void emptyViewsExportWhatTheySay() {
        QFETCH(QString, id);
        const Workspace empty;
        const auto view = shown(id, empty);
        QVERIFY(view->table().rows.isEmpty());
        for (const char* format : {"png", "svg", "pdf", "csv"})
            QVERIFY2(!view->exported(format).isEmpty(), format);
    }

    void menuCopiesAndSaves_data() { eachView(); }
    void menuCopiesAndSaves() {
        QFETCH(QString, id);
        const Workspace w = testing::filled({});
        const auto view = shown(id, w);
        auto* menu = view->heading()->findChild<ViewMenu*>();
        QVERIFY(menu && menu->isVisible() && !menu->accessibleName().isEmpty());
        QStringList names;
        for (const QAction* one : menu->menu()->actions())
            if (!one->isSeparator()) names.append(one->objectName());
        QCOMPARE(names,
                 (QStringList{"copyPicture", "copyNumbers", "savePng", "saveSvg", "savePdf", "saveCsv"}));
        QSignalSpy said(view.get(), &View::message);
        for (QAction* one : menu->menu()->actions())
            if (one->objectName() == "copyNumbers") one->trigger();
        QCOMPARE(QGuiApplication::clipboard()->text(), view->table().toTabs());
        for (QAction* one : menu->menu()->actions())
            if (one->objectName() == "copyPicture") one->trigger();
        QVERIFY(QGuiApplication::clipboard()->image().width() > 400);
        QCOMPARE(said.size(), 2);

        QTemporaryDir folder;
        for (const char* format : {"png", "svg", "pdf", "csv"}) {
            const QString path = folder.filePath(QString("picture.") + format);
            view->saveTo(path);
            QFile file(path);
            QVERIFY(file.open(QIODevice::ReadOnly));
            QVERIFY(file.size() > 20);
        }
        QSignalSpy failed(view.get(), &View::failed);
        view->saveTo(folder.filePath("missing/picture.png"));
        view->saveTo(folder.filePath("picture.xyz"));
        QCOMPARE(failed.size(), 2);
        QVERIFY(failed[0][0].toString().contains("was not saved"));
        QVERIFY(failed[1][2].toString().contains(".svg"));
        QVERIFY(!QFile::exists(folder.filePath("picture.xyz")));
    }

    void menuOpensByKeyboard() {
        const Workspace w = testing::filled({});
        const auto view = shown("trade-off", w);
        auto* menu = view->heading()->findChild<ViewMenu*>();
        menu->setFocus();
        bool opened = false;
        QTimer::singleShot(50, menu, [&] {
            opened = menu->menu()->isVisible();
            menu->menu()->close();
        });
        QTest::keyClick(menu, Qt::Key_Space);
        QTRY_VERIFY(opened);
    }

    void damagedFieldsStayWhole() {
        const ViewTable table{{"a", "b"}, {{"say \"no\", twice", "two\nlines"}, {"", "–"}}};
        QCOMPARE(parsed(table.toCsv()), (QList<QStringList>{table.header, table.rows[0], table.rows[1]}));
        QCOMPARE(table.toTabs().count(u'\n'), 3);
        QCOMPARE(ViewTable::number(std::nan("")), QString());
        QCOMPARE(ViewTable::number(INFINITY), QString("inf"));
        QCOMPARE(ViewTable::number(0.1), QString("0.1"));
    }
};

} // namespace kurtoscope

QTEST_MAIN(kurtoscope::TestExport)
#include "test_export.moc"
