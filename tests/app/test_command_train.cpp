// SPDX-License-Identifier: GPL-3.0-or-later
// `kurtoscope train` and `reproduce activation-regularization` through the real binary: killed, stopped, out
// of disk space, and beside transformers where that is at hand.
#include <QtTest>

#include "app/commands/regularization_study.h"
#include "core/data/training_run.h"
#include "core/workbench.h"
#include "tests/support/reference_python.h"
#include "tests/support/training_spec.h"

#include <QTemporaryDir>
#include <csignal>
#include <sys/resource.h>
#include <unistd.h>

using namespace kurtoscope;
using namespace kurtoscope::commands;
using kurtoscope::test::contents;
using kurtoscope::test::lastWeights;
using kurtoscope::test::runCommand;
using kurtoscope::test::shortSpec;
using kurtoscope::test::writeContents;

namespace {

EmergenceStep seen(int step, double kurtosis, double weightError, int outliers, Site site) {
    EmergenceStep made;
    made.step = step;
    EmergenceSite one;
    one.site = site, one.kurtosis = kurtosis, one.weightKurtosis = 3 + weightError,
    one.weightError = weightError;
    one.maxToMedian = 10;
    for (int i = 0; i < outliers; ++i)
        one.outliers.insert(i);
    made.sites.push_back(one);
    return made;
}

StudyArm arm(const char* id, std::initializer_list<std::tuple<int, int, double>> cells) {
    StudyArm made;
    made.id = made.title = id;
    for (const auto& [weights, activations, score] : cells) {
        GridCell cell{weights, activations, "", {}};
        cell.reading.score = score, cell.reading.standardError = 0.1, cell.reading.differenceError = 0.01;
        cell.reading.difference = score - 20;
        made.grid.cells.push_back(cell);
    }
    return made;
}

} // namespace

