// SPDX-License-Identifier: GPL-3.0-or-later
// A change at one layer runs only what comes after it, and reads exactly what a full run reads.
#include "core/base/error.h"
#include "core/workbench.h"
#include "tests/support/opened_models.h"

#include <QtTest>

#include <bit>
#include <random>

using namespace kurtoscope;

namespace {

const std::string deepLlama = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";

Workbench fresh(const std::string& model, int stateMegabytes = -1) {
    WorkbenchOptions options{DeviceKind::cpu, 2, 1};
    options.stateMegabytes = stateMegabytes;
    Workbench workbench(options);
    workbench.open(test::pathOf(model));
    return workbench;
}

DataRequest dataOf(const std::string& model, int windows = 3) {
    DataRequest data;
    data.path = model == deepLlama          ? deepLlama + "/heldout.txt"
                : model.starts_with("tiny") ? test::golden(model) + "/text.txt"
                                            : KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
    data.windows = windows, data.length = model.starts_with("tiny") ? 12 : 32, data.calibrationWindows = 2;
    return data;
}

Reading evaluated(Workbench& workbench, const DataRequest& data, const Recipe& recipe, bool holdOut = true) {
    EvaluateRequest request;
    request.data = data;
    request.recipes = {recipe};
    request.latency = false, request.holdOut = holdOut;
    return workbench.evaluate(request).front();
}

// Every figure that windows make, as bits: a NaN equals itself.
std::vector<std::uint64_t> bitsOf(const Reading& reading) {
    std::vector<std::uint64_t> bits;
    for (const double value :
         {reading.score, reading.standardError, reading.difference, reading.differenceError,
          reading.effectiveBits, reading.activationBits, reading.cacheBits})
        bits.push_back(std::bit_cast<std::uint64_t>(value));
    for (const auto& value : {reading.pearson, reading.perplexity, reading.klMean, reading.klMedian,
                              reading.klP99, reading.top1Agreement, reading.cosine, reading.sqnrDb})
        bits.push_back(value ? std::bit_cast<std::uint64_t>(*value) : 1);
    bits.push_back(reading.keptChannels);
    bits.push_back(std::uint64_t(reading.windowsDone));
    return bits;
}

std::vector<Site> sitesOf(const ModelInfo& info, Scope scope) {
    if (scope == Scope::linear_inputs) return test::linearInputs(info);
    std::vector<Site> sites;
    for (int layer = 0; layer < info.layers; ++layer)
        for (Place place : {Place::query, Place::attn_context, Place::attn_residual, Place::mlp_hidden,
                            Place::mlp_output, Place::mlp_residual})
            sites.push_back({layer, place});
    return sites;
}

} // namespace

