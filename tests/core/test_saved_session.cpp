// SPDX-License-Identifier: GPL-3.0-or-later
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/data/fingerprint.h"
#include "core/data/saved_session.h"

#include <cmath>
#include <limits>

using namespace kurtoscope;

namespace {

Reading someReading(double score) {
    Reading reading;
    reading.windowsDone = reading.windowsTotal = 8;
    reading.metric = "perplexity";
    reading.lowerIsBetter = true;
    reading.score = score;
    reading.standardError = 0.1;
    reading.difference = 1.0 / 3;
    reading.differenceError = 1e-17;
    reading.klMean = 0.25;
    reading.sqnrDb = std::numeric_limits<double>::infinity();
    reading.latencyP50Ms = 12.5;
    reading.latencyRuns = 20;
    reading.phases = {
        {"quantize", 0.125}, {"gemm", 0.5}, {"epilogue", 0}, {"attention", 0.25}, {"rest", 0.125}};
    reading.weightBytes = 134'515'008;
    reading.keptChannels = 47;
    reading.keptOf = 149'760;
    reading.kernels = KernelTag::simulated;
    reading.pulls = {0.5, -1.25e-7, 0};
    return reading;
}

SavedSession someSession() {
    SavedSession session;
    session.modelPath = "/models/a \"quoted\" näme";
    session.modelName = "tiny";
    session.modelBytes = 1234567;
    session.data.path = "/texts/heldout.txt";
    session.data.windows = 8;
    session.data.length = 64;
    session.dataName = "heldout.txt";
    session.dataSummary = "8 × 64 tokens";
    session.metricTask = "perplexity";
    Recipe recipe = Recipe::parse("smoothquant+w8a8:activation=per-token,scope=all-activations,samples=3");
    recipe.setKept(Site::fromName("layers.2.attn_input"), 60, true);
    recipe.setKept(Site::fromName("layers.2.attn_input"), 125, true);
    recipe.highPrecision.insert(Site::fromName("layers.0.mlp_hidden"));
    recipe.bits[Site::fromName("layers.1.attn_input")] = 4;
    session.columns = {{"FP32", {}, someReading(31.83)},
                       {"mine", recipe, someReading(33.22)},
                       {"not yet", Recipe::parse("w8a8:keep=ratio:20"), {}}};
    session.active = 1;
    session.reference = 2;
    session.site = Site::fromName("layers.3.mlp_input");
    session.channel = 17;
    session.token = 5;
    session.skipFirstToken = true;
    session.typed = "a line\nand \"another\"";
    session.criterion = "ratio:20";
    session.layout = "AAAA/w==";
    session.results = {"fnv1a-1", "fnv1a-2", "0.1.0", "CPU · 2 threads", 7, "2026-11-22 23:40"};
    session.unsavedOf = "lectures/monday.kurtoscope.json";
    return session;
}

std::string replaced(std::string text, const std::string& was, const std::string& is) {
    const auto at = text.find(was);
    if (at == std::string::npos) qFatal("the session has no %s", was.c_str());
    return text.replace(at, was.size(), is);
}

} // namespace

class TestSavedSession : public QObject {
    Q_OBJECT

private slots:
    void everyValueComesBack() {
        const SavedSession was = someSession();
        const SavedSession is = sessionFromJson(sessionToJson(was), "s");
        QCOMPARE(sessionToJson(is), sessionToJson(was));
        QCOMPARE(is.modelPath, was.modelPath);
        QVERIFY(is.data == was.data);
        QCOMPARE(is.columns.size(), std::size_t(3));
        for (std::size_t i = 0; i < 3; ++i) {
            QCOMPARE(is.columns[i].name, was.columns[i].name);
            QVERIFY(is.columns[i].recipe == was.columns[i].recipe);
            QCOMPARE(is.columns[i].reading.has_value(), was.columns[i].reading.has_value());
        }
        const Reading& reading = *is.columns[1].reading;
        QCOMPARE(reading.score, 33.22);
        QCOMPARE(reading.difference, 1.0 / 3);
        QCOMPARE(reading.differenceError, 1e-17);
        QVERIFY(std::isinf(*reading.sqnrDb) && *reading.sqnrDb > 0);
        QCOMPARE(reading.phases, someReading(0).phases);
        QVERIFY(!reading.perplexity && !reading.cosine);
        QVERIFY(reading.kernels == KernelTag::simulated);
        QVERIFY(reading.pulls == was.columns[1].reading->pulls);
        QVERIFY(is.site == was.site && is.results == was.results);
        QCOMPARE(is.typed, was.typed);
        QCOMPARE(is.layout, was.layout);
        QCOMPARE(is.unsavedOf, was.unsavedOf);
    }

