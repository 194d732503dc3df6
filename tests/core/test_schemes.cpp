// SPDX-License-Identifier: GPL-3.0-or-later
// Every scheme of the registry on both families, and the numbers of tests/golden/make_quantization.py.
#include "core/engine/kernels/bf16_product.h"
#include "core/engine/kernels/float_product.h"
#include "core/quantization/rounding.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

#include <nlohmann/json.hpp>

using namespace kurtoscope;
using kurtoscope::test::TensorTable;

namespace {

// The golden inputs keep clear of the middle between two levels, so that the same levels are hit; see the
// script.
constexpr float tolerance = 2e-4F;

std::string golden(const std::string& name) {
    return KURTOSCOPE_TESTS_DIR "/golden/" + name;
}

const nlohmann::json& cases() {
    static const nlohmann::json all = [] {
        QFile file(QString::fromStdString(golden("quantization.json")));
        return file.open(QIODevice::ReadOnly) ? nlohmann::json::parse(file.readAll().toStdString())
                                              : nlohmann::json();
    }();
    return all;
}

const TensorTable& numbers() {
    static const TensorTable table(golden("quantization.safetensors"));
    return table;
}

Workbench& opened(const std::string& model) {
    static std::map<std::string, Workbench> all;
    const auto [found, fresh] = all.try_emplace(model, WorkbenchOptions{DeviceKind::cpu, 1, 1});
    if (fresh) found->second.open(golden(model));
    return found->second;
}

DataRequest textOf(const std::string& model, int windows = 2, int length = 16, int calibration = 3) {
    DataRequest data;
    data.path = golden(model + "/text.txt");
    data.task = "fidelity";
    data.windows = windows, data.length = length, data.calibrationWindows = calibration;
    return data;
}

// A scheme's shortest recipe; "head" says which layers another one rounds.
std::string alone(const std::string& scheme) {
    return scheme == "head" ? "w8a8+head" : scheme;
}

// Under a recipe whose static ranges come from `data`.
std::vector<float> logits(Workbench& workbench, const DataRequest& data, const std::string& text,
                          const Recipe& recipe) {
    return workbench.sample({-1, Place::logits}, data, text, recipe, 1000).values;
}

Reading evaluated(Workbench& workbench, const DataRequest& data, const Recipe& recipe) {
    EvaluateRequest request;
    request.data = data;
    request.recipes = {recipe};
    request.latency = false;
    return workbench.evaluate(request).front();
}

} // namespace

class SchemesTest : public QObject {
    Q_OBJECT

private slots:
    void roundsAsTorch() {
        const auto& grids = cases()["roundings"];
        QVERIFY(grids.size() >= 8);
        for (std::size_t i = 0; i < grids.size(); ++i) {
            const auto& expected = grids[i];
            const Grid grid =
                Grid::over(expected["min"], expected["max"], expected["bits"], expected["symmetric"]);
            QCOMPARE(grid.scale, expected["scale"].get<float>());
            QCOMPARE(grid.zero, expected["zero"].get<float>());
            const std::string at = "rounding." + std::to_string(i);
            const auto x = numbers().floats(at + ".x"), y = numbers().floats(at + ".y");
            std::vector<float> got(x.size());
            roundRow(x.data(), got.data(), static_cast<std::int64_t>(x.size()), grid, nullptr);
            CLOSE(got, y, 1e-6F);
        }
        const auto x = numbers().floats("ties.x"), y = numbers().floats("ties.y");
        std::vector<float> got(x.size());
        roundRow(x.data(), got.data(), static_cast<std::int64_t>(x.size()), Grid{0.25F, 0, -7, 7}, nullptr);
        QCOMPARE(got, y);
    }