class TestPrefixReuse : public QObject {
    Q_OBJECT
private slots:
    void randomTogglesReadTheSame_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<bool>("everything");
        QTest::addColumn<int>("megabytes"); // −1: the default
        const auto row = [](const std::string& model, const char* recipe, bool everything,
                            int megabytes = -1) {
            const QString name = QString::fromStdString(model).section('/', -1);
            QTest::addRow("%s, %s%s, %d MB", qPrintable(name), recipe, everything ? ", all activations" : "",
                          megabytes)
                << QString::fromStdString(model) << recipe << everything << megabytes;
        };
        for (const std::string& model : {deepLlama, std::string("tiny-bert")})
            for (const bool everything : {false, true})
                for (const char* recipe : {"w8a8", "w8a8:dynamic=on", "w8a8:activation=per-token", "peg",
                                           "w8a8+kv-cache:bits=4", "smoothquant", "llm-int8"})
                    row(model, recipe, everything);
        if (QFileInfo::exists(QString::fromStdString(test::miniLm))) // a real one, which takes longer
            for (const bool everything : {false, true})
                row(test::miniLm, "w8a8", everything);
        row(deepLlama, "ablate:place=mlp_output", false);
        row(deepLlama, "percentile", false);
        row(deepLlama, "percentile", true);
        row(deepLlama, "rotation+percentile", false);
        row(deepLlama, "mx", true);
        row(deepLlama, "rotation", false);
        row(deepLlama, "gptq:bits=4", false);
        row(deepLlama, "gptq:bits=4+w8a8", false);
        row(deepLlama, "w8a8", false, 0);
        row(deepLlama, "w8a8", false, 1);
    }

    void randomTogglesReadTheSame() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(bool, everything);
        QFETCH(int, megabytes);
        Workbench kept = fresh(model.toStdString(), megabytes), whole = fresh(model.toStdString(), 0);
        const bool solved =
            recipe.contains("gptq") || recipe.contains("percentile"); // more is kept than states
        const DataRequest data = dataOf(model.toStdString());
        Recipe chosen = Recipe::parse(recipe.toStdString());
        if (everything) chosen.scope = Scope::all_activations;
        const bool ablation = chosen.scheme == "ablate";
        const auto sites = sitesOf(kept.model(), chosen.scope);
        std::mt19937 random(7);
        for (int toggle = 0; toggle < 8; ++toggle) {
            const Site site = ablation
                                  ? Site{int(random() % unsigned(kept.model().layers)), Place::mlp_output}
                                  : sites[random() % sites.size()];
            const int channel = int(random() % unsigned(kept.model().channels(site.place)));
            chosen.setKept(site, channel, !chosen.keeps(site, channel));
            if (solved) whole = fresh(model.toStdString(), 0);
            const Reading a = evaluated(kept, data, chosen), b = evaluated(whole, data, chosen);
            QVERIFY2(bitsOf(a) == bitsOf(b), qPrintable(QString("toggle %1 at %2: KL %3 against %4")
                                                            .arg(toggle)
                                                            .arg(QString::fromStdString(site.name()))
                                                            .arg(a.klMean.value_or(-1), 0, 'g', 17)
                                                            .arg(b.klMean.value_or(-1), 0, 'g', 17)));
            const WorkCounts counts = kept.workCounts();
            QVERIFY(counts.stateBytes <= counts.stateBudget);
        }
        QCOMPARE(whole.workCounts().blocksReused, std::int64_t(0));
        QCOMPARE(whole.workCounts().stateBytes, std::int64_t(0));
        QCOMPARE(kept.workCounts().blocksReused > 0, megabytes != 0);
    }

    void onlyLayersFromTheToggledOnRun() {
        Workbench workbench = fresh(deepLlama);
        const DataRequest data = dataOf(deepLlama);
        Recipe recipe = Recipe::parse("w8a8");
        evaluated(workbench, data, recipe);
        const int layers = workbench.model().layers;
        for (const int layer : {4, 2, 0}) {
            recipe.setKept({layer, Place::mlp_hidden}, 3, true);
            const WorkCounts before = workbench.workCounts();
            evaluated(workbench, data, recipe);
            const WorkCounts after = workbench.workCounts();
            QCOMPARE(after.blocks - before.blocks, std::int64_t(3 * (layers - layer)));
            QCOMPARE(after.blocksReused - before.blocksReused,
                     std::int64_t(3 * layer + 3 * layers)); // and FP32's
        }
        // A scheme that rounds nothing below its one site shares FP32's way up to there.
        Recipe single = Recipe::parse("w8a8:dynamic=on");
        for (Site site : test::linearInputs(workbench.model()))
            if (site.layer < 3) single.highPrecision.insert(site);
        evaluated(workbench, data, single);
        single.setKept({5, Place::mlp_hidden}, 1, true);
        const WorkCounts before = workbench.workCounts();
        evaluated(workbench, data, single);
        QCOMPARE(workbench.workCounts().blocks - before.blocks, std::int64_t(3));
    }

    void fp32RunsOnce() {
        Workbench workbench = fresh(deepLlama);
        const Recipe fp32, recipe = Recipe::parse("w8a8");
        DataRequest data = dataOf(deepLlama, 4);
        const auto blocks = [&] { return workbench.workCounts().baselineBlocks; };
        const Reading first = evaluated(workbench, data, fp32);
        const std::int64_t once = blocks();
        QCOMPARE(once, std::int64_t(4 * workbench.model().layers));
        evaluated(workbench, data, recipe);
        data.windows = 2; // fewer of the same
        evaluated(workbench, data, recipe);
        data.task = "fidelity"; // another task
        evaluated(workbench, data, recipe);
        evaluated(workbench, data, fp32, false); // nothing held out
        QCOMPARE(blocks(), once);
        data.windows = 6; // two more
        evaluated(workbench, data, recipe);
        QCOMPARE(blocks(), once / 4 * 6);
        data = dataOf(deepLlama, 4);
        QVERIFY(bitsOf(evaluated(workbench, data, fp32)) == bitsOf(first));
        workbench.evaluate({data, {fp32, recipe, Recipe::parse("w4a8")}, false, true});
        QCOMPARE(blocks(), once / 4 * 6);
    }

    void sensitivitySharesWhatComesBefore() {
        Workbench kept = fresh(deepLlama), whole = fresh(deepLlama, 0);
        SensitivityRequest request;
        request.recipe = Recipe::parse("w8a8");
        request.windows = 2;
        const DataRequest data = dataOf(deepLlama);
        const Sensitivity a = kept.sensitivity(request, data), b = whole.sensitivity(request, data);
        QCOMPARE(a.rows.size(), b.rows.size());
        for (std::size_t i = 0; i < a.rows.size(); ++i) {
            QCOMPARE(a.rows[i].name, b.rows[i].name);
            QVERIFY(*a.rows[i].only == *b.rows[i].only && *a.rows[i].allBut == *b.rows[i].allBut);
        }
        // Half of the way on average, and what the first of them leaves for the rest.
        QVERIFY2(
            kept.workCounts().blocks < 0.7 * double(whole.workCounts().blocks),
            qPrintable(
                QString("%1 of %2 blocks").arg(kept.workCounts().blocks).arg(whole.workCounts().blocks)));
    }

    void aStoppedRunLeavesNothingWrong() {
        Workbench workbench = fresh(deepLlama), whole = fresh(deepLlama, 0);
        const DataRequest data = dataOf(deepLlama);
        Recipe recipe = Recipe::parse("w8a8");
        std::stop_source stop;
        EvaluateRequest request{data, {recipe}, false, true};
        QVERIFY_THROWS_EXCEPTION(Cancelled, workbench.evaluate(request, stop.get_token(),
                                                               [&](const Reading&) { stop.request_stop(); }));
        recipe.setKept({2, Place::mlp_input}, 5, true);
        QVERIFY(bitsOf(evaluated(workbench, data, recipe)) == bitsOf(evaluated(whole, data, recipe)));
    }
};

QTEST_APPLESS_MAIN(TestPrefixReuse)
#include "test_prefix_reuse.moc"
