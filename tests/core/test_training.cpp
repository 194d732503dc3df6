// SPDX-License-Identifier: GPL-3.0-or-later
// Whole runs, seconds long: what they learn, what they leave behind, and how they go on.
#include <QtTest>

#include "core/base/atomic_file.h"
#include "core/training_lab.h"
#include "core/workbench.h"
#include "tests/support/failure.h"

#include <cmath>
#include <filesystem>

using namespace kurtoscope;
namespace fs = std::filesystem;

namespace {

TrainingSpec seconds() {
    TrainingSpec spec;
    spec.model = {"gpt2", 2, 32, 2, 0, 0, 32, 300};
    spec.steps = 24, spec.batch = 4, spec.warmup = 4, spec.learningRate = 5e-3;
    spec.artificialBytes = 60'000;
    spec.checkpointEvery = 8, spec.validateEvery = 12, spec.validationWindows = 8, spec.recordEvery = 1;
    return spec;
}

TrainingLab lab() {
    return TrainingLab({DeviceKind::cpu, 1});
}

std::string last(const TrainingRun& run, const char* file) {
    return readFile(fs::path(run.checkpoints.back().second) / file);
}

} // namespace

class TrainingTest : public QObject {
    Q_OBJECT

private slots:
    void aRunLearnsAndItsCheckpointsOpen_data() {
        QTest::addColumn<QString>("family");
        QTest::newRow("GPT-2") << "gpt2";
        QTest::newRow("LLaMA") << "llama";
    }
    void aRunLearnsAndItsCheckpointsOpen() {
        QFETCH(QString, family);
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.model.family = family.toStdString();
        spec.steps = 60, spec.checkpointEvery = 30, spec.validateEvery = 30;
        std::vector<TrainingRecord> told;
        const TrainingRun run = lab().train(spec, path(place, "run"), false, {},
                                            [&](const TrainingRecord& record) { told.push_back(record); });
        QVERIFY(run.finished);
        QCOMPARE(run.checkpoints.size(), std::size_t{3});
        QCOMPARE(run.records.size(), told.size());
        QVERIFY(run.records == told);
        QVERIFY2(told.front().loss > 5 && told.front().loss < 6.2,
                 qPrintable(QString::number(told.front().loss)));
        QVERIFY2(*told.back().validationLoss < told.front().loss - 1,
                 qPrintable(QString::number(*told.back().validationLoss)));
        QVERIFY(*told.back().validationError > 0);
        QCOMPARE(told.back().tokens, std::int64_t{60 * 4 * 32});
        QVERIFY(told[3].learningRate == spec.learningRate &&
                told.back().learningRate < spec.learningRate / 5);
        for (const auto& [step, folder] : run.checkpoints) {
            Workbench workbench({DeviceKind::cpu, 1, 1});
            QCOMPARE(QString::fromStdString(workbench.open(folder).architecture), family);
            QVERIFY(workbench.model().warnings.empty());
            QVERIFY(!workbench.predict("te", {}, {}).logits.empty());
        }
    }

    // Stopped in the middle and gone on with: the same bytes, with everything that draws or remembers.
    void goingOnEqualsAnUnbrokenRun_data() {
        QTest::addColumn<int>("stopAt");
        QTest::newRow("between checkpoints") << 11;
        QTest::newRow("at a checkpoint") << 16;
        QTest::newRow("at the first step") << 1;
    }
    void goingOnEqualsAnUnbrokenRun() {
        QFETCH(int, stopAt);
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.inputBits = 4, spec.weightBits = 6, spec.dropout = 0.1, spec.accumulation = 2;
        spec.inputStart = 0.5; // at step 12
        spec.regularizers = {{"kurtosis", {{"lambda", "0.01"}, {"ramp", "0.5"}}}};
        const TrainingRun whole = lab().train(spec, path(place, "whole"));
        std::stop_source stop;
        const auto stopThere = [&](const TrainingRecord& record) {
            if (record.step == stopAt - 1 || stopAt == 1) stop.request_stop();
        };
        if (stopAt == 1) stop.request_stop();
        try {
            lab().train(spec, path(place, "broken"), false, stop.get_token(), stopThere);
            QVERIFY(stopAt != 1);
            QFAIL("it was not stopped");
        } catch (const Cancelled&) {
        }
        if (stopAt > 1) {
            const TrainingRun part = TrainingRun::read(path(place, "broken"));
            QVERIFY(!part.finished);
            QCOMPARE(part.checkpoints.back().first, stopAt);
            const TrainingRun gone = lab().train({}, path(place, "broken"), true);
            QVERIFY(gone.finished);
            QCOMPARE(last(gone, "model.safetensors"), last(whole, "model.safetensors"));
            QCOMPARE(last(gone, "training_state.safetensors"), last(whole, "training_state.safetensors"));
            QCOMPARE(last(gone, "recipe.json"), last(whole, "recipe.json"));
            QCOMPARE(gone.records.size(), whole.records.size());
            for (std::size_t i = 0; i < gone.records.size(); ++i) {
                QCOMPARE(gone.records[i].loss, whole.records[i].loss);
                QCOMPARE(gone.records[i].penalty, whole.records[i].penalty);
            }
        } else {
            QVERIFY(!fs::exists(fs::path(path(place, "broken")) / checkpointName(1)));
        }
    }

