// SPDX-License-Identifier: GPL-3.0-or-later
// The HTML report: one file that needs nothing else, with pictures that can be read back.
#include "tests/support/command_run.h"

#include <QTemporaryDir>
#include <QtEndian>
#include <QtTest>

using namespace kurtoscope::test;

namespace {

struct Png {
    int width = 0, height = 0;
    QByteArray rows; // per row a filter byte, then RGB

    bool whole() const {
        return width > 0 && height > 0 && rows.size() == qsizetype(height) * (3 * width + 1);
    }
    qsizetype count(const QByteArray& colour) const {
        qsizetype found = 0;
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                found += rows.mid(qsizetype(y) * (3 * width + 1) + 1 + 3 * x, 3) == colour;
        return found;
    }
};

Png decodePng(const QByteArray& bytes) {
    Png png;
    if (!bytes.startsWith("\x89PNG\r\n\x1a\n")) return png;
    for (qsizetype at = 8; at + 12 <= bytes.size();) {
        const auto size = qFromBigEndian<quint32>(bytes.constData() + at);
        const QByteArray kind = bytes.mid(at + 4, 4), data = bytes.mid(at + 8, size);
        if (kind == "IHDR") {
            png.width = int(qFromBigEndian<quint32>(data.constData()));
            png.height = int(qFromBigEndian<quint32>(data.constData() + 4));
        } else if (kind == "IDAT") {
            QByteArray prefixed(4, '\0'); // qUncompress wants the size first
            qToBigEndian<quint32>(quint32(png.height) * quint32(3 * png.width + 1), prefixed.data());
            png.rows = qUncompress(prefixed + data);
        }
        at += 12 + size;
    }
    return png;
}

QList<Png> pictures(const QByteArray& html) {
    const QByteArray mark = "data:image/png;base64,";
    QList<Png> all;
    for (qsizetype at = html.indexOf(mark); at >= 0; at = html.indexOf(mark, at + 1)) {
        const qsizetype begin = at + mark.size();
        all << decodePng(QByteArray::fromBase64(html.mid(begin, html.indexOf('"', begin) - begin)));
    }
    return all;
}

} // namespace

class TestCommandReport : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

private slots:
    void init() { NEEDS_TINY_MODEL; }

    void demonstration() {
        const QString file = folder_.filePath("report.html");
        const CommandRun run = runCommand(
            {"report", tinyModel, "--data", tinyText, "--windows", "2", "--length", "64", "--recipe", "fp32",
             "--recipe", "w8a8:activation=per-tensor,dynamic=on,weight_bits=16", "--recipe",
             "w8a8:activation=per-tensor,dynamic=on,weight_bits=16,keep=top:1", "--html", file});
        QVERIFY2(run.code == 0, run.err);
        QVERIFY2(run.out.endsWith("Report: " + file.toUtf8() + "\n"), run.out);
        QVERIFY(run.out.contains("simulated") && run.out.contains("float"));

        const QByteArray html = contents(file);
        QVERIFY(html.startsWith("<!DOCTYPE html>") && html.trimmed().endsWith("</html>"));
        QVERIFY(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"));
        for (const char* wanted : {"tiny-llama", "simulated", "prefers-color-scheme", "Seed", "Hardware",
                                   "LLaMA", "kept channels"})
            QVERIFY2(html.contains(wanted), wanted);
        QVERIFY(html.count("<path class=\"line2\"") >= 3); // one line per recipe in every drawing

        const QList<Png> shown = pictures(html);
        QVERIFY(shown.size() >= 5);
        qsizetype orange = 0;
        for (const Png& png : shown) {
            QVERIFY(png.whole());
            orange += png.count("\xff\x7f\x0e");
        }
        QVERIFY(orange > 0);
    }

    void defaultsAreTheDemonstration() {
        const QString file = folder_.filePath("default.html");
        const CommandRun run =
            runCommand({"report", tinyModel, "--windows", "1", "--length", "32", "--html", file});
        QVERIFY2(run.code == 0, run.err);
        QVERIFY(run.out.contains("fp32"));
        QVERIFY(run.out.contains("w8a8:activation=per-tensor,dynamic=on,keep=auto"));
        QVERIFY(contents(file).contains("demo_text.txt"));
    }
};

QTEST_GUILESS_MAIN(TestCommandReport)
#include "test_command_report.moc"
