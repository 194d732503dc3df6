// SPDX-License-Identifier: GPL-3.0-or-later
// What leaves, and how: folders that appear whole or not at all, what a target cannot carry, and exports read
// again.
#include <QTest>

#include "core/data/recipe_json.h"
#include "core/export/export_folder.h"
#include "tests/support/exported.h"
#include "tests/support/failure.h"
#include "tests/support/tensor_table.h"

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {

constexpr const char* ct = "compressed-tensors";

bool contains(const std::string& text, const QString& part) {
    return QString::fromStdString(text).contains(part);
}

} // namespace

class ModelExportTest : public QObject {
    Q_OBJECT

private slots:
    void aRecipeRoundTrips() {
        const ExportPlace place;
        const char* words = "w8a8:levels=full,keep=top:2,samples=2+kv-cache:bits=8";
        const ExportResult made =
            opened("tiny-llama").exportModel(exportRequest("tiny-llama", words, "recipe", place));
        const Recipe read = Recipe::fromJson(place.read("recipe.json"), "recipe.json");
        QCOMPARE(QString::fromStdString(read.toJson()), QString::fromStdString(made.recipe.toJson()));
        QVERIFY2(read.keptCount() > 0 && read.keep.empty(),
                 "its criterion was resolved by the calibration text");
        QCOMPARE(place.json("recipe.schema.json")["properties"]["schema"]["const"], 1);
        QCOMPARE(place.json("kurtoscope_export.json")["recipe"], place.json("recipe.json"));
        QVERIFY(contains(place.read("README.md"), "recipe.json"));
        QCOMPARE(place.entries(), QStringList{"made"});
    }

    void withoutTextACriterionStays() {
        const ExportPlace place;
        ExportRequest request = exportRequest("tiny-llama", "w8a8:keep=ratio:20", "recipe", place);
        request.calibration = {};
        const ExportResult made = opened("tiny-llama").exportModel(request);
        QCOMPARE(QString::fromStdString(Recipe::fromJson(place.read("recipe.json"), "").keep),
                 QStringLiteral("ratio:20"));
        QVERIFY(!made.plan.notes.empty() && contains(made.plan.notes.front(), "keep=ratio:20"));
    }

    void nothingIsOverwritten() {
        const ExportPlace place;
        const auto request = exportRequest("tiny-llama", "w8a8", "recipe", place);
        opened("tiny-llama").exportModel(request);
        const std::string before = place.read("recipe.json");
        auto again = exportRequest("tiny-llama", "w8a8:activation_bits=4", "recipe", place);
        QVERIFY(contains(failure([&] { opened("tiny-llama").exportModel(again); }), "exists already"));
        QCOMPARE(place.read("recipe.json"), before);
        again.force = true;
        opened("tiny-llama").exportModel(again);
        QVERIFY(place.read("recipe.json") != before);
        QCOMPARE(place.entries(), QStringList{"made"});
        // Force replaces exports, not whatever else has that name.
        QDir().mkpath(QString::fromStdString(place.path("mine")));
        place.write("thesis.txt", "years of work", "mine");
        auto other = exportRequest("tiny-llama", "w8a8", "recipe", place, "mine");
        other.force = true;
        QVERIFY(contains(failure([&] { opened("tiny-llama").exportModel(other); }), "no earlier export"));
        QCOMPARE(place.read("thesis.txt", "mine"), std::string("years of work"));
    }

    void cancelLeavesNothing() {
        const ExportPlace place;
        std::stop_source source;
        int told = 0;
        const auto stopAtWriting = [&](const Progress& progress) {
            told += progress.phase == "Writing weights";
            if (told == 3) source.request_stop();
        };
        QVERIFY_THROWS_EXCEPTION(Cancelled,
                                 opened("tiny-llama")
                                     .exportModel(exportRequest("tiny-llama", "w8a8:levels=full", ct, place),
                                                  source.get_token(), stopAtWriting));
        QCOMPARE(told, 3);
        QCOMPARE(place.entries(), QStringList());
    }