    void infinitePullsAreLeftOut() {
        SavedSession session = someSession();
        session.columns[1].reading->pulls = {1, INFINITY};
        QVERIFY(sessionFromJson(sessionToJson(session), "s").columns[1].reading->pulls.empty());
    }

    void whatIsNoUtf8IsReplacedAndReads() {
        SavedSession session = someSession();
        session.columns[1].name = "bad \xff name";
        QCOMPARE(sessionFromJson(sessionToJson(session), "s").columns[1].name,
                 std::string("bad \xEF\xBF\xBD name"));
    }

    void damageIsNamed_data() {
        QTest::addColumn<QString>("was");
        QTest::addColumn<QString>("is");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const char* was, const char* is, const char* says) {
            QTest::newRow(name) << was << is << says;
        };
        row("another schema", "\"schema\": 1", "\"schema\": 2", "s, schema: schema 1 was expected, got 2");
        row("no schema", "\"schema\": 1,", "", "the key \"schema\" is missing");
        row("unknown key", "\"active\": 1", "\"active\": 1, \"colour\": 3", "unknown key \"colour\"");
        row("unknown key of a reading", "\"latency_runs\"", "\"latency_walks\"",
            "s, columns[0].reading: the key \"latency_runs\" is missing");
        row("key twice", "\"active\": 1", "\"active\": 1, \"active\": 1", "a key is given twice");
        row("active beyond", "\"active\": 1", "\"active\": 3", "from 0 to 2 was expected, got 3");
        row("active as text", "\"active\": 1", "\"active\": \"1\"", "was expected, got \"1\"");
        row("active huge", "\"active\": 1", "\"active\": 18446744073709551615", "got 18446744073709551615");
        row("reference below", "\"reference\": 2", "\"reference\": -1", "got -1");
        row("site", "layers.3.mlp_input", "layers.3.elbow", "elbow");
        row("channel", "\"channel\":17", "\"channel\":1.5", "s, looking.channel");
        row("recipe's key", "\"scope\"", "\"scape\"", "columns[0].recipe");
        row("first column", "\"scheme\": \"fp32\"", "\"scheme\": \"w8a8\"",
            "FP32 was expected as the first column, got w8a8");
        row("kernels", "\"kernels\":\"simulated\"", "\"kernels\":\"quantum\"", "got \"quantum\"");
        row("pulls", "\"pulls\":[0.5", "\"pulls\":[\"half\"", "pulls: a list of numbers was expected");
        row("half a reading", "\"windows_done\":8", "\"windows_done\":3", "got 3 of 8");
        row("number beyond", "\"score\":31.83", "\"score\":1e999", "a number is too large");
        row("name as list", "\"name\": \"mine\"", "\"name\": [1]",
            "columns[1].name: text was expected, got array");
        row("model gone", "\"model\": {", "\"model\": 3, \"x\": {",
            "s, model: a JSON object was expected, got 3");
        row("columns gone", "\"columns\": [", "\"columns\": {}, \"y\": [",
            "columns: a list was expected, got object");
        row("cut short", "\n}\n", "", "not valid JSON");
    }
    void damageIsNamed() {
        QFETCH(QString, was);
        QFETCH(QString, is);
        QFETCH(QString, says);
        const std::string text = replaced(sessionToJson(someSession()), was.toStdString(), is.toStdString());
        try {
            sessionFromJson(text, "s");
            QFAIL("it was read");
        } catch (const Error& error) {
            QVERIFY2(QString::fromUtf8(error.what()).contains(says), error.what());
            QVERIFY(!error.hint().empty());
        }
    }

    void moreColumnsThanStandSideBySideAreRefused() {
        SavedSession session = someSession();
        while (session.columns.size() <= mostColumns)
            session.columns.push_back(session.columns[1]);
        QVERIFY_EXCEPTION_THROWN(sessionFromJson(sessionToJson(session), "s"), Error);
        session.columns.resize(mostColumns);
        QCOMPARE(sessionFromJson(sessionToJson(session), "s").columns.size(), mostColumns);
        session.columns.clear();
        QVERIFY_EXCEPTION_THROWN(sessionFromJson(sessionToJson(session), "s"), Error);
    }

    void depthHasALimit() {
        std::string deep = "{\"schema\": 1, \"model\": ";
        deep.append(100'000, '[');
        QVERIFY_EXCEPTION_THROWN(sessionFromJson(deep, "s"), Error);
    }

    void filesThatAreNoneSaySo() {
        const QTemporaryDir folder;
        QVERIFY_EXCEPTION_THROWN(readSession(folder.filePath("none.kurtoscope.json").toStdString()), Error);
        QVERIFY_EXCEPTION_THROWN(readSession(folder.path().toStdString()), Error);
        QFile huge(folder.filePath("huge.kurtoscope.json"));
        QVERIFY(huge.open(QIODevice::WriteOnly) && huge.resize(qint64(300) << 20)); // sparse
        try {
            readSession(huge.fileName().toStdString());
            QFAIL("it was read");
        } catch (const Error& error) {
            QVERIFY2(QByteArray(error.what()).contains("256 MiB"), error.what());
        }
    }

    void aReadingIsTheSameOnlyUnderTheSame() {
        const Provenance was = someSession().results;
        Provenance is = was;
        is.taken = "later";
        QVERIFY(was.agrees(is));
        for (std::string Provenance::*part :
             {&Provenance::modelPrint, &Provenance::dataPrint, &Provenance::version, &Provenance::device}) {
            Provenance other = was;
            other.*part += "x";
            QVERIFY(!was.agrees(other));
        }
        is.seed = 8;
        QVERIFY(!was.agrees(is));
        QVERIFY2(!Provenance().agrees(Provenance()), "nothing is known of them");
    }

    void aFingerprintSeesBothEndsAndTheSize() {
        const QTemporaryDir folder;
        const std::string file = folder.filePath("model.gguf").toStdString();
        std::string bytes(3 << 20, 'a');
        const auto print = [&] {
            writeFileAtomically(file, bytes);
            return fingerprint(file);
        };
        const std::string first = print();
        QVERIFY(first.starts_with("fnv1a-"));
        QCOMPARE(print(), first);
        bytes.front() = 'b';
        QVERIFY(print() != first);
        bytes.front() = 'a';
        bytes.back() = 'b';
        QVERIFY(print() != first);
        bytes.back() = 'a';
        bytes += 'a';
        QVERIFY(print() != first);
        QCOMPARE(fingerprint(folder.filePath("none").toStdString()), std::string());
    }

    void aFoldersFingerprintIsOfItsModelAlone() {
        const QTemporaryDir folder;
        const auto write = [&](const char* name, const char* bytes) {
            writeFileAtomically(folder.filePath(name).toStdString(), bytes);
        };
        const std::string path = folder.path().toStdString();
        QCOMPARE(fingerprint(path), std::string());
        write("config.json", "{}");
        write("model.safetensors", "weights");
        const std::string first = fingerprint(path);
        write("heldout.txt", "a text");
        write("mine.kurtoscope.json", "a session saved beside the model");
        QCOMPARE(fingerprint(path), first);
        write("model.safetensors", "Weights");
        QVERIFY(fingerprint(path) != first);
        write("model.safetensors", "weights");
        QCOMPARE(fingerprint(path), first);
        write("config.json", "{ }");
        QVERIFY(fingerprint(path) != first);
    }
};

QTEST_APPLESS_MAIN(TestSavedSession)
#include "test_saved_session.moc"
