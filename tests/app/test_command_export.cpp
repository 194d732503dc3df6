// SPDX-License-Identifier: GPL-3.0-or-later
// export, formats and verify as they are typed.
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/command_run.h"

using namespace kurtoscope::test;

class CommandExportTest : public QObject {
    Q_OBJECT

private slots:
    void init() { NEEDS_TINY_MODEL; }

    void formatsAreListed() {
        const auto run = runCommand({"formats", "--json", "-"});
        QCOMPARE(run.code, 0);
        QStringList ids;
        const Json listed = run.json();
        for (const auto& format : listed["formats"])
            ids << QString::fromStdString(format["id"].get<std::string>());
        QVERIFY(ids.contains("recipe") && ids.contains("compressed-tensors"));
        const auto table = runCommand({"formats"});
        for (const QString& id : ids)
            QVERIFY(table.out.contains(id.toUtf8()));
    }

    void exportsAndVerifies() {
        const QTemporaryDir place;
        const QString folder = place.filePath("made");
        const QStringList words{"export",        tinyModel,
                                "--recipe",      "w8a8:levels=full,keep=top:2",
                                "--format",      "compressed-tensors",
                                "--out",         folder,
                                "--calibration", tinyText,
                                "--length",      "32",
                                "--json",        "-"};
        const auto run = runCommand(words);
        QVERIFY2(run.code == 0, run.err);
        const Json json = run.json();
        QVERIFY(json["written"] == true && json["cannot_carry"].empty());
        QVERIFY(json["bytes"].get<std::int64_t>() > 100'000);
        for (const auto& module : json["modules"])
            QCOMPARE(module["group"], "group_0");
        QVERIFY(contents(folder + "/README.md").contains("outlier_channels.load"));
        QVERIFY(QFileInfo::exists(folder + "/adapter_config.json"));
        QVERIFY(QFileInfo::exists(folder + "/tokenizer.json"));

        const auto verified = runCommand({"verify", folder, "--python", "/no/such/python", "--json", "-"});
        QVERIFY2(verified.code == 0, verified.err);
        QCOMPARE(verified.json()["checks"][0]["difference"], 0.0);
        QVERIFY(verified.json()["checks"][1]["skipped"].get<std::string>().find("no program") !=
                std::string::npos);

        // The recipe that comes back out of the folder opens on the command line.
        const Json report = Json::parse(contents(folder + "/kurtoscope_export.json").toStdString());
        QCOMPARE(report["checks"].size(), std::size_t(3));
        writeContents(place.filePath("recipe.json"), QByteArray::fromStdString(report["recipe"].dump()));
        const auto again =
            runCommand({"predict", folder, "--text", "Anselm", "--recipe", "stored", "--json", "-"});
        QVERIFY2(again.code == 0, again.err);
        const auto before =
            runCommand({"predict", tinyModel, "--text", "Anselm", "--recipe", place.filePath("recipe.json"),
                        "--calibration", tinyText, "--json", "-"});
        QVERIFY2(before.code == 0, before.err);
        QCOMPARE(again.json()["ids"], before.json()["ids"]);

        const auto taken = runCommand(words);
        QCOMPARE(taken.code, 1);
        QVERIFY(taken.lastLine().contains("--force"));
        QVERIFY(runCommand(words + QStringList{"--force"}).code == 0);
    }

    void planningWritesNothing() {
        const QTemporaryDir place;
        const auto run = runCommand({"export", tinyModel, "--recipe", "w8a8:dynamic=on", "--format",
                                     "compressed-tensors", "--plan", "--out", place.filePath("made")});
        QVERIFY2(run.code == 0, run.err);
        QVERIFY(run.out.contains("cannot carry") && run.out.contains("127.5") &&
                run.out.contains("nothing was written"));
        QVERIFY(!QFileInfo::exists(place.filePath("made")));
    }

    void mistakesAreSentences_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<int>("code");
        QTest::addColumn<QString>("said");
        const QStringList usual{"export", tinyModel, "--recipe", "w8a8", "--format", "compressed-tensors"};
        QTest::newRow("no folder") << usual << 2 << "--out is required";
        QTest::newRow("unknown format")
            << QStringList{"export", tinyModel, "--recipe", "w8a8", "--format", "gguf9", "--plan"} << 2
            << "formats";
        QTest::newRow("unknown parameter")
            << QStringList{"export",          tinyModel,  "--recipe",
                           "w8a8:dynamic=on", "--format", "compressed-tensors:bits=4",
                           "--plan"}
            << 1 << "packing";
        QTest::newRow("no text") << QStringList(usual + QStringList{"--plan"}) << 1 << "--calibration";
        QTest::newRow("refused") << QStringList{"export",   tinyModel,
                                                "--recipe", "w8a8:activation=per-channel,dynamic=on",
                                                "--format", "compressed-tensors",
                                                "--out",    QDir::temp().filePath("never")}
                                 << 1 << "per channel";
        QTest::newRow("no export") << QStringList{"verify", tinyModel} << 1 << "no export of Kurtoscope";
    }
    void mistakesAreSentences() {
        QFETCH(QStringList, words);
        QFETCH(int, code);
        QFETCH(QString, said);
        const auto run = runCommand(words);
        QVERIFY2(run.code == code && run.err.contains(said.toUtf8()), run.err);
    }
};

QTEST_GUILESS_MAIN(CommandExportTest)
#include "test_command_export.moc"