    void theDiskIsLookedAtFirst() {
        const ExportPlace place;
        const std::string said =
            failure([&] { ExportFolder(place.path(), false, std::int64_t{1} << 60, {}, {}); });
        QVERIFY2(contains(said, "are free") && contains(said, "GB"), said.c_str());
        QCOMPARE(place.entries(), QStringList());
        ExportRequest nowhere = exportRequest("tiny-llama", "w8a8", "recipe", place);
        nowhere.folder = place.path("no/such/place");
        QVERIFY(contains(failure([&] { opened("tiny-llama").exportModel(nowhere); }),
                         "no folder to put it into"));
    }

    // An earlier export stays where the new one cannot be written to its end.
    void aFailureLeavesWhatWas() {
        const ExportPlace place;
        opened("tiny-llama").exportModel(exportRequest("tiny-llama", "w8a8:levels=full", ct, place));
        const std::string before = place.read("config.json");
        std::stop_source source;
        auto request = exportRequest("tiny-llama", "w8a8:dynamic=on,levels=full", ct, place);
        request.force = true;
        const auto stopAtWriting = [&](const Progress& progress) {
            if (progress.phase == "Writing weights") source.request_stop();
        };
        QVERIFY_THROWS_EXCEPTION(
            Cancelled, opened("tiny-llama").exportModel(request, source.get_token(), stopAtWriting));
        QCOMPARE(place.read("config.json"), before);
        QCOMPARE(place.entries(), QStringList{"made"});
    }