    void aPenaltyOfNoWeightCostsNothing() {
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.steps = 8;
        const TrainingRun plain = lab().train(spec, path(place, "plain"));
        spec.regularizers = {{"kurtosis", {{"lambda", "0"}}}, {"linf", {{"lambda", "0"}}}};
        const TrainingRun weightless = lab().train(spec, path(place, "weightless"));
        QCOMPARE(last(weightless, "model.safetensors"), last(plain, "model.safetensors"));
        for (const TrainingRecord& record : weightless.records)
            for (const TrainingSiteFigures& site : record.sites)
                QVERIFY(record.penalty == 0 && !site.penalty && site.kurtosis && !site.clipLow);
        spec.regularizers = {{"kurtosis", {{"lambda", "0.01"}}}};
        const TrainingRun weighty = lab().train(spec, path(place, "weighty"));
        QVERIFY(last(weighty, "model.safetensors") != last(plain, "model.safetensors"));
        QVERIFY(weighty.records.back().penalty > 0 && weighty.records.back().sites[0].penalty);
        QCOMPARE(weighty.records.back().sites.size(), std::size_t{8});
    }

    // Validation during training, and the recipe of the checkpoint over the same windows: one figure.
    void theRecipeIsWhatWasTrained() {
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.inputBits = 4, spec.weightBits = 8, spec.validationWindows = 1000, spec.inputStart = 0;
        const TrainingRun run = lab().train(spec, path(place, "run"));
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(run.checkpoints.back().second);
        EvaluateRequest request;
        request.recipes = {Recipe::parse(run.checkpoints.back().second + "/recipe.json")};
        QCOMPARE(request.recipes[0].ranges.size(), std::size_t{8});
        QVERIFY(!Workbench::needsCalibration(request.recipes[0]));
        request.kernels = {KernelChoice::simulated};
        request.data.path = path(place, "run") + "/data/held_out.txt";
        request.data.length = spec.model.length, request.data.windows = 1000;
        request.latency = false;
        const Reading reading = workbench.evaluate(request).front();
        const double mine = std::log(reading.score), trained = *run.records.back().validationLoss;
        QVERIFY2(std::abs(mine - trained) < 1e-6,
                 qPrintable(QString("%1 against %2").arg(mine).arg(trained)));
        QVERIFY(reading.difference != 0);
        // It begins where rounding costs least, which leaves next to nothing outside.
        for (const TrainingSiteFigures& one : run.records.front().sites)
            QVERIFY2(*one.clippedShare < 0.1, qPrintable(QString::number(*one.clippedShare)));
        // Figures that training told of each site belong to the ranges that it left.
        const auto& sites = run.records.back().sites;
        QCOMPARE(sites.size(), std::size_t{8});
        for (const TrainingSiteFigures& one : sites) {
            const StaticRange& range = request.recipes[0].ranges.at(one.site);
            QCOMPARE(static_cast<float>(*one.clipLow), range.low);
            QCOMPARE(static_cast<float>(*one.clipHigh), range.high);
            QVERIFY(range.low <= 0 && range.high > 0);
        }
    }

