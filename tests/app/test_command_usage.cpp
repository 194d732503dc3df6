// SPDX-License-Identifier: GPL-3.0-or-later
// Help, exit codes and what is said of bad input, with the real program.
#include "tests/support/command_run.h"

#include <QDir>
#include <QTemporaryDir>
#include <QtTest>

using namespace kurtoscope::test;

namespace {

// The ids under "Subcommands:" in --help.
QStringList commandsInHelp() {
    const auto lines = runCommand({"--help"}).out.split('\n');
    QStringList ids;
    bool inside = false;
    for (const QByteArray& line : lines) {
        if (line.startsWith("Subcommands:"))
            inside = true;
        else if (inside && line.trimmed().isEmpty())
            break;
        else if (inside && line.startsWith("  ") && line.at(2) != ' ')
            ids << QString(line.trimmed().split(' ').first());
    }
    return ids;
}

} // namespace

class TestCommandUsage : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    QString path(const QString& name) const { return folder_.filePath(name); }

private slots:
    void initTestCase() {
        QVERIFY(folder_.isValid());
        writeContents(path("text.txt"), "Some words to run over, and then a few more of them.\n");
        writeContents(path("broken.json"), "{\"scheme\": \"w8a8\", ");
        writeContents(path("short.gguf"), "GGUF\3\0\0\0");
        writeContents(path("pytorch_model.bin"), QByteArray("PK\3\4", 4));
        QVERIFY(QDir(folder_.path()).mkdir("pickled"));
        writeContents(path("pickled/config.json"), R"({"model_type": "llama"})");
        writeContents(path("pickled/pytorch_model.bin"), QByteArray("PK\3\4", 4));
    }

    void everyFileOfACommandIsRegistered() {
        int files = 0;
        const QDir sources(KURTOSCOPE_SOURCE_DIR "/app/commands");
        for (const QString& name : sources.entryList({"*.cpp"}))
            files += contents(sources.filePath(name)).contains("const Registration<Command,");
        QVERIFY(files >= 6);
        QCOMPARE(commandsInHelp().size(), files);
    }

    void helpEverywhere() {
        const CommandRun top = runCommand({"--help"});
        QCOMPARE(top.code, 0);
        QVERIFY(top.out.contains("--screenshot"));
        QVERIFY(top.err.isEmpty());
        for (const QString& id : commandsInHelp()) {
            const CommandRun run = runCommand({id, "--help"});
            QCOMPARE(run.code, 0);
            QVERIFY2(run.out.contains("Usage: kurtoscope " + id.toUtf8()), run.out);
            QVERIFY(run.err.isEmpty());
        }
    }

    void optionsSayUnitAndDefault() {
        // CLI11 writes a default as N=4, from 2.4 on as N [4].
        static const QRegularExpression bracketed("(--\\S+ [A-Z]+) \\[(\\S+)\\]");
        const QString help =
            QString::fromUtf8(runCommand({"evaluate", "--help"}).out).replace(bracketed, "\\1=\\2");
        for (const char* wanted :
             {"--length TOKENS=256", "--device", "--threads N=0", "--seed N=1", "--windows N",
              "--calibration-windows N=4", "--task TASK", "perplexity", "--json FILE"})
            QVERIFY2(help.contains(wanted), wanted);
    }

    void version() {
        const CommandRun run = runCommand({"--version"});
        QCOMPARE(run.code, 0);
        QVERIFY2(QString(run.out).contains(QRegularExpression("^kurtoscope \\d+\\.\\d+\\.\\d+\n$")), run.out);
    }

    void badInput_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("code");
        QTest::addColumn<QString>("says");
        const QString text = path("text.txt");
        const auto evaluate = [&](const QStringList& more) {
            return QStringList{"evaluate", tinyModel, "--data", text} + more;
        };
        const auto row = [](const char* name, const QStringList& arguments, int code, const QString& says) {
            QTest::newRow(name) << arguments << code << says;
        };
        row("no such command", {"frobnicate"}, 2, "no model and no command");
        row("no model", {"inspect"}, 2, "MODEL is required");
        row("no data", {"inspect", tinyModel}, 2, "--data is required");
        row("no recipe", evaluate({}), 2, "--recipe is required");
        row("unknown option", evaluate({"--recipe", "fp32", "--frob"}), 2, "--frob");
        row("misspelt data", {"evaluate", tinyModel, "--dat", text, "--recipe", "fp32"}, 2,
            "there is no option --dat");
        row("misspelt command", {"evalute", tinyModel, "--data", text}, 2, "a command comes first");
        row("a word too many", evaluate({"--recipe", "fp32", "more"}), 2, "more");
        row("no windows", evaluate({"--recipe", "fp32", "--windows", "0"}), 2,
            "expected a whole number, 1 or more");
        row("length of one", evaluate({"--recipe", "fp32", "--length", "1"}), 2,
            "expected a whole number, 2 or more");
        row("half a window", evaluate({"--recipe", "fp32", "--windows", "1.5"}), 2, "--windows");
        row("negative threads", evaluate({"--recipe", "fp32", "--threads", "-1"}), 2, "--threads");
        row("no calibration", evaluate({"--recipe", "fp32", "--calibration-windows", "0"}), 2,
            "--calibration-windows");
        row("seed in words", evaluate({"--recipe", "fp32", "--seed", "lucky"}), 2, "--seed");
        row("unknown device", evaluate({"--recipe", "fp32", "--device", "tpu"}), 2, "tpu");
        row("unknown task", evaluate({"--recipe", "fp32", "--task", "poetry"}), 2, "poetry");
        row("unknown scheme", evaluate({"--recipe", "w99"}), 2, "unknown scheme \"w99\"");
        row("unknown recipe key", evaluate({"--recipe", "w8a8:colour=red"}), 2, "no parameter \"colour\"");
        row("recipe without value", evaluate({"--recipe", "w8a8:activation"}), 2, "key=value");
        row("unknown scope", evaluate({"--recipe", "w8a8:scope=moon"}), 2, "linear-inputs");
        row("bad keep", evaluate({"--recipe", "w8a8:keep=luck:3"}), 2, "luck");
        row("bad criterion", {"inspect", tinyModel, "--data", text, "--criterion", "luck:3"}, 2,
            "--criterion");
        row("text and ids", {"predict", tinyModel, "--text", "a", "--ids", "1"}, 2, "--ids");
        row("neither text nor ids", {"predict", tinyModel}, 2, "required");
        row("ids in words", {"predict", tinyModel, "--ids", "1,two"}, 2, "two");
        row("keep without data", {"predict", tinyModel, "--ids", "1", "--recipe", "w8a8:keep=auto"}, 2,
            "--calibration");
        row("option without value", evaluate({"--recipe"}), 2, "--recipe");

        row("missing model", {"inspect", path("nowhere"), "--data", text}, 1, "kurtoscope models");
        row("missing data", {"inspect", tinyModel, "--data", path("nowhere.txt")}, 1, "nowhere.txt");
        row("folder as data", {"inspect", tinyModel, "--data", folder_.path()}, 1, "not a file");
        row("missing calibration", evaluate({"--recipe", "w8a8", "--calibration", path("no.txt")}), 1,
            "no.txt");
        row("broken recipe file", evaluate({"--recipe", path("broken.json")}), 1, "broken.json");
        row("missing recipe file", evaluate({"--recipe", path("none.json")}), 1, "none.json");
        row("pickle", {"predict", path("pytorch_model.bin"), "--ids", "1"}, 1, "pytorch_model.bin");
        row("folder with a pickle only", {"predict", path("pickled"), "--ids", "1"}, 1, "pickle");
        row("truncated GGUF", {"predict", path("short.gguf"), "--ids", "1"}, 1, "short.gguf");
        row("JSON into a missing folder", evaluate({"--recipe", "fp32", "--json", path("no/where.json")}), 1,
            "no/where.json");
        row("JSON onto a folder", evaluate({"--recipe", "fp32", "--json", folder_.path()}), 1, "folder");
        row("report into a missing folder",
            {"report", tinyModel, "--data", text, "--html", path("no/r.html")}, 1, "no/r.html");
    }

    void badInput() {
        QFETCH(QStringList, arguments);
        QFETCH(int, code);
        QFETCH(QString, says);
        if (arguments.contains(tinyModel)) NEEDS_TINY_MODEL;
        const CommandRun run = runCommand(arguments);
        QVERIFY2(run.code == code, "exit " + QByteArray::number(run.code) + ": " + run.err);
        QVERIFY2(run.out.isEmpty(), run.out);
        QVERIFY2(QString::fromUtf8(run.err).contains(says), run.err);
        // Usage is one sentence and a pointer to the help, a failure one line.
        const QByteArray sentence = code == 2 ? run.err.trimmed().split('\n').first() : run.lastLine();
        QVERIFY2(sentence.startsWith("kurtoscope: "), run.err);
        QCOMPARE(run.err.contains("--help."), code == 2);
    }

    void badValueOfAKey_data() {
        QTest::addColumn<QString>("recipe");
        QTest::newRow("choice") << "w8a8:activation=per-banana";
        QTest::newRow("bits too few") << "w8a8:weight_bits=1";
        QTest::newRow("bits in words") << "w8a8:activation_bits=eight";
        QTest::newRow("neither on nor off") << "w8a8:dynamic=maybe";
    }
    void badValueOfAKey() {
        NEEDS_TINY_MODEL;
        QFETCH(QString, recipe);
        const CommandRun run =
            runCommand({"evaluate", tinyModel, "--data", path("text.txt"), "--recipe", recipe});
        QVERIFY2(run.code == 2, run.err);
        const QString value = recipe.section('=', 1);
        QVERIFY2(QString(run.err).contains(value), run.err);
    }

    void outsideTheVocabulary() {
        NEEDS_TINY_MODEL;
        const CommandRun run =
            runCommand({"predict", tinyModel, "--ids", "1,99999999", "--logits", path("never.safetensors")});
        QCOMPARE(run.code, 1);
        QVERIFY2(run.lastLine().contains("99999999"), run.err);
        QVERIFY(!QFileInfo::exists(path("never.safetensors")));
    }
};

QTEST_GUILESS_MAIN(TestCommandUsage)
#include "test_command_usage.moc"