    void whatCannotBeCarriedIsSaid_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("said");
        QTest::addColumn<bool>("refused");
        const auto row = [](const char* name, const char* model, const char* recipe, const char* said,
                            bool refused) { QTest::newRow(name) << model << recipe << said << refused; };
        row("per channel", "tiny-llama", "w8a8:activation=per-channel", "scales per channel", true);
        row("static groups", "tiny-llama", "w8a8:activation=per-group,activation_group=8",
            "static activation scales per group", true);
        row("embedding groups", "tiny-llama", "peg", "embedding groups", true);
        row("found at run time", "tiny-llama", "llm-int8", "threshold", true);
        row("ablation", "tiny-llama", "ablate:keep=top:1", "ablation", true);
        row("nothing", "tiny-llama", "fp32", "quantizes nothing", true);
        row("unfolded smoothing", "tiny-bert", "smoothquant",
            "at run time before the linear layers that read layers.0.attn_input", true);
        row("unfolded rotation", "tiny-bert", "rotation+w8a8", "does not fold", true);
        row("E5M2", "tiny-llama", "fp8:format=e5m2", "e5m2", true);
        row("groups that do not fit", "tiny-llama", "rtn:group=20", "do not divide", true);
        row("float weights", "tiny-llama", "w8a8:weight_bits=16", "weights in floating point", true);
        row("bf16", "tiny-llama", "bf16", "bf16", true);
        row("another kind of layer", "tiny-gpt2", "w8a8:levels=full", "Conv1D", true);
        row("narrow levels at run time", "tiny-llama", "w8a8:dynamic=on", "absmax / 127", false);
        row("narrow levels", "tiny-llama", "w8a8", "a lowest level of −127", false);
        row("every activation", "tiny-llama", "w8a8:levels=full,scope=all-activations",
            "no linear layer reads", false);
        row("the cache", "tiny-llama", "w8a8:levels=full+kv-cache", "in the cache", false);
        row("a cache of an encoder", "tiny-bert", "w8a8:levels=full+kv-cache:ranges=static,bits=8",
            "no cache", false);
        row("16 bits at a site", "tiny-llama", "mixed:levels=full,sites=mlp_hidden", "16-bit activations",
            false);
    }
    void whatCannotBeCarriedIsSaid() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(QString, said);
        QFETCH(bool, refused);
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        const auto request = exportRequest(model.toStdString(), recipe.toStdString(), ct, place);
        const ExportPlan plan = bench.planExport(request);
        // What is said of activations and of weights may begin alike, and only one of them be refused.
        const auto found =
            std::find_if(plan.limits.begin(), plan.limits.end(), [&](const ExportLimit& limit) {
                return contains(limit.what, said) && limit.isRefused() == refused;
            });
        QVERIFY2(found != plan.limits.end(),
                 plan.limits.empty() ? "nothing was said" : plan.limits.front().what.c_str());
        QCOMPARE(place.entries(), QStringList()); // planning writes nothing
        if (!refused) return;
        const std::string sentence = failure([&] { bench.exportModel(request); });
        QVERIFY2(contains(sentence, said) && contains(sentence, "cannot carry"), sentence.c_str());
        QCOMPARE(place.entries(), QStringList());
    }

    void withoutTextItSaysWhatIsMissing() {
        const ExportPlace place;
        ExportRequest request = exportRequest("tiny-llama", "w8a8", ct, place);
        request.calibration = {};
        QVERIFY(contains(failure([&] { opened("tiny-llama").planExport(request); }), "needs calibration"));
        request.recipe = Recipe::parse("w8a8:activation=per-token,levels=full");
        opened("tiny-llama").exportModel(request);
        QVERIFY(place.json("kurtoscope_export.json")["calibration"].is_null());
        request.format = exportFormatFromText("no-such-format");
        QVERIFY(contains(failure([&] { opened("tiny-llama").planExport(request); }), "compressed-tensors"));
        request.format = exportFormatFromText("compressed-tensors:no=such");
        QVERIFY(contains(failure([&] { opened("tiny-llama").planExport(request); }), "packing"));
    }

    // Each is read again before it takes its place; here its own answers and readings are looked at too.
    void anExportReadAgainIsTheSame_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("format");
        QTest::addColumn<QString>("weight"); // its name and type
        for (const char* model : {"tiny-llama", "tiny-bert", "tiny-bert-classifier", "tiny-llama-scaled"})
            for (const auto& [recipe, weight] :
                 {std::pair{"w8a8:levels=full", "weight I8"},
                  std::pair{"w8a8:levels=full,weight=per-tensor", "weight I8"},
                  std::pair{"w8a8:symmetric=off", "weight I8"},
                  std::pair{"w8a8:activation=per-token,levels=full", "weight I8"},
                  std::pair{"w8a8:activation=per-token,symmetric=off", "weight I8"},
                  std::pair{"w8a8:dynamic=on,levels=full", "weight I8"},
                  std::pair{"w8a8:activation=per-group,activation_group=8,dynamic=on,levels=full",
                            "weight I8"},
                  std::pair{"w4a4:levels=full", "weight I8"},
                  std::pair{"rtn:bits=4,group=8", "weight_packed I32"},
                  std::pair{"rtn:bits=8,group=0", "weight_packed I32"},
                  std::pair{"rtn:bits=4,group=8,symmetric=off", "weight I8"},
                  std::pair{"rtn:bits=3,group=8", "weight I8"},
                  std::pair{"rtn:bits=4,group=8,levels=full", "weight_packed I32"},
                  std::pair{"w8a8:levels=full,weight_levels=full", "weight I8"},
                  std::pair{"gptq:bits=4,group=8,levels=full", "weight_packed I32"},
                  std::pair{"w8a8:weight_range=mse,levels=full", "weight I8"},
                  std::pair{"gptq:bits=4,group=8", "weight_packed I32"},
                  std::pair{"fp8", "weight F8_E4M3"},
                  std::pair{"fp8:activation=per-token", "weight F8_E4M3"},
                  std::pair{"fp8:weight=per-tensor,dynamic=on", "weight F8_E4M3"},
                  std::pair{"fp8:activation_format=16", "weight F8_E4M3"},
                  std::pair{"mx:format=nvfp4,activation_format=16", "weight_packed U8"},
                  std::pair{"mx:format=nvfp4,tensor_scale=static", "weight_packed U8"},
                  std::pair{"w8a8:levels=full,keep=top:3", "weight I8"},
                  std::pair{"w8a8:activation=per-token,levels=full,keep=top:3", "weight I8"},
                  std::pair{"rtn:bits=4,group=8,keep=top:2", "weight_packed I32"}})
                QTest::newRow((std::string(model) + " " + recipe).c_str()) << model << recipe << ct << weight;
        QTest::newRow("a byte each") << "tiny-llama"
                                     << "rtn:bits=4,group=8"
                                     << "compressed-tensors:packing=int8"
                                     << "weight I8";
        QTest::newRow("folded smoothing") << "tiny-llama"
                                          << "smoothquant:levels=full" << ct << "weight I8";
        QTest::newRow("folded rotation")
            << "tiny-llama"
            << "rotation:where=residual,online=off+w8a8:levels=full" << ct << "weight I8";
        QTest::newRow("AWQ") << "tiny-llama"
                             << "awq:bits=4,group=8" << ct << "weight I8";
    }
    void anExportReadAgainIsTheSame() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(QString, format);
        QFETCH(QString, weight);
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        const ExportResult made = bench.exportModel(
            exportRequest(model.toStdString(), recipe.toStdString(), format.toStdString(), place));
        QVERIFY2(made.plan.limits.empty(),
                 made.plan.limits.empty() ? "" : made.plan.limits.front().what.c_str());
        QCOMPARE(made.checks.size(), std::size_t(1));
        QVERIFY2(made.checks.front().passed(), std::to_string(made.checks.front().difference).c_str());
        // Rotations move the turn into the head, and the format divides by NVFP4's outer scale where the
        // simulation multiplies: the same in exact arithmetic only.
        const bool exact = !recipe.startsWith("rotation") && !recipe.contains("nvfp4");
        if (exact) QCOMPARE(made.checks.front().difference, 0.0);
        QCOMPARE(static_cast<int>(made.plan.modules.size()),
                 bench.model().layers * (bench.model().causal ? 7 : 6));
        for (const ExportedModule& module : made.plan.modules)
            QVERIFY2(module.group.starts_with("group_"), module.name.c_str());
        QVERIFY(made.bytes <= made.plan.bytes);

        const auto file = TensorFile::openSafetensors(place.path() + "/model.safetensors");
        const StoredTensor* stored =
            file->find(made.plan.modules.front().name + "." + weight.section(' ', 0, 0).toStdString());
        QVERIFY(stored);
        QCOMPARE(QString(storedTypeName(stored->type)), weight.section(' ', 1, 1));

        Workbench again(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        const ModelInfo& info = again.open(place.path());
        QVERIFY(info.quantized);
        QCOMPARE(QString::fromStdString(info.storedRecipe), QString::fromStdString(made.recipe.toJson()));
        EvaluateRequest request;
        request.data = textOf(model.toStdString());
        request.latency = false;
        request.holdOut = true;
        request.recipes = {Recipe::parse("stored")};
        const DataRequest data = request.data;
        const auto ids = std::vector<int>{1, 5, 9, 17, 33, 40, 41, 2};
        const auto answersOf = [&](Workbench& one, const Recipe& how) {
            auto got = one.predict("", ids, how, 5, &data);
            return got.logits.empty() ? got.hidden : got.logits;
        };
        CLOSE(answersOf(again, Recipe::parse("stored")), answersOf(bench, made.recipe), exact ? 0.0F : 1e-4F);
        QVERIFY(std::isfinite(again.evaluate(request).front().score));
    }

    // The same simulation by LibTorch's operators over the text that is run layer by layer: with no rounded
    // activations, last bits are all that it may differ by.
    void whatLibTorchAnswersLiesBeside_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        for (const char* model : {"tiny-llama", "tiny-bert", "tiny-bert-classifier", "tiny-llama-scaled"})
            for (const char* recipe : {"rtn:bits=4,group=8", "rtn:bits=4,group=8,keep=top:2"})
                QTest::newRow((std::string(model) + " " + recipe).c_str()) << model << recipe;
    }
    void whatLibTorchAnswersLiesBeside() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        const std::vector<int> ids{1, 5, 9, 17};
        const auto answersOf = [&] { return bench.predict("", ids, Recipe()).hidden; };
        const auto before = answersOf();
        bench.exportModel(exportRequest(model.toStdString(), recipe.toStdString(), ct, place));
        QVERIFY2(answersOf() == before, "the program's own kernels run again");
        const auto valuesOf = [&](const std::string& file, const char* name) {
            const auto tensors =
                TensorFile::openSafetensors(place.path() + "/kurtoscope_" + file + ".safetensors");
            const StoredTensor* tensor = tensors->find(name);
            std::vector<float> values(tensor ? static_cast<std::size_t>(tensor->elements()) : 0);
            if (tensor) dequantize(*tensor, values);
            return values;
        };
        const auto own = valuesOf("steps", "answer"), other = valuesOf("probe", "answer_by_libtorch.0");
        QVERIFY(!own.empty());
        float largest = 0;
        for (const float one : own)
            largest = std::max(largest, std::abs(one));
        CLOSE(other, own, 1e-5F * largest);
        QVERIFY(
            !place.json("kurtoscope_export.json")["probe"]["libtorch"]["version"].get<std::string>().empty());
    }

    // Keys after their rotary embedding, and values, as attention reads them.
    void aCacheIsReadAgain_data() {
        QTest::addColumn<QString>("cache");
        QTest::addColumn<QString>("type");
        QTest::newRow("integers") << "bits=8,ranges=static"
                                  << "int";
        QTest::newRow("six bits") << "bits=6,ranges=static"
                                  << "int";
        QTest::newRow("FP8") << "format=fp8,ranges=static"
                             << "float";
    }
    void aCacheIsReadAgain() {
        QFETCH(QString, cache);
        QFETCH(QString, type);
        const ExportPlace place;
        Workbench& bench = opened("tiny-llama");
        const ExportResult made = bench.exportModel(
            exportRequest("tiny-llama", "w8a8:levels=full+kv-cache:" + cache.toStdString(), ct, place));
        QVERIFY(made.plan.limits.empty());
        QCOMPARE(made.checks.front().difference, 0.0);
        QCOMPARE(made.plan.modules.back().name, std::string("model.layers.1.self_attn"));
        QCOMPARE(made.plan.modules.back().group, std::string("kv_cache_scheme"));
        QCOMPARE(QString::fromStdString(
                     place.json("config.json")["quantization_config"]["kv_cache_scheme"]["type"]),
                 type);
        const auto file = TensorFile::openSafetensors(place.path() + "/model.safetensors");
        QVERIFY(file->find("model.layers.0.self_attn.k_scale") &&
                file->find("model.layers.1.self_attn.v_scale"));
        // It matters, and without the report the configuration says it all.
        const auto without = answers("tiny-llama", Recipe::parse("w8a8:levels=full"));
        QVERIFY(largestDifference(answers("tiny-llama", made.recipe), without) > 1e-3F);
        QVERIFY(QFile::remove(QString::fromStdString(place.path() + "/kurtoscope_export.json")));
        Workbench again(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        const ModelInfo& info = again.open(place.path());
        QVERIFY(info.warnings.empty());
        QCOMPARE(QString::fromStdString(Recipe::parse(info.storedRecipe).text()),
                 QStringLiteral("w8a8:levels=full+kv-cache:") + cache);
    }

    // Scales are for whole models: a layer that is left out would be loaded with none.
    void aCacheOfSomeLayersIsRefused() {
        const ExportPlace place;
        ExportRequest request =
            exportRequest("tiny-llama", "w8a8:levels=full+kv-cache:ranges=static,bits=8", ct, place);
        request.recipe.highPrecision.insert({1, Place::value});
        QVERIFY(contains(failure([&] { opened("tiny-llama").exportModel(request); }), "keys and values"));
    }

    void aCacheIsToldInWordsThatGoTogether() {
        for (const char* recipe : {"kv-cache:format=fp8", "kv-cache:ranges=static,format=fp8,bits=4",
                                   "kv-cache:ranges=static,group=8"})
            QVERIFY2(contains(failure([&] { Workbench::checkWords(Recipe::parse(recipe)); }), "eave "),
                     recipe);
    }

    // As others would have written it: what stands in the configuration alone.
    void withoutItsReportTheRecipeIsRecovered_data() {
        QTest::addColumn<QString>("recipe");
        for (const char* recipe :
             {"w8a8:levels=full", "w8a8:levels=full,weight=per-tensor", "w8a8:symmetric=off",
              "w8a8:activation=per-token,levels=full", "w8a8:dynamic=on,levels=full",
              "w8a8:activation=per-group,activation_group=8,dynamic=on,levels=full",
              "w8a8:activation_bits=4,levels=full,weight_bits=4", "rtn:bits=4,group=8", "rtn:bits=8,group=0",
              "rtn:bits=3,group=8,symmetric=off", "w8a8:levels=full+kv-cache:bits=8,ranges=static", "fp8",
              "fp8:activation=per-token", "fp8:dynamic=on,weight=per-tensor", "fp8:activation_format=16",
              "mx:activation_format=16,format=nvfp4", "mx:format=nvfp4,tensor_scale=static"})
            QTest::newRow(recipe) << recipe;
    }
    void withoutItsReportTheRecipeIsRecovered() {
        QFETCH(QString, recipe);
        const ExportPlace place;
        opened("tiny-llama").exportModel(exportRequest("tiny-llama", recipe.toStdString(), ct, place));
        QVERIFY(QFile::remove(QString::fromStdString(place.path() + "/kurtoscope_export.json")));
        Workbench again(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        const Recipe found = Recipe::parse(again.open(place.path()).storedRecipe);
        QCOMPARE(QString::fromStdString(found.text()),
                 QString::fromStdString(Recipe::parse(recipe.toStdString()).text()));
        Workbench::checkWords(found); // throws where it is none
    }

    void aDamagedReportIsSaidAndTheRestOpens() {
        const ExportPlace place;
        opened("tiny-llama").exportModel(exportRequest("tiny-llama", "w8a8:levels=full", ct, place));
        place.write("kurtoscope_export.json", "{\"recipe\": {\"scheme\": 7}}");
        Workbench again(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        const ModelInfo& info = again.open(place.path());
        QCOMPARE(info.storedRecipe, std::string("w8a8:levels=full"));
        QVERIFY(std::any_of(info.warnings.begin(), info.warnings.end(),
                            [](const std::string& warning) { return contains(warning, "scheme"); }));
    }

    void aLayerInHighPrecisionIsLeftOut() {
        const ExportPlace place;
        auto request = exportRequest("tiny-llama", "w8a8:levels=full", ct, place);
        request.recipe.highPrecision = {{1, Place::mlp_hidden}};
        request.recipe.bits = {{{0, Place::attn_input}, 4}};
        const ExportResult made = opened("tiny-llama").exportModel(request);
        QVERIFY(std::find(made.plan.left.begin(), made.plan.left.end(), "model.layers.1.mlp.down_proj") !=
                made.plan.left.end());
        QCOMPARE(made.plan.modules.size(), std::size_t(13));
        std::map<std::string, std::string> groups;
        for (const auto& module : made.plan.modules)
            groups[module.name] = module.group;
        QVERIFY(groups["model.layers.0.self_attn.q_proj"] != groups["model.layers.1.self_attn.q_proj"]);
        QCOMPARE(groups["model.layers.0.mlp.down_proj"], groups["model.layers.1.self_attn.q_proj"]);
        const auto config = place.json("config.json")["quantization_config"];
        QCOMPARE(config["config_groups"].size(), std::size_t(2));
        QVERIFY(config["ignore"].dump().find("(1)") != std::string::npos);
        QCOMPARE(made.checks.front().difference, 0.0);
    }

    void shardsBelowALimit() {
        if (!QFile::exists(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama/model.safetensors"))
            QSKIP("sample_models/tiny-llama is not there");
        const ExportPlace place;
        Workbench bench(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        bench.open(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama");
        ExportRequest request;
        request.recipe = Recipe::parse("w8a8:activation=per-token,levels=full");
        request.format = exportFormatFromText("compressed-tensors:shard_mb=1");
        request.folder = place.path();
        const ExportResult made = bench.exportModel(request);
        QVERIFY(std::find(made.files.begin(), made.files.end(), "model.safetensors.index.json") !=
                made.files.end());
        QVERIFY(std::count_if(made.files.begin(), made.files.end(),
                              [](const std::string& name) { return name.starts_with("model-0000"); }) >= 2);
        QCOMPARE(made.checks.front().difference, 0.0);
        QVERIFY2(contains(place.read("MODEL_CARD.md"), "#"), "the model's card goes along");
    }

    // Who reads every .safetensors of a folder would take the simulation's answers for weights.
    void anIndexNamesTheWeightsAlone() {
        if (!QFile::exists(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama/model.safetensors"))
            QSKIP("sample_models/tiny-llama is not there");
        const ExportPlace place;
        Workbench bench(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        bench.open(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama");
        ExportRequest request;
        request.recipe = Recipe::parse("w8a8:levels=full,keep=top:2");
        request.format = exportFormatFromText("compressed-tensors");
        request.calibration.path = KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
        request.folder = place.path();
        const ExportResult made = bench.exportModel(request);
        QVERIFY(std::count_if(made.files.begin(), made.files.end(), [](const std::string& name) {
                    return name.ends_with(".safetensors");
                }) >= 4);
        const auto index = nlohmann::json::parse(place.read("model.safetensors.index.json"));
        const auto weights =
            TensorFile::openSafetensors(std::filesystem::path(place.path()) / "model.safetensors");
        QCOMPARE(index.at("weight_map").size(), weights->tensors().size());
        for (const auto& [name, file] : index.at("weight_map").items()) {
            QCOMPARE(file.get<std::string>(), std::string("model.safetensors"));
            QVERIFY2(weights->find(name), name.c_str());
        }
    }

    void damagedExportsAreSentences_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("was");
        QTest::addColumn<QString>("is");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* name, const char* file, const char* was, const char* is,
                            const char* said) { QTest::newRow(name) << file << was << is << said; };
        row("unknown method", "config.json", "\"compressed-tensors\"", "\"my-own\"", "my-own");
        row("foreign key in a group", "config.json", "\"output_activations\"", "\"outputs\"", "outputs");
        row("foreign key in arguments", "config.json", "\"num_bits\"", "\"bits\"", "\"bits\"");
        row("unknown strategy", "config.json", "\"strategy\": \"channel\"", "\"strategy\": \"attn_head\"",
            "attn_head");
        row("too many bits", "config.json", "\"num_bits\": 8", "\"num_bits\": 77", "num_bits");
        row("no regular expression", "config.json", "re:(.*", "re:((.*", "regular expression");
        row("matches nothing", "config.json", "mlp", "plm", "none of the groups");
        row("asymmetric without zero points", "config.json",
            "\"symmetric\": true,\n          \"strategy\": \"channel\"",
            "\"symmetric\": false,\n          \"strategy\": \"channel\"", "weight_zero_point");
        row("a cache without scales", "config.json", "\"kv_cache_scheme\": null",
            "\"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"tensor\"}",
            "no …k_scale");
        row("a cache of unknown kind", "config.json", "\"kv_cache_scheme\": null",
            "\"kv_cache_scheme\": {\"num_bits\": 8, \"strategy\": \"head\"}", "kv_cache_scheme");
        row("half a config", "config.json", "", "", "not a JSON object");
        row("half the weights", "model.safetensors", "", "", "cut short");
        row("renamed tensor", "model.safetensors", "mlp.up_proj.weight_scale", "mlp.up_proj.weight_scalx",
            "up_proj");
        row("side-car of another version", "outlier_channels.json", "\"version\": 1,", "\"version\": 2,",
            "version");
        row("side-car's foreign key", "outlier_channels.json", "\"modules\"", "\"modulos\"", "modul");
        row("side-car that leads elsewhere", "outlier_channels.json", "\"outlier_channels.safetensors\"",
            "\"../x.safetensors\"", "tensors");
        row("side-car's channels", "outlier_channels.json", "\"dtype\": \"F32\"", "\"dtypes\": \"F32\"",
            "dtypes");
    }
    void damagedExportsAreSentences() {
        QFETCH(QString, file);
        QFETCH(QString, was);
        QFETCH(QString, is);
        QFETCH(QString, said);
        const ExportPlace place;
        opened("tiny-llama")
            .exportModel(exportRequest("tiny-llama", "w8a8:levels=full,keep=top:2", ct, place));
        std::string bytes = place.read(file.toStdString());
        if (was.isEmpty()) {
            bytes.resize(bytes.size() / 2);
        } else {
            const std::string before = bytes;
            bytes = QByteArray::fromStdString(bytes).replace(was.toUtf8(), is.toUtf8()).toStdString();
            QVERIFY2(bytes != before, "the row damages nothing");
        }
        place.write(file.toStdString(), bytes);
        Workbench bench(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        const std::string sentence = failure([&] { bench.open(place.path()); });
        QVERIFY2(contains(sentence, said), sentence.c_str());
        QVERIFY(!bench.isOpen());
    }

    void storedNeedsAQuantizedCheckpoint() {
        QVERIFY(contains(failure([&] { opened("tiny-llama").validate(Recipe::parse("stored")); }),
                         "no quantized checkpoint"));
        QVERIFY(contains(failure([&] { Workbench::checkWords(Recipe::parse("stored+w8a8")); }),
                         "cannot be combined"));
        QVERIFY(contains(failure([&] { Workbench::checkWords(Recipe::parse("stored:keep=top:1")); }),
                         "kept channels"));
    }

    // A GGUF file leaves as a Hugging Face folder with a tokenizer that gives the same ids.
    void aGgufLeavesAsAFolder() {
        if (!QFile::exists(QString::fromStdString(smolLm))) QSKIP("the SmolLM2 GGUF is not there");
        const ExportPlace place;
        ExportRequest request;
        request.recipe = Recipe::parse("w8a8:activation=per-token,levels=full");
        request.format = exportFormatFromText(ct);
        request.folder = place.path();
        const ExportResult made = opened(smolLm).exportModel(request);
        QCOMPARE(made.plan.modules.size(), std::size_t(210));
        QCOMPARE(made.checks.front().difference, 0.0);
        const auto config = place.json("config.json");
        QCOMPARE(config["architectures"][0], "LlamaForCausalLM");
        QCOMPARE(config["hidden_size"], 576);
        Workbench again(WorkbenchOptions{DeviceKind::cpu, 0, 1});
        QVERIFY(again.open(place.path()).warnings.empty());
        const std::string text = "Größe 1984, wasn't it?\n\n  two  spaces 🙂 <|im_start|>user";
        QCOMPARE(again.predict(text, {}, {}).prediction.ids,
                 opened(smolLm).predict(text, {}, {}).prediction.ids);
    }
};

QTEST_GUILESS_MAIN(ModelExportTest)
#include "test_model_export.moc"