    // Activations grow while a model learns. Clipping values that the loss alone moves stay behind, and more
    // and more values end outside, where nothing draws them back.
    void clippingValuesFollowWhatGrows() {
        TrainingSpec spec = seconds();
        spec.inputBits = 4, spec.steps = 160, spec.learningRate = 8e-3, spec.recordEvery = 20;
        spec.checkpointEvery = 1000, spec.validateEvery = 1000;
        const auto largest = [&](double pull) {
            QTemporaryDir place;
            spec.clipPull = pull;
            const TrainingRun run = lab().train(spec, path(place, "run"));
            double share = 0;
            for (const TrainingSiteFigures& one : run.records.back().sites)
                share = std::max(share, *one.clippedShare);
            return share;
        };
        const double left = largest(0), pulled = largest(TrainingSpec().clipPull);
        QVERIFY2(pulled < 0.1 && pulled < left / 2,
                 qPrintable(QString("%1, without a pull %2").arg(pulled).arg(left)));
    }

    void theGridAndTheCheckpointsAreShown() {
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.inputBits = 4;
        lab().train(spec, path(place, "run"));
        GridRequest request;
        request.windows = 8, request.calibration = 4;
        for (const bool gptq : {false, true}) {
            request.gptq = gptq;
            const PrecisionGrid grid = lab().grid(path(place, "run"), request);
            QCOMPARE(grid.cells.size(), std::size_t{12});
            QVERIFY(grid.learnedRanges);
            for (const GridCell& cell : grid.cells)
                QVERIFY(cell.reading.score > 1 && cell.reading.standardError > 0);
            QCOMPARE(grid.find(16, 16)->reading.difference, 0.0);
            QVERIFY(grid.find(3, 4)->reading.difference != 0);
            QVERIFY(std::abs(grid.find(8, 16)->reading.difference) <
                    std::abs(grid.find(3, 16)->reading.difference));
        }
        const Emergence seen = lab().emergence(path(place, "run"), 4);
        QCOMPARE(seen.steps.size(), std::size_t{4});
        for (const EmergenceStep& step : seen.steps) {
            QCOMPARE(step.sites.size(), std::size_t{8});
            for (const EmergenceSite& site : step.sites) {
                QCOMPARE(int(site.magnitude.size()), site.site.place == Place::mlp_hidden ? 128 : 32);
                QVERIFY(site.kurtosis > 1 && site.maxToMedian >= 1 && site.weightKurtosis > 1);
                QVERIFY(site.weightError > 0 && site.weightError < 0.1 && site.outputKurtosis > 1);
            }
        }
        // A Gaussian at first: weights have a kurtosis of 3.
        QVERIFY(std::abs(seen.steps[0].sites[0].weightKurtosis - 3) < 0.6);
    }