    void keptChannelsStayOutOfRangesAndGrid() {
        std::vector<float> row(37, 0.5F);
        row[7] = -900, row[30] = 800, row[3] = 1.27F;
        std::vector<std::int32_t> inlier(row.size(), -1);
        inlier[7] = inlier[30] = 0;
        const Extent extent = extentOf(row.data(), 37, inlier.data());
        QCOMPARE(extent.min, 0.0F);
        QCOMPARE(extent.max, 1.27F);
        std::vector<float> got(row.size());
        roundRow(row.data(), got.data(), 37, Grid::over(extent.min, extent.max, 8, true), inlier.data());
        QCOMPARE(got[7], -900.0F);
        QCOMPARE(got[30], 800.0F);
        QCOMPARE(got[3], 1.27F);
        QVERIFY(std::abs(got[0] - 0.5F) <= 0.005F && got[0] != 0.0F);
        const Extent all = extentOf(row.data(), 37, nullptr);
        QCOMPARE(all.min, -900.0F);
        QCOMPARE(all.max, 800.0F);
    }

    void gridsHoldZeroAndTheirBits() {
        QCOMPARE(Grid::over(-1, 2, 4, true).levels().size(), std::size_t{15});
        QCOMPARE(Grid::over(1, 2, 4, false).levels().size(), std::size_t{16}); // widened to hold 0
        for (const Grid& grid :
             {Grid::over(-1, 2, 4, true), Grid::over(1, 2, 4, false), Grid::over(-3, 1, 3, false)}) {
            const auto levels = grid.levels();
            QVERIFY(std::find(levels.begin(), levels.end(), 0.0F) != levels.end());
            QVERIFY(std::is_sorted(levels.begin(), levels.end()));
        }
        QCOMPARE(Grid::over(0, 0, 8, true).scale, 1.0F); // nothing to divide by
        float nan = NAN, got = 0;
        roundRow(&nan, &got, 1, Grid::over(-1, 1, 8, true), nullptr);
        QVERIFY(std::isnan(got));
    }

    void answersAsPlainFakeQuantization_data() {
        QTest::addColumn<int>("index");
        QVERIFY(cases()["cases"].size() >= 60);
        int index = 0;
        for (const auto& one : cases()["cases"])
            QTest::newRow((one["model"].get<std::string>() + ", " + one["name"].get<std::string>()).c_str())
                << index++;
    }
    void answersAsPlainFakeQuantization() {
        QFETCH(int, index);
        const auto& one = cases()["cases"][static_cast<std::size_t>(index)];
        const Recipe recipe = Recipe::fromJson(one["recipe"].dump(), "quantization.json");
        const std::string model = one["model"], text = one["text"];
        const auto expected = numbers().floats(std::to_string(index) + ".logits");
        Workbench& workbench = opened(model);
        const DataRequest data = textOf(model, cases()["windows"], cases()["length"], cases()["calibration"]);
        CLOSE(logits(workbench, data, text, recipe), expected, tolerance);
        if (one["static"] == false) CLOSE(workbench.predict(text, {}, recipe).logits, expected, tolerance);
        // The figures are the recipe's, not FP32's.
        QVERIFY(test::largestDifference(workbench.predict(text, {}, {}).logits, expected) > 10 * tolerance);
    }

