// SPDX-License-Identifier: GPL-3.0-or-later
// What the window is started with: options, and the picture that --screenshot leaves.
#include "app/window/start_options.h"
#include "app/window_options.h"

#include <QFileInfo>
#include <QImage>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

using namespace kurtoscope;

class TestWindowStart : public QObject {
    Q_OBJECT

    const QString tiny_ = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";

private slots:
    void defaultsAreWhatANewcomerMeets() {
        const auto parsed = parseStartOptions({"kurtoscope"});
        QVERIFY(parsed.options);
        QCOMPARE(parsed.options->data.windows, 0); // the task's own: 8 of a text, every row of a table
        QCOMPARE(parsed.options->data.length, 256);
        const Choice& columns = parsed.options->columns;
        QCOMPARE(columns.columns.size(), std::size_t(3));
        QCOMPARE(columns.active, 2);
        QVERIFY(columns.columns[0].recipe == Recipe{});
        QVERIFY(columns.columns[1].recipe.keep.empty());
        QCOMPARE(columns.columns[2].recipe.keep, std::string("auto"));
    }

    void everyOptionIsTaken() {
        const auto parsed =
            parseStartOptions({"kurtoscope",   "folder", "--data",    "a.txt",
                               "--windows",    "3",      "--length",  "64",
                               "--device",     "cpu",    "--threads", "2",
                               "--seed",       "5",      "--theme",   "dark",
                               "--recipe",     "fp32",   "--recipe",  "w8a8:activation=per-token",
                               "--screenshot", "s.png",  "--size",    "800x600"});
        QVERIFY2(parsed.options, qPrintable(parsed.text));
        const StartOptions& start = *parsed.options;
        QCOMPARE(start.model, "folder");
        QCOMPARE(start.data.path, std::string("a.txt"));
        QCOMPARE(start.data.windows, 3);
        QCOMPARE(start.data.length, 64);
        QVERIFY(start.engine.device == DeviceKind::cpu);
        QCOMPARE(start.engine.threads, 2);
        QCOMPARE(start.engine.seed, std::uint64_t(5));
        QCOMPARE(start.theme, "dark");
        QCOMPARE(start.screenshot, "s.png");
        QCOMPARE(start.size, QSize(800, 600));
        QCOMPARE(start.columns.columns.size(), std::size_t(2)); // FP32 stands there by itself
        QCOMPARE(start.columns.active, 1);
    }

    void helpListsEveryOption() {
        const auto parsed = parseStartOptions({"kurtoscope", "model", "--help"});
        QVERIFY(!parsed.options && parsed.exitCode == 0);
        QVERIFY2(parsed.text.contains("[MODEL]"), qPrintable(parsed.text));
        for (const auto& option : windowOptions)
            QVERIFY2(parsed.text.contains(QString("--%1 <").arg(option.name)), option.name);
    }

    void everyThemeIsTaken() {
        for (const char* theme : {"light", "dark", "system"})
            QVERIFY(parseStartOptions({"kurtoscope", "--theme", theme}).options);
    }

    void misuseIsOneSentence_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("says");
        QTest::newRow("windows") << QStringList{"--windows", "none"}
                                 << "--windows wants a whole number from 0 up, got \"none\"";
        QTest::newRow("negative windows") << QStringList{"--windows=-1"} << "got \"-1\"";
        QTest::newRow("device") << QStringList{"--device", "tpu"} << "--device is auto, cpu or cuda";
        QTest::newRow("theme") << QStringList{"--theme", "pink"} << "--theme is light, dark or system";
        QTest::newRow("size") << QStringList{"--size", "big"} << "like 1680x1040";
        QTest::newRow("models") << QStringList{"a", "b"} << "one MODEL at most";
        QTest::newRow("unknown") << QStringList{"--colour"} << "colour";
        QTest::newRow("recipe") << QStringList{"--recipe", "w8a8:activation"} << "activation";
    }
    void misuseIsOneSentence() {
        QFETCH(QStringList, arguments);
        QFETCH(QString, says);
        const auto parsed = parseStartOptions(QStringList{"kurtoscope"} + arguments);
        QVERIFY(!parsed.options);
        QCOMPARE(parsed.exitCode, 2);
        QVERIFY2(parsed.text.contains(says), qPrintable(parsed.text));
    }

    void screenshot_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("data"); // "": none named
        QTest::addColumn<int>("exitCode");
        QTest::addColumn<QString>("says");
        QTest::newRow("opens") << tiny_ << "" << 0 << "";
        QTest::newRow("by name") << "tiny-llama"
                                 << "" << 0 << "";
        QTest::newRow("damaged") << "damaged"
                                 << "" << 1 << "damaged.gguf";
        QTest::newRow("no such data") << tiny_ << "/no/such/text.txt" << 1 << "/no/such/text.txt";
        QTest::newRow("no such model") << "frobnicate"
                                       << "" << 2 << "no model and no command";
    }
    void screenshot() {
        QFETCH(QString, model);
        QFETCH(QString, data);
        QFETCH(int, exitCode);
        QFETCH(QString, says);
        if (!QFileInfo::exists(KURTOSCOPE_BINARY)) QSKIP("the kurtoscope binary is not built");
        if (!QFileInfo::exists(tiny_ + "/model.safetensors")) QSKIP("sample_models/tiny-llama is not there");
        QTemporaryDir folder;
        if (model == "damaged") {
            model = folder.filePath("damaged.gguf");
            QFile file(model);
            QVERIFY(file.open(QIODevice::WriteOnly) && file.write("not a model") > 0);
        }
        const QString picture = folder.filePath("window.png");
        QProcess process;
        QStringList arguments{"--screenshot", picture,     "--windows", "2",        "--length",
                              "64",           "--threads", "1",         "--device", "cpu",
                              "--size",       "1200x800",  model};
        if (!data.isEmpty()) arguments << "--data" << data;
        process.start(KURTOSCOPE_BINARY, arguments);
        QVERIFY(process.waitForFinished(180000));
        const QByteArray complaint = process.readAllStandardError();
        QCOMPARE(process.exitStatus(), QProcess::NormalExit);
        QVERIFY2(process.exitCode() == exitCode, complaint);
        if (exitCode == 0) {
            QCOMPARE(QImage(picture).size(), QSize(1200, 800));
        } else {
            QVERIFY(!QFileInfo::exists(picture));
            QVERIFY2(QString::fromUtf8(complaint).contains(says), complaint);
        }
    }
};

QTEST_GUILESS_MAIN(TestWindowStart)
#include "test_window_start.moc"