    // What was seen at a checkpoint is found again, as long as it is the same checkpoint and readable.
    void whatWasSeenIsKept() {
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        const TrainingRun run = lab().train(spec, path(place, "run"));
        TrainingOptions options{DeviceKind::cpu, 1, path(place, "kept")};
        const auto look = [&] { return TrainingLab(options).emergence(run.path, 4); };
        const auto same = [](const EmergenceSite& a, const EmergenceSite& b) {
            return a.site == b.site && a.magnitude == b.magnitude && a.outliers == b.outliers &&
                   a.kurtosis == b.kurtosis && a.maxToMedian == b.maxToMedian &&
                   a.weightKurtosis == b.weightKurtosis && a.weightError == b.weightError &&
                   a.outputKurtosis == b.outputKurtosis;
        };
        const auto alike = [&](const Emergence& a, const Emergence& b) {
            return std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(),
                              [&](const EmergenceStep& x, const EmergenceStep& y) {
                                  return x.step == y.step && std::equal(x.sites.begin(), x.sites.end(),
                                                                        y.sites.begin(), y.sites.end(), same);
                              });
        };
        const Emergence first = look();
        QDir kept(place.filePath("kept"));
        QCOMPARE(kept.entryList(QDir::Files).size(), 4);
        // Without its words a checkpoint cannot be looked at: these are found.
        const fs::path words = fs::path(run.checkpoints[2].second) / "tokenizer.json";
        fs::rename(words, words.string() + ".away");
        QVERIFY(alike(look(), first));
        fs::rename(words.string() + ".away", words);
        // Damaged ones are looked at anew, and kept again.
        for (const QString& file : kept.entryList(QDir::Files)) {
            const std::string name = kept.filePath(file).toStdString();
            fs::resize_file(name, fs::file_size(name) / 2);
        }
        QVERIFY(alike(look(), first));
        writeFileAtomically(kept.filePath(kept.entryList(QDir::Files)[0]).toStdString(), "nonsense");
        QVERIFY(alike(look(), first));
        // Other weights under the same name are another checkpoint.
        fs::copy_file(fs::path(run.checkpoints[3].second) / "model.safetensors",
                      fs::path(run.checkpoints[2].second) / "model.safetensors",
                      fs::copy_options::overwrite_existing);
        const Emergence now = look();
        QVERIFY(same(now.steps[2].sites[0], first.steps[3].sites[0]) && !alike(now, first));
        // Where nothing can be kept, all is looked at.
        options.seenFolder = "/proc/nowhere";
        QVERIFY(alike(look(), now));
        QVERIFY(TrainingLab({DeviceKind::cpu, 1}).emergence(run.path, 3).windows == 3);
    }

    // Products in bf16 learn what float32 learns, and what is kept is float32.
    void productsMayBeNarrow_data() {
        QTest::addColumn<int>("length");
        QTest::newRow("of linear layers") << 0;
        QTest::newRow("of attention over long windows, too") << 1024;
    }
    void productsMayBeNarrow() {
        QFETCH(int, length);
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.steps = 60, spec.checkpointEvery = 60;
        if (length > 0) {
            spec.model = {"llama", 1, 64, 2, 0, 0, length, 300};
            spec.batch = 1, spec.artificialBytes = 200'000, spec.heldOut = 0.2;
            spec.learningRate = 2e-3; // at 5e-3 one sequence a step blows any last bit up
        }
        const TrainingRun wide = lab().train(spec, path(place, "wide"));
        spec.precision = "bf16";
        TrainingRun narrow;
        try {
            narrow = lab().train(spec, path(place, "narrow"));
        } catch (const Error& error) {
            QVERIFY2(error.message().find("no bf16 arithmetic") != std::string::npos, error.what());
            QSKIP("this processor has no bf16 arithmetic");
        }
        QCOMPARE(narrow.records.size(), wide.records.size());
        bool differs = false;
        for (std::size_t i = 0; i < wide.records.size(); ++i) {
            const double apart = std::abs(narrow.records[i].loss - wide.records[i].loss);
            QVERIFY2(apart < 0.02, qPrintable(QString("step %1: %2").arg(wide.records[i].step).arg(apart)));
            differs |= apart > 0;
        }
        QVERIFY(differs);
        QVERIFY(narrow.records.back().loss < narrow.records.front().loss - 1);
        const std::string weights = last(narrow, "model.safetensors");
        QVERIFY(weights.find("\"F32\"") != std::string::npos && weights.find("BF16") == std::string::npos);
        QVERIFY(TrainingRun::read(path(place, "narrow")).spec == spec);
    }

    void anEncoderLearnsClasses_data() {
        QTest::addColumn<QString>("task");
        QTest::newRow("classes") << "classification";
        QTest::newRow("numbers") << "regression";
    }
    void anEncoderLearnsClasses() {
        QFETCH(QString, task);
        QTemporaryDir place;
        QByteArray rows;
        for (int i = 0; i < 160; ++i) {
            const bool grows = i % 2 == 0;
            const QByteArray answer =
                task == "classification" ? (grows ? "1" : "0") : (grows ? "2.5" : "-0.5");
            rows += answer + "\t" + (grows ? "the outlier channel grows" : "a short range decides") +
                    (i % 3 ? " most values" : "") + "\n";
        }
        QFile file(place.filePath("rows.tsv"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(rows);
        file.close();
        TrainingSpec spec = seconds();
        spec.task = task.toStdString(), spec.text = file.fileName().toStdString();
        spec.from = KURTOSCOPE_TESTS_DIR "/golden/tiny-bert";
        spec.steps = 60, spec.batch = 16, spec.validateEvery = 60, spec.checkpointEvery = 60,
        spec.learningRate = 1e-3, spec.heldOut = 0.2;
        const TrainingRun run = lab().train(spec, path(place, "run"));
        QVERIFY(run.finished);
        QVERIFY2(*run.records.back().validationScore > 0.9,
                 qPrintable(QString::number(*run.records.back().validationScore)));
        Workbench workbench({DeviceKind::cpu, 1, 1});
        const ModelInfo& info = workbench.open(run.checkpoints.back().second);
        QCOMPARE(int(info.labels.size()), task == "classification" ? 2 : 1);
        if (task != "classification") return;
        EvaluateRequest request;
        request.recipes = {Recipe()};
        request.data.path = spec.text;
        request.latency = false;
        QVERIFY(workbench.evaluate(request).front().score > 0.9);
    }

    void aRunGoesOnFromAnotherModel() {
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.from = KURTOSCOPE_TESTS_DIR "/golden/tiny-llama", spec.learningRate = 1e-3;
        spec.text = KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt", spec.heldOut = 0.3;
        const TrainingRun run = lab().train(spec, path(place, "run"));
        QVERIFY(run.finished);
        QVERIFY(run.records.back().loss < run.records.front().loss);
    }

    // The runs of sample_models: every checkpoint opens, and looks at its text as any run does.
    void theBundledRunsOpen_data() {
        QTest::addColumn<QString>("arm");
        for (const char* arm : {"none", "kurtosis", "qat", "both"})
            QTest::newRow(arm) << arm;
    }
    void theBundledRunsOpen() {
        QFETCH(QString, arm);
        const std::string folder = KURTOSCOPE_SOURCE_DIR "/sample_models/training-lab/" + arm.toStdString();
        if (!fs::exists(folder)) QSKIP("sample_models/training-lab is not there");
        const TrainingRun run = TrainingRun::read(folder);
        QVERIFY(run.finished);
        QCOMPARE(run.records.back().step, run.spec.steps);
        QVERIFY(*run.records.back().validationLoss < run.records.front().loss - 2);
        const Emergence seen = lab().emergence(folder, 4);
        QCOMPARE(seen.steps.size(), run.checkpoints.size());
        QVERIFY(seen.steps.size() >= 4);
        const bool learned = fs::exists(run.checkpoints.back().second + "/recipe.json");
        QCOMPARE(learned, arm == "qat" || arm == "both");
    }

    void aRunThatDivergesSaysSo() {
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.learningRate = 50, spec.clipNorm = 0, spec.warmup = 0, spec.steps = 70;
        const TrainingRun run = lab().train(spec, path(place, "run"));
        std::string events;
        for (const TrainingRecord& record : run.records)
            events += record.event;
        QVERIFY2(events.find("diverg") != std::string::npos, events.c_str());
    }

    void badRunsAreRefused_data() {
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("says");
        for (const auto& [what, says] : std::map<const char*, const char*>{
                 {"empty text", "only white space"},
                 {"text shorter than a window", "fewer than one window"},
                 {"no such text", "no such file"},
                 {"a folder that holds a run", "--resume"},
                 {"going on with nothing", "no such folder"},
                 {"heads that do not divide", "not a multiple"},
                 {"an unknown family", "unknown family"},
                 {"a family that is not made from nothing", "cannot be made from nothing"},
                 {"a broken line of JSON", "line 2"},
                 {"a tokenizer that is not there", "tokenizer"}})
            QTest::newRow(what) << what << says;
    }
    void badRunsAreRefused() {
        QFETCH(QString, what);
        QFETCH(QString, says);
        QTemporaryDir place;
        TrainingSpec spec = seconds();
        spec.steps = 2;
        bool resume = false;
        const auto text = [&](const char* name, const QByteArray& bytes) {
            QFile file(place.filePath(name));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(bytes);
            spec.text = file.fileName().toStdString();
        };
        if (what == "empty text") text("text.txt", "\n");
        if (what == "text shorter than a window") text("text.txt", "a few words\nand a few more\n");
        if (what == "no such text") spec.text = "/nowhere/text.txt";
        if (what == "a folder that holds a run") lab().train(spec, path(place, "run"));
        if (what == "going on with nothing") resume = true;
        if (what == "heads that do not divide") spec.model.heads = 5;
        if (what == "an unknown family") spec.model.family = "rnn";
        if (what == "a family that is not made from nothing") spec.model.family = "bert";
        if (what == "a broken line of JSON") text("text.jsonl", "{\"text\": \"good\"}\n{\"words\": 1}\n");
        if (what == "a tokenizer that is not there") spec.tokenizer = place.path().toStdString();
        const std::string sentence = test::failure([&] { lab().train(spec, path(place, "run"), resume); });
        QVERIFY2(QString::fromStdString(sentence).contains(says), sentence.c_str());
    }

private:
    static std::string path(const QTemporaryDir& place, const char* name) {
        return place.filePath(name).toStdString();
    }
};

QTEST_GUILESS_MAIN(TrainingTest)
#include "test_training.moc"
