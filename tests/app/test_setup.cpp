// SPDX-License-Identifier: GPL-3.0-or-later
// ./run and ./test on machines that lack something: one clear sentence each, and no second fetch of what is
// there.
#include <QtTest>

namespace {

// A copy of the scripts in a folder of its own, with a PATH that holds basic tools and the stand-ins of a
// test.
class Machine {
public:
    Machine() {
        for (const char* folder : {"bin", "tools", "sample_models", "resources"})
            QDir(root_.path()).mkpath(folder);
        for (const char* file : {"run", "test", "tools/setup.sh", "tools/fetch_models.py",
                                 "tools/count_tests.py", "sample_models/catalogue.json"})
            QFile::copy(QStringLiteral(KURTOSCOPE_SOURCE_DIR "/") + file, path(file));
        for (const char* tool : {"bash", "env", "dirname", "cat", "mkdir", "rm", "tail", "cut", "tr", "sed",
                                 "awk", "grep", "sleep", "flock", "nproc", "python3", "ls", "chmod"})
            QFile::link(QStandardPaths::findExecutable(tool), path(QByteArray("bin/") + tool));
        standIn("df", "echo Filesystem; echo /dev/x 100000000 1 90000000 1% /");
        standIn("id", "echo 0");
        standIn("nvidia-smi", "exit 1");
        standIn("apt-get", "exit 0");
        standIn("dpkg", "exit 0");
        standIn("dpkg-query", "while [ $# -gt 0 ]; do echo \"ii $1\"; shift; done");
        write("os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n");
        // Nothing is fetched: the package index refuses connections.
        for (const auto& [key, value] : {std::pair{"PIP_CONFIG_FILE", "/dev/null"},
                                         {"PIP_INDEX_URL", "http://127.0.0.1:9/simple"},
                                         {"PIP_RETRIES", "1"},
                                         {"LC_ALL", "C.UTF-8"}})
            environment_.insert(key, value);
        environment_.insert("PATH", path("bin"));
        environment_.insert("HOME", root_.path());
        environment_.insert("KURTOSCOPE_OS_RELEASE", path("os-release"));
    }

    QString path(const QString& name) const { return root_.filePath(name); }
    void set(const QString& key, const QString& value) { environment_.insert(key, value); }

    void write(const QString& name, const QByteArray& text) {
        QDir().mkpath(QFileInfo(path(name)).path());
        QFile file(path(name));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(text);
    }

    void executable(const QString& name, const QByteArray& body) {
        QFile::remove(path(name));
        write(name, "#!/bin/bash\n" + body + "\n");
        QVERIFY(QFile::setPermissions(path(name), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner));
    }

    void standIn(const QString& tool, const QByteArray& body) { executable("bin/" + tool, body); }
    void remove(const QString& tool) { QFile::remove(path("bin/" + tool)); }

    // A LibTorch, models and a compiler that are already there.
    void equip() {
        write("torch/include/readme", "");
        write("torch/lib/libtorch_cpu.so", "");
        set("KURTOSCOPE_TORCH", path("torch"));
        executable("build/venv/bin/python", "exit 0");
        standIn("cmake", "echo \"cmake $*\" >>\"" + path("cmake-calls").toUtf8() +
                             "\"\necho 'ninja: no work to do.'\nmkdir -p build/release\n"
                             "printf '#!/bin/bash\\necho \"program:$*\"\\n' >build/release/kurtoscope\n"
                             "chmod +x build/release/kurtoscope");
    }

    int start(const QString& script, const QStringList& arguments = {}) {
        QProcess process;
        process.setProcessEnvironment(environment_);
        process.start(path("bin/bash"), QStringList{path(script)} + arguments);
        process.closeWriteChannel();
        if (!process.waitForFinished(120000)) return -1;
        out = QString::fromUtf8(process.readAllStandardOutput());
        said = QString::fromUtf8(process.readAllStandardError());
        return process.exitCode();
    }

    QString out, said;

private:
    QTemporaryDir root_;
    QProcessEnvironment environment_;
};

} // namespace