    // Whatever the registry holds, with every value of every parameter, in both scopes, on both families.
    void everySchemeRuns_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QVERIFY(Workbench::schemes().size() >= 2);
        for (const char* model : {"tiny-bert-classifier", "tiny-llama"})
            for (const SchemeInfo& scheme : Workbench::schemes())
                for (const char* scope : {"linear-inputs", "all-activations"}) {
                    if (scheme.id == "stored")
                        continue; // for checkpoints that are quantized; see test_model_export
                    const bool decodes = std::string(model) == "tiny-llama";
                    if (scheme.id == "head" && !decodes) continue; // see test_head_and_attention
                    const auto add = [&](const std::string& rest) {
                        const std::string recipe = alone(scheme.id) + ":scope=" + scope + rest;
                        QTest::newRow((std::string(model) + " " + recipe).c_str())
                            << model << QString::fromStdString(recipe);
                    };
                    add("");
                    if (scheme.id == "attention") continue; // has no channels
                    add(",keep=top:2"); // a ratio finds nothing where outliers were evened out
                    bool perToken = false;
                    for (const ParameterInfo& parameter : scheme.parameters)
                        perToken |= parameter.id == "activation" && parameter.defaultValue == "per-token";
                    for (const ParameterInfo& parameter : scheme.parameters)
                        for (const std::string& choice : parameter.choices) {
                            if (choice == parameter.defaultValue) continue;
                            // A post-norm stream cannot be rotated; see test_transforms.
                            if (scheme.id == "rotation" && choice == "residual" &&
                                std::string(model) != "tiny-llama")
                                continue;
                            const bool staticRange = parameter.id == "range" && perToken;
                            const bool fixed = scheme.id == "kv-cache" && choice == "fp8";
                            add("," + parameter.id + "=" + choice +
                                (staticRange ? ",activation=per-tensor" : "") +
                                (fixed ? ",ranges=static" : ""));
                        }
                }
    }
    void everySchemeRuns() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        Workbench& workbench = opened(model.toStdString());
        const Recipe asked = Recipe::parse(recipe.toStdString());
        const Reading reading = evaluated(workbench, textOf(model.toStdString()), asked);
        QVERIFY(reading.complete());
        QVERIFY(std::isfinite(reading.score) && reading.score >= 0);
        QVERIFY(reading.klMean && *reading.klMean >= 0);
        const bool changes = asked.scheme != "fp32", attends = asked.scheme == "attention";
        QCOMPARE(*reading.klMean > 0, changes);
        QCOMPARE(std::isinf(*reading.sqnrDb), !changes);
        QVERIFY(reading.effectiveBits > 0 && reading.effectiveBits <= 32);
        QVERIFY(reading.activationBits > 0 && reading.activationBits <= 32);
        QVERIFY(reading.cacheBits > 0 && reading.cacheBits <= 32);
        // Divisors and signs of steps at run time are stored too: only schemes that make such steps may take
        // more than the model itself, 3 % of a tiny model whose weights stay whole.
        const std::int64_t whole = workbench.model().parameters * 4;
        bool steps = false;
        for (const RecipePart& part : asked.parts())
            steps |= part.scheme == "smoothquant" || part.scheme == "rotation" || part.scheme == "awq";
        QVERIFY(reading.weightBytes > 0 && reading.weightBytes <= whole + (steps ? whole * 3 / 100 : 0));
        // What rounds nothing says so, and what rounds states fewer bits. Bfloat16 that is really multiplied
        // is floating point too, and so are integer weights alone, decoded where they are multiplied.
        const bool ofLinears = reading.effectiveBits < 32 || reading.activationBits < 32;
        const bool weightsAlone = ofLinears && reading.activationBits == 32 && reading.cacheBits == 32 &&
                                  asked.scheme != "fp8" && asked.scheme != "mx" && hasFloatKernels();
        const bool really = asked.scope == Scope::linear_inputs &&
                            (weightsAlone || ((asked.scheme == "bf16" || attends) && hasBf16Products()));
        QCOMPARE(reading.kernels != KernelTag::floating,
                 (ofLinears || attends || reading.cacheBits < 32) && !really);
        QCOMPARE(reading.weightBytes < workbench.model().parameters * 4, reading.effectiveBits < 32);
        if (!asked.keep.empty() && ofLinears)
            QVERIFY(reading.keptChannels > 0 && reading.keptChannels < reading.keptOf);
        QCOMPARE(QString::fromStdString(Recipe::fromJson(asked.toJson(), "itself").text()),
                 QString::fromStdString(asked.text()));
    }

    // Whatever a scheme does to the rest: where every channel of every site is kept, all of it is FP32.
    void keptChannelsAreExact_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        for (const char* model : {"tiny-bert-classifier", "tiny-llama"})
            for (const SchemeInfo& scheme : Workbench::schemes())
                for (const char* scope : {"linear-inputs", "all-activations"})
                    if (scheme.id != "ablate" &&
                        scheme.id != "stored" && // whose chosen channels are the ones it changes
                        (scheme.id != "head" || std::string(model) == "tiny-llama"))
                        QTest::newRow((std::string(model) + " " + scheme.id + " " + scope).c_str())
                            << model << QString::fromStdString(alone(scheme.id) + ":scope=" + scope);
    }
    void keptChannelsAreExact() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        Workbench& workbench = opened(model.toStdString());
        const ModelInfo& info = workbench.model();
        Recipe kept = Recipe::parse(recipe.toStdString());
        for (Place place : info.places)
            for (int layer = 0; layer < (isPerLayer(place) ? info.layers : 1); ++layer) {
                const Site site{isPerLayer(place) ? layer : -1, place};
                if (place == Place::attn_probs) kept.highPrecision.insert(site);
                for (int channel = 0; channel < info.channels(place) && place != Place::logits; ++channel)
                    kept.setKept(site, channel, true);
            }
        const std::string text = "the outlier channel";
        const DataRequest data = textOf(model.toStdString());
        // A rotated model sums other numbers: as near as rotations are held to.
        const float tolerance = recipe.startsWith("rotation") ? 1e-4F : 2e-5F;
        CLOSE(workbench.predict(text, {}, kept, 5, &data).logits, workbench.predict(text, {}, {}).logits,
              tolerance);
    }

    // All channels kept, or every site left whole: FP32 again.
    void nothingQuantizedIsFp32_data() {
        QTest::addColumn<QString>("model");
        QTest::newRow("BERT") << "tiny-bert-classifier";
        QTest::newRow("LLaMA") << "tiny-llama";
    }
    void nothingQuantizedIsFp32() {
        QFETCH(QString, model);
        Workbench& workbench = opened(model.toStdString());
        const ModelInfo& info = workbench.model();
        Recipe kept = Recipe::parse("w8a8:activation_bits=2,weight_bits=2,dynamic=on"), whole = kept;
        for (int layer = 0; layer < info.layers; ++layer)
            for (Place place :
                 {Place::attn_input, Place::attn_context, Place::mlp_input, Place::mlp_hidden}) {
                whole.highPrecision.insert({layer, place});
                for (int channel = 0; channel < info.channels(place); ++channel)
                    kept.setKept({layer, place}, channel, true);
            }
        const std::string text = "the outlier channel";
        const auto plain = workbench.predict(text, {}, {}).logits;
        CLOSE(workbench.predict(text, {}, kept).logits, plain, 1e-6F);
        CLOSE(workbench.predict(text, {}, whole).logits, plain, 1e-6F);
        const Reading reading = evaluated(workbench, textOf(model.toStdString()), kept);
        QCOMPARE(reading.keptChannels, reading.keptOf);
    }

    void storageCountsScalesAndKeptColumns() {
        Workbench& workbench = opened("tiny-llama");
        const DataRequest data = textOf("tiny-llama");
        const std::int64_t all = workbench.model().parameters * 4;
        // Linear weights of a layer, [out, in] = 32×32, 16×32 twice, 32×32, 48×32 twice, 32×48; outputs
        // 32+16+16+32+48+48+32.
        const std::int64_t weights = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32), outputs = 2 * 224;
        Recipe recipe = Recipe::parse("w8a8:dynamic=on");
        Reading reading = evaluated(workbench, data, recipe);
        QCOMPARE(reading.weightBytes, all - 4 * weights + weights + 4 * outputs);
        QVERIFY(std::abs(reading.effectiveBits - (8 + 32.0 * outputs / weights)) < 1e-9);
        QCOMPARE(reading.keptOf, std::size_t{2 * (3 * 32 + 32 + 2 * 32 + 48)});
        recipe.setKept({0, Place::attn_input}, 5, true); // read by query, key and value
        reading = evaluated(workbench, data, recipe);
        QCOMPARE(reading.keptChannels, std::size_t{3});
        // Three columns in float32 in place of 8 bits.
        QCOMPARE(reading.weightBytes, all - 4 * weights + weights + 4 * outputs + 3 * (32 + 16 + 16));
    }

    // A recipe's own number of calibration windows is that of a request which asks for as many.
    void samplesAreTheRecipesOwn() {
        const std::string model = "tiny-llama";
        Workbench& workbench = opened(model);
        const Recipe plain = Recipe::parse("w8a8:activation_bits=4");
        Recipe one = plain;
        one.samples = 1;
        const Reading asked = evaluated(workbench, textOf(model), one);
        const Reading same = evaluated(workbench, textOf(model, 2, 16, 1), plain);
        const Reading more = evaluated(workbench, textOf(model), plain); // three windows
        QCOMPARE(*asked.klMean, *same.klMean);
        QVERIFY(*asked.klMean != *more.klMean);
        one.samples = 4; // one more than the request holds
        QCOMPARE(*evaluated(workbench, textOf(model), one).klMean,
                 *evaluated(workbench, textOf(model, 2, 16, 4), plain).klMean);
        // A seed draws other windows, the same ones each time; a rule that needs none has none to miss.
        Recipe drawn = plain;
        drawn.samples = 2, drawn.sampleSeed = 1;
        const double first = *evaluated(workbench, textOf(model), drawn).klMean;
        QCOMPARE(*evaluated(workbench, textOf(model, 2, 16, 1), drawn).klMean, first);
        drawn.sampleSeed = 2;
        QVERIFY(*evaluated(workbench, textOf(model), drawn).klMean != first);
        Recipe dynamic = Recipe::parse("w8a8:activation_bits=4,dynamic=on");
        const double ownRanges = *evaluated(workbench, textOf(model), dynamic).klMean;
        dynamic.samples = 100'000;
        QCOMPARE(*evaluated(workbench, textOf(model), dynamic).klMean, ownRanges);
        one.samples = 100'000;
        const std::string sentence =
            kurtoscope::test::failure([&] { evaluated(workbench, textOf(model), one); });
        QVERIFY2(sentence.find("samples=100000 asks for more than") != std::string::npos, sentence.c_str());
    }

    // Bits of a weight and of an activation with their scales, counted by hand for tiny-llama's layers.
    void everyFormatStatesItsBits_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<double>("weight");
        QTest::addColumn<double>("activation");
        QTest::addColumn<double>("cache");
        const double weights = 2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32, outputs = 224, values = 6 * 32 + 48;
        const double narrow = weights / 32 - 48, wide = 32; // rows of 32 inputs, and the last matrix's of 48
        QTest::newRow("fp16") << "fp16" << 16.0 << 16.0 << 32.0;
        QTest::newRow("bf16") << "bf16" << 16.0 << 16.0 << 32.0;
        QTest::newRow("fp8") << "fp8" << 8 + 32 * outputs / weights << 8.0 << 32.0;
        QTest::newRow("fp8, per-token") << "fp8:activation=per-token,weight=per-tensor"
                                        << 8 + 32 * 7 / weights << 8 + 7 * 16 / values << 32.0;
        QTest::newRow("mxfp8") << "mx" << 8 + 8 * (narrow + 2 * wide) / weights << 8 + 8 * 8 / values << 32.0;
        QTest::newRow("mxfp6") << "mx:format=mxfp6_e2m3" << 6 + 8 * (narrow + 2 * wide) / weights
                               << 6 + 8 * 8 / values << 32.0;
        QTest::newRow("mxfp4, weights") << "mx:format=mxfp4,activation_format=16"
                                        << 4 + 8 * (narrow + 2 * wide) / weights << 32.0 << 32.0;
        QTest::newRow("nvfp4") << "mx:format=nvfp4" << 4 + (8 * (2 * narrow + 3 * wide) + 32 * 7) / weights
                               << 4 + 8 * 15 / values << 32.0;
        QTest::newRow("w4a4") << "w4a4" << 4 + 32 * outputs / weights << 4 + 7 * 16 / values << 32.0;
        QTest::newRow("cache") << "kv-cache:bits=4" << 32.0 << 32.0 << 4 + (32.0 / 32 + 32.0 / 8) / 2;
        QTest::newRow("a cache with fixed ranges") << "kv-cache:ranges=static,bits=8" << 32.0 << 32.0 << 8.0;
        QTest::newRow("with a cache")
            << "w8a8+kv-cache:bits=2" << 8 + 32 * outputs / weights << 8.0 << 2 + (32.0 / 32 + 32.0 / 8) / 2;
    }
    void everyFormatStatesItsBits() {
        QFETCH(QString, recipe);
        QFETCH(double, weight);
        QFETCH(double, activation);
        QFETCH(double, cache);
        const Reading reading =
            evaluated(opened("tiny-llama"), textOf("tiny-llama"), Recipe::parse(recipe.toStdString()));
        QCOMPARE(reading.effectiveBits, weight);
        QCOMPARE(reading.activationBits, activation);
        QCOMPARE(reading.cacheBits, cache);
    }

    // A sentence's own values decide its ranges: neighbours in the batch and padding have no say.
    void dynamicRangesIgnoreThePadding_data() {
        QTest::addColumn<QString>("recipe");
        for (const char* recipe :
             {"w8a8:dynamic=on,activation_bits=4", "w8a8:dynamic=on,activation_bits=4,scope=all-activations",
              "w8a8:activation=per-token,activation_bits=4,scope=all-activations",
              "peg:dynamic=on,permute=off,scope=all-activations",
              "llm-int8:threshold=2,scope=all-activations", "fp8:dynamic=on,scope=all-activations",
              "mx:format=nvfp4,scope=all-activations",
              "w8a8:activation=per-channel,dynamic=on,scope=all-activations", "kv-cache:bits=8,group=4"})
            QTest::newRow(recipe) << recipe;
    }
    void dynamicRangesIgnoreThePadding() {
        QFETCH(QString, recipe);
        const std::vector<std::string> sentences{
            "few values decide", "the range of all the others must stretch so the grid grows", "a short one"};
        QTemporaryDir place;
        QFile table(place.filePath("rows.tsv"));
        QVERIFY(table.open(QIODevice::WriteOnly));
        for (std::size_t i = 0; i < sentences.size(); ++i)
            table.write(QByteArray::number(int(i % 2)) + "\t" + QByteArray::fromStdString(sentences[i]) +
                        "\n");
        table.close();
        Workbench& workbench = opened("tiny-bert-classifier");
        DataRequest data;
        data.path = table.fileName().toStdString();
        const Recipe asked = Recipe::parse(recipe.toStdString());
        for (Site site : {Site{0, Place::attn_context}, Site{1, Place::mlp_norm}}) {
            const auto together = workbench.sample(site, data, "", asked, 1000).values;
            std::vector<float> alone;
            for (const std::string& sentence : sentences)
                for (float value : workbench.sample(site, data, sentence, asked, 1000).values)
                    alone.push_back(value);
            CLOSE(together, alone, tolerance);
        }
    }

    void refuses_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QStringList>("words");
        QTest::newRow("scheme") << "w9" << QStringList{"unknown scheme \"w9\"", "fp16, fp32", "w8a8"};
        QTest::newRow("parameter") << "w8a8:colour=red"
                                   << QStringList{"no parameter \"colour\"", "activation_bits"};
        QTest::newRow("value") << "w8a8:activation_bits=9"
                               << QStringList{"activation_bits=9", "2, 3, 4, 5, 6, 7, 8, 16"};
        QTest::newRow("excluding") << "w8a8:activation=per-token,dynamic=off"
                                   << QStringList{"per-token", "dynamic=off"};
        QTest::newRow("range of a token")
            << "w8a8:activation=per-token,range=mse"
            << QStringList{"range=mse with activation=per-token", "calibration"};
        QTest::newRow("range at run time")
            << "w8a8:dynamic=on,range=entropy" << QStringList{"range=entropy with dynamic=on", "calibration"};
        QTest::newRow("ranges of groups") << "w8a8:activation=per-group,range=percentile"
                                          << QStringList{"activation=per-group", "one range per tensor"};
        QTest::newRow("entropy of one side")
            << "w8a8:symmetric=off,range=entropy" << QStringList{"symmetric=off", "range=mse"};
        QTest::newRow("scale of a token")
            << "fp8:activation=per-token,dynamic=off" << QStringList{"per-token", "dynamic=off"};
        QTest::newRow("two of a kind") << "fp8+w8a8" << QStringList{"fp8 and w8a8 both say how activations"};
        QTest::newRow("two of a kind, weights")
            << "fp8:activation_format=16+w8a8" << QStringList{"fp8 and w8a8 both say how weights"};
        QTest::newRow("ablation beside rounding")
            << "ablate+w8a8" << QStringList{"ablate cannot be combined", "side by side"};
        QTest::newRow("ablated place")
            << "ablate:place=logits" << QStringList{"no place \"logits\"", "mlp_residual"};
        QTest::newRow("ablated place of another family")
            << "ablate:place=mlp_norm" << QStringList{"no site layers.0.mlp_norm"};
        QTest::newRow("smoothing before a rotation")
            << "smoothquant+rotation" << QStringList{"undone", "Put rotation first"};
        QTest::newRow("mixed sites") << "mixed:sites=mlp_output/nowhere"
                                     << QStringList{"\"nowhere\"", "mlp_output"};
        QTest::newRow("mixed site not there")
            << "mixed:sites=layers.7.mlp_output" << QStringList{"no site layers.7.mlp_output"};
        QTest::newRow("kept") << "kept:criterion=top,threshold=2.5" << QStringList{"top"};
        QTest::newRow("criterion") << "w8a8:keep=best:3" << QStringList{"best", "ratio"};
    }
    void refuses() {
        QFETCH(QString, recipe);
        QFETCH(QStringList, words);
        const QString sentence = QString::fromStdString(test::failure([&] {
            evaluated(opened("tiny-llama"), textOf("tiny-llama"), Recipe::parse(recipe.toStdString()));
        }));
        for (const QString& word : words)
            QVERIFY2(sentence.contains(word), qPrintable(sentence));
    }

    void refusesBitsOfSitesThatHoldNoIntegers() {
        Recipe recipe = Recipe::parse("fp8:dynamic=on");
        recipe.bits[{0, Place::mlp_hidden}] = 4;
        const QString sentence =
            QString::fromStdString(test::failure([&] { opened("tiny-llama").validate(recipe); }));
        QVERIFY2(sentence.contains("rounds activations to integers"), qPrintable(sentence));
    }

    // What one scheme is told to leave alone, another may speak for.
    void schemesShareTheWork_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<double>("weight");
        QTest::addColumn<double>("activation");
        QTest::newRow("4-bit weights, FP8 activations")
            << "w8a8:weight_bits=4,activation_bits=16+fp8" << 4.0 << 8.0;
        QTest::newRow("MXFP4 weights, 8-bit activations")
            << "mx:format=mxfp4,activation_format=16+w8a8:weight_bits=16" << 4.0 << 8.0;
        QTest::newRow("a preset told otherwise") << "w4a4:activation_bits=8" << 4.0 << 8.0;
        QTest::newRow("FP16 beside told weights")
            << "fp16+w8a8:weight_bits=3,activation_bits=16" << 3.0 << 16.0;
    }
    void schemesShareTheWork() {
        QFETCH(QString, recipe);
        QFETCH(double, weight);
        QFETCH(double, activation);
        const Reading reading =
            evaluated(opened("tiny-llama"), textOf("tiny-llama"), Recipe::parse(recipe.toStdString()));
        // Scales come on top.
        QVERIFY(reading.effectiveBits > weight && reading.effectiveBits < weight + 1.5);
        QVERIFY(reading.activationBits >= activation && reading.activationBits < activation + 1);
    }

    void refusesSitesAndChannelsThatAreNotThere() {
        Workbench& workbench = opened("tiny-llama");
        const auto sentence = [&](Site site, int channel) {
            Recipe recipe = Recipe::parse("w8a8:dynamic=on");
            if (channel < 0)
                recipe.highPrecision.insert(site);
            else
                recipe.setKept(site, channel, true);
            return QString::fromStdString(test::failure([&] { workbench.validate(recipe); }));
        };
        QVERIFY(sentence({2, Place::attn_input}, -1).contains("layers.2.attn_input"));
        QVERIFY(sentence({0, Place::mlp_norm}, -1).contains("no site layers.0.mlp_norm"));
        QVERIFY(sentence({-1, Place::attn_input}, -1).contains("no site"));
        QVERIFY(sentence({0, Place::mlp_hidden}, 48).contains("0 to 47"));
        QVERIFY(sentence({0, Place::attn_probs}, 0).contains("attn_probs"));
        QCOMPARE(sentence({1, Place::mlp_hidden}, 47), QString("no error"));
    }
};

QTEST_GUILESS_MAIN(SchemesTest)
#include "test_schemes.moc"