class TestCommandTrain : public QObject {
    Q_OBJECT

private slots:
    void aKilledRunGoesOnAsIfNothingHadHappened() {
        QTemporaryDir place;
        writeContents(place.filePath("spec.json"), shortSpec());
        const QStringList words{
            "train",         place.filePath("spec.json"), "--threads", "1", "--qat-bits", "4",
            "--regularizer", "kurtosis:lambda=0.001",     "--out"};
        const auto whole = runCommand(words + QStringList{place.filePath("whole"), "--json", "-"});
        QVERIFY2(whole.code == 0, whole.err.constData());
        QCOMPARE(whole.json()["step"].get<int>(), 40);
        QVERIFY(whole.json()["finished"].get<bool>());

        QProcess process;
        process.setProcessEnvironment(test::commandEnvironment());
        process.start(KURTOSCOPE_BINARY, words + QStringList{place.filePath("killed")});
        const QString tenth =
            place.filePath("killed/") + QString::fromStdString(checkpointName(10)) + "/config.json";
        QTRY_VERIFY_WITH_TIMEOUT(QFileInfo::exists(tenth), 60'000);
        ::kill(static_cast<pid_t>(process.processId()), SIGKILL);
        QVERIFY(process.waitForFinished());
        const TrainingRun broken = TrainingRun::read(place.filePath("killed").toStdString());
        const auto resumed =
            runCommand({"train", "--resume", "--threads", "1", "--out", place.filePath("killed")});
        QVERIFY2(resumed.code == 0, resumed.err.constData());
        QCOMPARE(lastWeights(place.filePath("killed")), lastWeights(place.filePath("whole")));
        QVERIFY(!broken.finished);
    }

    void stoppingLeavesACheckpoint() {
        QTemporaryDir place;
        writeContents(place.filePath("spec.json"), shortSpec(100'000));
        QProcess process;
        process.setProcessEnvironment(test::commandEnvironment());
        process.start(KURTOSCOPE_BINARY, {"train", place.filePath("spec.json"), "--threads", "1", "--out",
                                          place.filePath("run")});
        QTRY_VERIFY_WITH_TIMEOUT(contents(place.filePath("run/metrics.jsonl")).count('\n') > 3, 60'000);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(60'000));
        QCOMPARE(process.exitCode(), 130);
        const TrainingRun run = TrainingRun::read(place.filePath("run").toStdString());
        QCOMPARE(run.checkpoints.back().first, run.records.back().step);
        QVERIFY(!run.finished && run.records.back().step > 3);
    }

    // A limit on the size of files stands for a full disk: the write fails in the middle.
    void aFullDiskLeavesNoHalfCheckpoint() {
#if defined(__SANITIZE_THREAD__)
        QSKIP("ThreadSanitizer keeps files of its own, which the limit on their size cuts");
#endif
        QTemporaryDir place;
        writeContents(place.filePath("spec.json"), shortSpec());
        QProcess process;
        process.setProcessEnvironment(test::commandEnvironment());
        // The weights fit, 150 kB of them; the optimizer's moments, twice as large, do not.
        process.setChildProcessModifier([] {
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{200'000, 200'000};
            ::setrlimit(RLIMIT_FSIZE, &limit);
        });
        process.start(KURTOSCOPE_BINARY, {"train", place.filePath("spec.json"), "--threads", "1", "--out",
                                          place.filePath("run")});
        QVERIFY(process.waitForFinished(120'000));
        const int code = process.exitCode();
        const QByteArray err = process.readAllStandardError();
        QCOMPARE(code, 1);
        QVERIFY2(err.contains("cannot write") && err.contains("step-000005"), err.constData());
        QDir checkpoints(place.filePath("run/checkpoints"));
        QCOMPARE(checkpoints.entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot),
                 QStringList{"step-000000"});
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(checkpoints.filePath("step-000000").toStdString());
    }

    void comparingPrintsTheGrid() {
        QTemporaryDir place;
        writeContents(place.filePath("spec.json"), shortSpec(10));
        for (const char* name : {"a", "b"}) {
            const auto made = runCommand({"train", place.filePath("spec.json"), "--name", name, "--threads",
                                          "1", "--out", place.filePath(name)});
            QVERIFY2(made.code == 0, made.err.constData());
        }
        const auto run = runCommand({"train", "--compare", place.filePath("a"), place.filePath("b"), "--gptq",
                                     "--emergence", "--windows", "8", "--threads", "1", "--json", "-"});
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY(run.err.contains("W4 RTN") && run.err.contains("W4 GPTQ") && run.err.contains("±"));
        const auto json = run.json();
        QCOMPARE(json["grids"].size(), std::size_t{4});
        QCOMPARE(json["grids"][0]["cells"].size(), std::size_t{12});
        QCOMPARE(json["grids"][1]["cells"].size(), std::size_t{9}); // 16-bit weights stand in the other
        QVERIFY(json["grids"][1]["weights"] == "gptq");
        QCOMPARE(json["emergence"][1]["steps"].size(), std::size_t{3});
        QCOMPARE(json["grids"][0]["cells"][5]["perplexity"], json["grids"][2]["cells"][5]["perplexity"]);
    }

    void aSpecCanBePrintedAndUsed() {
        QTemporaryDir place;
        const auto printed =
            runCommand({"train", "--preset", "tiny", "--qat-bits", "4", "--steps", "50", "--print-spec"});
        QCOMPARE(printed.code, 0);
        const TrainingSpec made = TrainingSpec::fromJson(printed.out.toStdString(), "printed");
        QCOMPARE(made.inputBits, 4);
        QCOMPARE(made.steps, 50);
        const auto listed = runCommand({"train", "--list", "--json", "-"});
        QCOMPARE(listed.json()["regularizers"].size(), std::size_t{6});
    }

    void badWords_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<int>("code");
        QTest::addColumn<QByteArray>("says");
        const auto row = [](const char* name, const QStringList& words, int code, const char* says) {
            QTest::newRow(name) << (QStringList{"train"} + words) << code << QByteArray(says);
        };
        row("no folder", {"--preset", "tiny"}, 2, "--out");
        row("unknown preset", {"--preset", "huge", "--out", "x"}, 2, "huge");
        row("unknown regularizer", {"--regularizer", "magic", "--out", "x"}, 1, "kurtosis");
        row("a recipe for a regularizer", {"--regularizer", "kurtosis+linf", "--out", "x"}, 2,
            "begins with its id");
        row("no such spec", {"/nowhere.json", "--out", "x"}, 1, "nowhere.json");
        row("one bit", {"--qat-bits", "1", "--out", "x"}, 2, "1");
        row("no such text", {"--text", "/nowhere.txt", "--out", "x"}, 1, "nowhere.txt");
        row("nothing to go on with", {"--resume", "--out", "/nowhere"}, 1, "no such folder");
        row("nothing to compare", {"--compare", "/nowhere"}, 1, "no such folder");
    }
    void badWords() {
        QFETCH(QStringList, words);
        QFETCH(int, code);
        QFETCH(QByteArray, says);
        const auto run = runCommand(words);
        QCOMPARE(run.code, code);
        QVERIFY2(run.err.contains(says), run.err.constData());
    }

    // What transformers makes of a checkpoint, where there is a Python that has it.
    void transformersOpensCheckpoints_data() {
        QTest::addColumn<QString>("family");
        QTest::newRow("GPT-2") << "gpt2";
        QTest::newRow("LLaMA") << "llama";
    }
    void transformersOpensCheckpoints() {
        QFETCH(QString, family);
        const QString python = QString::fromStdString(test::referencePython());
        if (python.isEmpty()) QSKIP("no Python with transformers");
        QTemporaryDir place;
        writeContents(
            place.filePath("spec.json"),
            shortSpec(10).replace("\"layers\"", "\"family\": \"" + family.toUtf8() + "\", \"layers\""));
        const auto made = runCommand(
            {"train", place.filePath("spec.json"), "--threads", "1", "--out", place.filePath("run")});
        QVERIFY2(made.code == 0, made.err.constData());
        const QString folder = QString::fromStdString(
            TrainingRun::read(place.filePath("run").toStdString()).checkpoints.back().second);
        QProcess process;
        process.start(python,
                      {"-c",
                       "import sys, json, torch\n"
                       "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
                       "t = AutoTokenizer.from_pretrained(sys.argv[1])\n"
                       "m = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()\n"
                       "ids = t('te banane vidat. Sa po', return_tensors='pt').input_ids\n"
                       "print(json.dumps([ids[0].tolist(), m(ids).logits[0].flatten().tolist()]))",
                       folder});
        QVERIFY(process.waitForFinished(120'000));
        QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
        const auto theirs = test::Json::parse(process.readAllStandardOutput().toStdString());
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(folder.toStdString());
        const auto mine = workbench.predict("te banane vidat. Sa po", {}, {});
        QCOMPARE(mine.prediction.ids, theirs[0].get<std::vector<int>>());
        const auto logits = theirs[1].get<std::vector<float>>();
        QCOMPARE(mine.logits.size(), logits.size());
        for (std::size_t i = 0; i < logits.size(); ++i)
            QVERIFY(std::abs(mine.logits[i] - logits[i]) < 1e-4F);
    }

    // Figures as the paper tells them bear out every claim, and figures without any of it none but that four
    // bits hurt.
    void claimsAreJudgedByTheirRules() {
        const Site stream{1, Place::attn_input};
        auto none = arm("none", {{16, 16, 20}, {16, 4, 60}, {4, 4, 80}}),
             kurtosis = arm("kurtosis", {{16, 16, 20.2}, {16, 4, 30}, {4, 4, 31}}),
             qat = arm("qat", {{16, 16, 20.1}, {16, 4, 20.5}, {4, 4, 25}}),
             both = arm("both", {{16, 16, 20.2}, {16, 4, 20.6}, {4, 4, 20.8}});
        for (int step : {0, 100, 200, 300, 400}) {
            none.emergence.steps.push_back(seen(step, 10 + step, 0.01, step ? 5 : 0, stream));
            kurtosis.emergence.steps.push_back(seen(step, 4, 0.01, 0, stream));
            qat.emergence.steps.push_back(seen(step, 400 - step, 0.01 + step / 1e4, 0, stream));
            both.emergence.steps.push_back(seen(step, 4, 0.01, 0, stream));
        }
        const auto claims = judge(std::vector<StudyArm>{none, kurtosis, qat, both});
        QCOMPARE(claims.size(), std::size_t{9});
        for (const StudyClaim& claim : claims)
            QVERIFY2(claim.holds, (claim.claim + ": " + claim.measured).c_str());
        QVERIFY(std::abs(migrationCorrelation(qat.emergence) + 1) < 1e-9);

        const auto flat = arm("", {{16, 16, 20}, {16, 4, 60}, {4, 4, 61}});
        std::vector<StudyArm> same;
        for (const char* id : {"none", "kurtosis", "qat", "both"}) {
            same.push_back(flat);
            same.back().id = same.back().title = id;
            for (int step : {0, 100, 200, 300, 400})
                same.back().emergence.steps.push_back(
                    seen(step, 10 + step, 0.01 + step / 1e4, step == 400 ? 3 : 0, {0, Place::mlp_input}));
        }
        for (const StudyClaim& claim : judge(same))
            QVERIFY2(claim.holds == claim.claim.starts_with("4-bit activations hurt"),
                     (claim.claim + ": " + claim.measured).c_str());
        // An arm that is not there is no arm that failed silently.
        for (const StudyClaim& claim : judge(std::vector<StudyArm>{}))
            QVERIFY2(!claim.holds && !claim.measured.empty(), claim.claim.c_str());
    }

    void theStudySaysWhatItWouldTrain() {
        QTemporaryDir place;
        const auto run = runCommand({"reproduce", "activation-regularization", "--scale", "1b", "--plan",
                                     "--out", place.filePath("runs")});
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY2(run.err.contains("24 layers × 2048") && run.err.contains("20.0 G tokens"),
                 run.err.constData());
        QVERIFY2(run.err.contains("of memory") && run.err.contains(" for each, at the "),
                 run.err.constData());
        QVERIFY(!QFileInfo::exists(place.filePath("runs")));
    }

    // Neither by the kernel, hours later, nor with half a run left behind.
    void whatDoesNotFitIntoMemoryIsRefused() {
        QTemporaryDir place;
        TrainingSpec spec = TrainingSpec::fromJson(shortSpec().toStdString(), "spec");
        spec.artificialBytes = std::int64_t{1} << 40;
        writeContents(place.filePath("text.json"), QByteArray::fromStdString(spec.toJson()));
        spec.artificialBytes = 60'000, spec.batch = 1'000'000, spec.model.hidden = 512;
        writeContents(place.filePath("batch.json"), QByteArray::fromStdString(spec.toJson()));
        for (const auto& [file, words] :
             {std::pair{"text.json", "making its text ready takes about 2199 GB of memory"},
              {"batch.json", "training it takes about "}}) {
            const auto run = runCommand(
                {"train", place.filePath(file), "--device", "cpu", "--out", place.filePath("run")});
            QCOMPARE(run.code, 1);
            QVERIFY2(run.err.contains(words) && run.err.contains("are free"), run.err.constData());
            QVERIFY(!QFileInfo::exists(place.filePath("run")));
        }
    }

    void theStudyRunsAsAWhole() {
        QTemporaryDir place;
        writeContents(place.filePath("spec.json"), shortSpec());
        const QStringList words{"reproduce", "activation-regularization",
                                "--spec",    place.filePath("spec.json"),
                                "--steps",   "8",
                                "--threads", "1",
                                "--out",     place.filePath("runs"),
                                "--report",  place.filePath("page"),
                                "--json",    "-"};
        const auto run = runCommand(words);
        QVERIFY2(run.code == 0, run.err.constData());
        const auto json = run.json();
        QCOMPARE(json["arms"].size(), std::size_t{4});
        QCOMPARE(json["claims"].size(), std::size_t{9});
        for (const auto& arm : json["arms"]) {
            QVERIFY(arm["finished"].get<bool>());
            QCOMPARE(arm["grid"]["cells"].size(), std::size_t{12});
            QCOMPARE(arm["emergence"]["steps"].size(), std::size_t{9});
        }
        QVERIFY(json["arms"][2]["grid"]["learned_ranges"].get<bool>());
        const QByteArray page = contents(place.filePath("page/index.html"));
        for (const char* part : {"Claim by claim", "W4A4", "data:image/png;base64", "RTN-4 error"})
            QVERIFY2(page.contains(part), part);
        QVERIFY(!page.contains("http://") && !page.contains("https://"));
        // Eight steps hardly move a weight: an axis as narrow as that is told by three figures all the same.
        const QList<QByteArray> figures =
            QByteArray(page).replace("<svg viewBox=\"0 0 380", "\f").split('\f');
        QCOMPARE(figures.size(), 5);
        for (int i = 1; i < 5; ++i)
            QVERIFY2(figures[i].left(figures[i].indexOf("</svg>")).count("text-anchor=\"end\"") >= 3,
                     figures[i].left(2000).constData());
        // What was trained is not trained again.
        const auto again = runCommand(words);
        QCOMPARE(again.json()["arms"][3]["grid"], json["arms"][3]["grid"]);
        QVERIFY(!again.err.contains("step 8/8"));
    }
};

QTEST_GUILESS_MAIN(TestCommandTrain)
#include "test_command_train.moc"
