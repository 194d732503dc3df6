// SPDX-License-Identifier: GPL-3.0-or-later
// `report` of a saved session, without a display.
#include "core/data/fingerprint.h"
#include "core/data/saved_session.h"
#include "core/workbench.h"
#include "tests/support/command_run.h"

#include <QDir>
#include <QTemporaryDir>
#include <QtTest>

using namespace kurtoscope;
using namespace kurtoscope::test;

class TestCommandSession : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    QString at(const QString& name) const { return folder_.filePath(name); }

    SavedSession session() const {
        SavedSession session;
        session.modelPath = tinyModel.toStdString();
        session.modelName = "tiny-llama";
        session.data.path = tinyText.toStdString();
        session.data.windows = 2;
        session.data.length = 32;
        Recipe recipe = Recipe::parse("w8a8:dynamic=on");
        recipe.setKept({1, Place::attn_input}, 60, true);
        session.columns = {{"FP32", {}, {}}, {"mine & <yours>", recipe, {}}};
        session.results.seed = 7;
        return session;
    }
    QString save(const SavedSession& session, const QString& name = "s.kurtoscope.json") const {
        writeContents(at(name), QByteArray::fromStdString(sessionToJson(session)));
        return at(name);
    }

private slots:
    void init() {
        if (!QFile::exists(tinyModel + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
    }

    void aSessionBecomesAPage() {
        const auto run = runCommand({"report", save(session()), "--out", at("r.html")});
        QVERIFY2(run.code == 0, run.err);
        const QByteArray page = contents(at("r.html"));
        for (const char* part : {"mine &amp; &lt;yours&gt;", "<th>Seed</th><td>7</td>", "Hardware",
                                 "&quot;layers.1.attn_input&quot;: [60]", "<svg ", "data:image/png"})
            QVERIFY2(page.contains(part), part);
        QVERIFY(!page.contains("Numbers of the session file"));
    }

    void itsNumbersAreTakenWhereTheyHold() {
        SavedSession saved = session();
        Workbench bench{WorkbenchOptions{}};
        saved.results = {fingerprint(saved.modelPath),
                         fingerprint(saved.data.path),
                         Workbench::version(),
                         bench.deviceText(),
                         7,
                         "2026-11-22 12:00"};
        Reading reading;
        reading.metric = "perplexity";
        reading.windowsDone = reading.windowsTotal = 2;
        reading.score = 12345.678; // no model says this
        for (auto& column : saved.columns)
            column.reading = reading;
        QVERIFY2(runCommand({"report", save(saved), "--out", at("r.html")}).code == 0, "it runs");
        QVERIFY(contents(at("r.html")).contains("12346"));
        QVERIFY(contents(at("r.html")).contains("taken 2026-11-22 12:00"));
        saved.results.modelPrint += "x";
        QVERIFY2(runCommand({"report", save(saved), "--out", at("r.html")}).code == 0, "it runs");
        QVERIFY2(!contents(at("r.html")).contains("12346"), "numbers of another model are measured again");
    }

    void aPdfNeedsNoDisplay() {
        const auto run = runCommand({"report", save(session()), "--out", at("r.pdf")});
        QVERIFY2(run.code == 0, run.err);
        QVERIFY(contents(at("r.pdf")).startsWith("%PDF-"));
        QVERIFY(contents(at("r.pdf")).size() > 20000);
    }

    void aModelBesideTheSessionIsFound() {
        SavedSession saved = session();
        QDir().mkpath(at("moved/model"));
        for (const QString& file : QDir(tinyModel).entryList(QDir::Files))
            QFile::copy(tinyModel + '/' + file, at("moved/model/") + file);
        saved.modelPath = "/no/such/place/model";
        QVERIFY2(runCommand({"report", save(saved, "moved/s.kurtoscope.json"), "--out", at("r.html")}).code ==
                     0,
                 "the model lies beside it");
        const auto run = runCommand({"report", save(saved), "--out", at("r.html")});
        QCOMPARE(run.code, 1);
        QVERIFY2(run.err.contains("/no/such/place/model") && run.err.contains("Locate model"), run.err);
    }

    void misuseIsSaid_data() {
        QTest::addColumn<QStringList>("more");
        QTest::addColumn<int>("code");
        QTest::addColumn<QByteArray>("says");
        QTest::newRow("recipe") << QStringList{"--recipe", "w8a8"} << 2
                                << QByteArray("Leave out --data and --recipe");
        QTest::newRow("data") << QStringList{"--data", tinyText} << 2 << QByteArray("its own data");
        QTest::newRow("suffix") << QStringList{"--out", "r.docx"} << 1 << QByteArray(".html or .pdf");
        QTest::newRow("folder") << QStringList{"--out", "/no/such/folder/r.html"} << 1
                                << QByteArray("/no/such/folder");
    }
    void misuseIsSaid() {
        QFETCH(QStringList, more);
        QFETCH(int, code);
        QFETCH(QByteArray, says);
        const auto run = runCommand(QStringList{"report", save(session())} + more);
        QCOMPARE(run.code, code);
        QVERIFY2(run.err.contains(says), run.err);
    }

    void aDamagedSessionIsSaid() {
        writeContents(at("bad.kurtoscope.json"), "{\"schema\": 1");
        auto run = runCommand({"report", at("bad.kurtoscope.json"), "--out", at("r.html")});
        QCOMPARE(run.code, 1);
        QVERIFY2(run.err.contains("not valid JSON") && run.err.contains("bad.kurtoscope.json"), run.err);
        run = runCommand({"report", at("none.kurtoscope.json"), "--out", at("r.html")});
        QCOMPARE(run.code, 1);
        QVERIFY2(run.err.contains("none.kurtoscope.json"), run.err);
    }
};

QTEST_APPLESS_MAIN(TestCommandSession)
#include "test_command_session.moc"