class TestSetup : public QObject {
    Q_OBJECT
private slots:
    void aLackIsOneSentence_data() {
        QTest::addColumn<QString>("tool");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<QString>("sentence");
        QTest::addRow("disk") << "df" << QByteArray("echo x; echo /dev/x 100 1 2097152 1% /")
                              << "Stopped: only 2 GB are free in";
        QTest::addRow("no apt") << "apt-get" << QByteArray()
                                << "Stopped: Debian 12 is not supported by this script";
    }
    void aLackIsOneSentence() {
        QFETCH(QString, tool);
        QFETCH(QByteArray, body);
        QFETCH(QString, sentence);
        Machine machine;
        body.isEmpty() ? machine.remove(tool) : machine.standIn(tool, body);
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains(sentence), qPrintable(machine.said));
    }

    void systems_data() {
        QTest::addColumn<QByteArray>("release");
        QTest::addColumn<QString>("sentence");
        QTest::addRow("old Debian") << QByteArray("ID=debian\nVERSION_ID=11\nPRETTY_NAME=\"Debian 11\"\n")
                                    << "Debian 11 is too old: Debian 12 or Ubuntu 24.04 is needed";
        QTest::addRow("old Ubuntu") << QByteArray(
                                           "ID=ubuntu\nVERSION_ID=22.04\nPRETTY_NAME=\"Ubuntu 22.04\"\n")
                                    << "Ubuntu 22.04 is too old";
        QTest::addRow("other") << QByteArray("ID=fedora\nVERSION_ID=41\nPRETTY_NAME=\"Fedora 41\"\n")
                               << "Fedora 41 is not supported by this script";
    }
    void systems() {
        QFETCH(QByteArray, release);
        QFETCH(QString, sentence);
        Machine machine;
        machine.write("os-release", release);
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains(sentence), qPrintable(machine.said));
        QVERIFY2(machine.said.contains("libqcustomplot-dev"), "the packages to install by hand are named");
    }

    void aDerivativeIsTakenAsItsParent() {
        Machine machine;
        machine.equip();
        machine.write("os-release", "ID=linuxmint\nVERSION_ID=22\nID_LIKE=\"ubuntu debian\"\n");
        QCOMPARE(machine.start("run", {"--version"}), 0);
    }

    void noSudoNamesTheMissingPackages() {
        Machine machine;
        machine.standIn("id", "echo 1000");
        machine.standIn("dpkg-query", "echo 'ii g++'; exit 1");
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains("there is no sudo to install them with"), qPrintable(machine.said));
        QVERIFY2(machine.said.contains("apt-get install cmake ninja-build"), qPrintable(machine.said));
        machine.standIn("sudo", "exit 1");
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains("sudo asks for a password"), qPrintable(machine.said));
    }

    void aptFailures_data() {
        QTest::addColumn<QByteArray>("log");
        QTest::addColumn<QString>("sentence");
        QTest::addRow("network") << QByteArray("Err:1 Temporary failure resolving 'mirror'")
                                 << "there seems to be no network";
        QTest::addRow("disk") << QByteArray("E: You don't have enough free space in /var/cache")
                              << "there is no disk space left for the system's packages";
        QTest::addRow("other") << QByteArray("E: Unmet dependencies") << "could not be installed";
    }
    void aptFailures() {
        QFETCH(QByteArray, log);
        QFETCH(QString, sentence);
        Machine machine;
        machine.standIn("dpkg-query", "echo 'ii g++'; exit 1");
        machine.standIn("apt-get", "echo \"" + log + "\"; exit 100");
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains(sentence), qPrintable(machine.said));
        QVERIFY(machine.said.contains("build/logs/apt.log"));
    }

    void noNetworkForTorch() {
        Machine machine;
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains("torch 2.11.0 could not be fetched: there seems to be no network."),
                 qPrintable(machine.said));
        QVERIFY2(!QFile::exists(machine.path("build/venv/kurtoscope-torch-stamp")),
                 "a half-made installation must not look whole");
    }

    void aGivenTorchMustBeOne() {
        Machine machine;
        machine.set("KURTOSCOPE_TORCH", machine.path("nowhere"));
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains("holds no LibTorch (include/ and lib/libtorch_cpu.so)"),
                 qPrintable(machine.said));
    }

    void aCompileErrorIsShownWithItsLastLines() {
        Machine machine;
        machine.equip();
        machine.standIn("cmake",
                        "[ \"$1\" = --build ] || exit 0\nfor i in $(echo {1..40}); do echo line $i; done\n"
                        "echo 'a.cpp:1: error: no such thing'; exit 1");
        QCOMPARE(machine.start("run"), 1);
        QVERIFY2(machine.said.contains("a.cpp:1: error: no such thing"), qPrintable(machine.said));
        QVERIFY(machine.said.contains("line 22\n") && !machine.said.contains("line 21\n"));
        QVERIFY(machine.said.contains("Stopped: the program did not compile."));
    }

    void withoutModelsTheBundledOneIsOpened() {
        Machine machine;
        machine.equip();
        machine.executable("build/venv/bin/python",
                           "echo 'SmolLM2: pip could not download it (no network?)'; exit 1");
        QCOMPARE(machine.start("run"), 0);
        QVERIFY2(machine.said.contains("not all could be fetched"), qPrintable(machine.said));
        QVERIFY2(machine.said.contains("(no network?)"), qPrintable(machine.said));
        QCOMPARE(machine.out,
                 "program:report sample_models/tiny-llama --data sample_models/tiny-llama/heldout.txt "
                 "--html build/report.html\n");
    }

    void argumentsReachTheProgramAndStandardOutputIsItsOwn() {
        Machine machine;
        machine.equip();
        QCOMPARE(machine.start("run", {"evaluate", "m", "--json", "-"}), 0);
        QCOMPARE(machine.out, "program:evaluate m --json -\n");
        QVERIFY(machine.said.contains("already there"));
        QVERIFY(machine.said.contains("[4/4] Build (release) … up to date"));
        QFile calls(machine.path("cmake-calls"));
        QVERIFY(calls.open(QIODevice::ReadOnly));
        QVERIFY(calls.readAll().contains("--preset release -DKURTOSCOPE_TORCH=" +
                                         machine.path("torch").toUtf8()));
    }

    void aDisplayOpensTheWindowUnlessHeadless() {
        Machine machine;
        machine.equip();
        machine.write("build/models/SmolLM2-135M-Instruct.Q4_1.gguf", "");
        machine.set("DISPLAY", ":7");
        QCOMPARE(machine.start("run"), 0);
        QCOMPARE(machine.out,
                 "program:build/models/SmolLM2-135M-Instruct.Q4_1.gguf --data resources/demo_text.txt\n");
        QCOMPARE(machine.start("run", {"--headless"}), 0);
        QVERIFY(machine.out.startsWith("program:report build/models/SmolLM2"));
    }

    void testCountsFunctions() {
        Machine machine;
        machine.write("tests.xml", R"(<?xml version="1.0" encoding="UTF-8"?><testsuite>
<testcase name="a" status="fail"><failure message=""/><system-out>SKIP   : TestA::b(row) no data
Totals: 4 passed, 1 failed, 1 skipped, 0 blacklisted, 1ms
</system-out></testcase>
<testcase name="crashed" status="fail"><failure message=""/><system-out>PASS : TestB::a()</system-out></testcase>
<testcase name="leaks" status="fail"><failure message=""/><system-out>
Totals: 2 passed, 0 failed, 0 skipped, 0 blacklisted, 1ms</system-out></testcase>
<testcase name="absent" status="notrun"><skipped message="Unable to find executable"/><system-out/></testcase>
<testcase name="plain" status="run"><system-out/></testcase></testsuite>)");
        QProcess process;
        process.start("python3", {machine.path("tools/count_tests.py"), machine.path("tests.xml")});
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.readAllStandardOutput(),
                 QByteArray("skipped TestA::b: no data\n7 passed, 4 failed, 1 skipped\n"));
    }
};

QTEST_APPLESS_MAIN(TestSetup)
#include "test_setup.moc"
