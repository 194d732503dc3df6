// SPDX-License-Identifier: GPL-3.0-or-later
// Targets without weights: configurations, recipes and tables. What they hold is what was measured or chosen,
// and what they cannot carry they say.
#include "core/model/gguf.h"
#include "core/model/mapped_file.h"
#include "tests/support/exported.h"
#include "tests/support/failure.h"
#include "tests/support/reference_python.h"
#include "tests/support/tensor_table.h"

#include <QProcess>
#include <QStandardPaths>
#include <QTest>

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {

Observation seen(const std::string& model) {
    ObserveRequest request;
    request.data = textOf(model);
    return opened(model).observe(request);
}

ExportResult exported(const std::string& model, const std::string& recipe, const std::string& format,
                      const ExportPlace& place) {
    return opened(model).exportModel(exportRequest(model, recipe, format, place));
}

bool limits(const ExportPlan& plan, const std::string& what) {
    return std::any_of(plan.limits.begin(), plan.limits.end(),
                       [&](const ExportLimit& limit) { return limit.what.find(what) != std::string::npos; });
}

QStringList linesOf(const std::string& text) {
    return QString::fromStdString(text).split('\n', Qt::SkipEmptyParts);
}

} // namespace

class ExportTextsTest : public QObject {
    Q_OBJECT

private slots:
    void importanceHoldsSumsOfSquares() {
        const ExportPlace place;
        const ExportResult made = exported("tiny-llama", "rtn:bits=4,group=16", "llama-imatrix", place);
        const auto file = GgufFile::read(MappedFile::open(place.path() + "/imatrix.gguf"));
        QCOMPARE(file->text("general.type"), std::string("imatrix"));
        QCOMPARE(place.read("imatrix.gguf").size() % 32, std::size_t{0}); // llama.cpp refuses it otherwise
        const Observation expected = seen("tiny-llama");
        const SiteStats* stats = expected.find({1, Place::mlp_hidden});
        QVERIFY(stats);
        const StoredTensor* sums = file->find("blk.1.ffn_down.weight.in_sum2");
        QVERIFY(sums);
        QCOMPARE(sums->shape, (std::vector<std::int64_t>{1, 48}));
        std::vector<float> values(48), tokens(1);
        dequantize(*sums, values);
        dequantize(*file->find("blk.1.ffn_down.weight.counts"), tokens);
        QCOMPARE(tokens[0], static_cast<float>(stats->tokens));
        for (std::size_t c = 0; c < 48; ++c)
            QCOMPARE(values[c], static_cast<float>(stats->energy[c]));
        QCOMPARE(file->tensors().size(),
                 std::size_t{2 * 7 * 2}); // two for each of seven layers in two blocks
        // 32 inputs are no whole blocks of 256: the older four-bit type.
        QVERIFY(linesOf(place.read("tensor-types.txt")).contains("^blk\\.0\\.attn_q\\.weight$=q4_0"));
        QVERIFY(linesOf(place.read("tensor-types.txt"))
                    .contains("^blk\\.1\\.ffn_down\\.weight$=f16")); // 48 are no blocks of 32
        QVERIFY(!made.plan.loading.empty());
    }

    void theOlderFormHoldsMeans() {
        const ExportPlace place;
        exported("tiny-llama", "fp32", "llama-imatrix:form=dat", place);
        const std::string bytes = place.read("imatrix.dat");
        const auto whole = [&](std::size_t at) {
            std::int32_t value = 0;
            std::memcpy(&value, bytes.data() + at, sizeof value);
            return value;
        };
        QCOMPARE(whole(0), 14);
        const auto length = static_cast<std::size_t>(whole(4));
        const std::string name = bytes.substr(8, length);
        QCOMPARE(name, std::string("blk.0.attn_k.weight"));
        const std::int32_t calls = whole(8 + length);
        QCOMPARE(whole(12 + length), 32);
        float first = 0;
        std::memcpy(&first, bytes.data() + 16 + length, sizeof first);
        const Observation expected = seen("tiny-llama");
        const SiteStats* stats = expected.find({0, Place::attn_input});
        QCOMPARE(first, static_cast<float>(stats->energy[0] / double(stats->tokens) * calls));
    }

    void ggufPyReadsTheImportance() {
        if (referencePython().empty()) QSKIP("no Python with gguf: ./test sets one up");
        const ExportPlace place;
        exported("tiny-llama", "fp32", "llama-imatrix", place);
        const char* script = "import sys, gguf\n"
                             "r = gguf.GGUFReader(sys.argv[1])\n"
                             "t = {x.name: x for x in r.tensors}\n"
                             "print(r.fields['general.type'].contents(), len(t), "
                             "t['blk.0.attn_q.weight.in_sum2'].data.shape[-1], "
                             "r.fields[gguf.Keys.IMatrix.CHUNK_COUNT].contents() > 0, "
                             "len(r.fields[gguf.Keys.IMatrix.DATASETS].contents()))\n";
        QProcess python;
        python.start(QString::fromStdString(referencePython()),
                     {"-c", script, QString::fromStdString(place.path() + "/imatrix.gguf")});
        QVERIFY(python.waitForFinished(60'000));
        if (python.readAllStandardError().contains("ModuleNotFoundError")) QSKIP("no gguf in that Python");
        QCOMPARE(python.readAllStandardOutput().trimmed(), QByteArray("imatrix 28 32 True 1"));
    }

    // llama.cpp's own tool takes both files, uses the importance of every weight, and gives each the type
    // that is listed. $KURTOSCOPE_LLAMA_QUANTIZE, else what PATH has.
    void llamaQuantizeTakesImportanceAndTypes() {
        const QString given = qEnvironmentVariable("KURTOSCOPE_LLAMA_QUANTIZE"),
                      tool = given.isEmpty() ? QStandardPaths::findExecutable("llama-quantize") : given;
        if (tool.isEmpty()) QSKIP("no llama-quantize of llama.cpp");
        if (!QFile::exists(QString::fromStdString(smolLm))) QSKIP("SmolLM2 was not fetched");
        const ExportPlace place;
        exported(smolLm, "rtn:bits=4,group=32", "llama-imatrix", place);
        const QString folder = QString::fromStdString(place.path()), out = folder + "/out.gguf";
        QStringList words{"--allow-requantize", "--imatrix", folder + "/imatrix.gguf"};
        for (const QString& line : linesOf(place.read("tensor-types.txt")))
            words << "--tensor-type" << line;
        QProcess process;
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start(tool, words + QStringList{QString::fromStdString(smolLm), out, "q8_0"});
        QVERIFY(process.waitForFinished(300'000));
        const QByteArray said = process.readAll();
        QVERIFY2(process.exitCode() == 0, said.right(400).constData());
        QVERIFY2(said.contains("loaded 210 importance matrix entries"), said.left(2000).constData());
        QVERIFY2(!said.contains("did not find weights for blk."), said.right(2000).constData());
        const auto made = GgufFile::read(MappedFile::open(out.toStdString()));
        for (const QString& line : linesOf(place.read("tensor-types.txt"))) {
            QString name = line.section('=', 0, 0), type = line.section('=', 1);
            const StoredTensor* tensor = made->find(name.remove('^').remove('$').remove('\\').toStdString());
            QVERIFY2(tensor, qPrintable(line));
            QCOMPARE(QString(storedTypeName(tensor->type)).toLower(), type);
        }
        QVERIFY(!opened(out.toStdString()).predict("The old lighthouse keeper", {}, {}).logits.empty());
    }

    void bitsandbytesTakesThresholdAndSkipList() {
        const ExportPlace place;
        Workbench& bench = opened("tiny-llama");
        ExportRequest request = exportRequest("tiny-llama", "llm-int8:threshold=4.5", "bitsandbytes", place);
        request.recipe.highPrecision.insert({1, Place::mlp_hidden});
        const ExportResult made = bench.exportModel(request);
        const auto config = place.json("quantization_config.json");
        QCOMPARE(config["quant_method"].get<std::string>(), std::string("bitsandbytes"));
        QCOMPARE(config["llm_int8_threshold"].get<double>(), 4.5);
        QCOMPARE(config["llm_int8_skip_modules"],
                 (nlohmann::json{"model.layers.1.mlp.down_proj", "lm_head"}));
        QVERIFY(place.read("load.py").find("BitsAndBytesConfig(") != std::string::npos);
        QCOMPARE(made.plan.modules.size(), std::size_t{13});
        const ExportPlace other;
        exported("tiny-llama", "rtn:bits=4,group=16", "bitsandbytes", other);
        QCOMPARE(other.json("quantization_config.json")["bnb_4bit_quant_type"].get<std::string>(),
                 std::string("nf4"));
    }

    void bitsandbytesSaysWhatElseItMakesOfInputs_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("said"); // empty: it carries all of this
        QTest::newRow("its own levels") << "w8a8:activation=per-token"
                                        << "";
        QTest::newRow("a level more") << "w8a8:activation=per-token,levels=full"
                                      << "127.5";
        QTest::newRow("zero points") << "w8a8:activation=per-token,symmetric=off"
                                     << "zero point";
        QTest::newRow("fewer bits") << "w8a8:activation=per-token,activation_bits=6"
                                    << "8-bit integers";
    }
    void bitsandbytesSaysWhatElseItMakesOfInputs() {
        QFETCH(QString, recipe);
        QFETCH(QString, said);
        const ExportPlace place;
        const ExportPlan plan =
            opened("tiny-llama")
                .planExport(exportRequest("tiny-llama", recipe.toStdString(), "bitsandbytes", place));
        QString limits;
        for (const ExportLimit& limit : plan.limits)
            limits += QString::fromStdString(limit.what) + "; ";
        QVERIFY2(said.isEmpty() ? plan.limits.empty() : limits.contains(said), qPrintable(limits));
    }

    // Whose query, key and value are one module, and one tensor in a GGUF file.
    void gpt2IsNamedAsItIsLoaded() {
        const ExportPlace place;
        ExportRequest request = exportRequest("tiny-gpt2", "llm-int8", "bitsandbytes", place);
        request.recipe.highPrecision.insert({1, Place::attn_input});
        const ExportResult made = opened("tiny-gpt2").exportModel(request);
        QCOMPARE(place.json("quantization_config.json")["llm_int8_skip_modules"],
                 (nlohmann::json{"transformer.h.1.attn.c_attn", "lm_head"}));
        QCOMPARE(made.plan.modules.size(), std::size_t{7});
        const ExportPlace other;
        exported("tiny-gpt2", "fp32", "llama-imatrix", other);
        const auto file = GgufFile::read(MappedFile::open(other.path() + "/imatrix.gguf"));
        QCOMPARE(file->tensors().size(), std::size_t{2 * 2 * 4});
        QVERIFY(file->find("blk.1.attn_qkv.weight.in_sum2"));
    }

    void torchaoTakesWhatItHas_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("type");
        QTest::newRow("int8, per token") << "w8a8:activation=per-token,levels=full"
                                         << "Int8DynamicActivationInt8WeightConfig";
        QTest::newRow("int8 weights") << "rtn:bits=8,group=0"
                                      << "Int8WeightOnlyConfig";
        QTest::newRow("int4 weights in groups") << "rtn:bits=4,group=16"
                                                << "IntxWeightOnlyConfig";
        QTest::newRow("int4 weights, int8 inputs")
            << "w8a8:activation=per-token,symmetric=off,weight_bits=4,weight=per-group,weight_group=16"
            << "Int8DynamicActivationIntxWeightConfig";
    }
    void torchaoTakesWhatItHas() {
        QFETCH(QString, recipe);
        QFETCH(QString, type);
        const ExportPlace place;
        exported("tiny-llama", recipe.toStdString(), "torchao", place);
        const auto config = place.json("quantization_config.json");
        QCOMPARE(QString::fromStdString(config["quant_type"]["default"]["_type"].get<std::string>()), type);
        QCOMPARE(config["modules_to_not_convert"], nlohmann::json{"lm_head"});
        QVERIFY(QString::fromStdString(place.read("load.py")).contains(type));
    }

    void configurationsRefuseWhatTheyHaveNot_data() {
        QTest::addColumn<QString>("format");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("said");
        QTest::newRow("torchao, static ranges") << "torchao"
                                                << "w8a8"
                                                << "torchao's configurations";
        QTest::newRow("torchao, GPT-2") << "torchao"
                                        << "rtn:bits=8,group=0"
                                        << "Conv1D";
        QTest::newRow("llm-compressor, GPT-2") << "llm-compressor"
                                               << "w8a8:levels=full"
                                               << "Conv1D";
        QTest::newRow("bitsandbytes, three bits") << "bitsandbytes"
                                                  << "rtn:bits=3,group=0"
                                                  << "8-bit or 4-bit";
        QTest::newRow("llm-compressor, nothing to do") << "llm-compressor"
                                                       << "fp32"
                                                       << "rounds nothing";
        QTest::newRow("llm-compressor, MX") << "llm-compressor"
                                            << "mx"
                                            << "float format";
        QTest::newRow("llm-compressor, an ablation") << "llm-compressor"
                                                     << "ablate"
                                                     << "no quantization";
    }
    void configurationsRefuseWhatTheyHaveNot() {
        QFETCH(QString, format);
        QFETCH(QString, recipe);
        QFETCH(QString, said);
        const ExportPlace place;
        const char* model = said == "Conv1D" ? "tiny-gpt2" : "tiny-llama";
        const QString words = QString::fromStdString(
            failure([&] { exported(model, recipe.toStdString(), format.toStdString(), place); }));
        QVERIFY2(words.contains(said), qPrintable(words));
        QVERIFY(place.entries().isEmpty());
    }

    void tablesNeedAText() {
        for (const char* format : {"tables", "channel-tables", "model-explorer", "llama-imatrix"}) {
            const ExportPlace place;
            ExportRequest request = exportRequest("tiny-llama", "fp32", format, place);
            request.calibration = {};
            const QString words =
                QString::fromStdString(failure([&] { opened("tiny-llama").exportModel(request); }));
            QVERIFY2(words.contains("--calibration"), qPrintable(words));
        }
    }

    void llmCompressorGetsGroupsAndExceptions() {
        const ExportPlace place;
        ExportRequest request = exportRequest("tiny-llama", "w8a8:levels=full", "llm-compressor", place);
        request.recipe.highPrecision.insert({1, Place::mlp_hidden});
        request.recipe.bits[{0, Place::mlp_hidden}] = 6;
        const ExportResult made = opened("tiny-llama").exportModel(request);
        const QStringList lines = linesOf(place.read("recipe.yaml"));
        QVERIFY(lines.contains("    QuantizationModifier:"));
        QVERIFY(lines.contains("      - 're:.*layers\\.1\\.mlp\\.down_proj$'"));
        QVERIFY(lines.contains("      - 're:.*lm_head$'"));
        QVERIFY(lines.contains(
            "          weights: {num_bits: 8, type: int, symmetric: true, strategy: channel}"));
        QVERIFY(lines.contains(
            "          input_activations: {num_bits: 8, type: int, symmetric: true, dynamic: false, "
            "strategy: tensor, observer: static_minmax}"));
        QVERIFY(lines.contains("          - 're:.*layers\\.0\\.mlp\\.down_proj$'"));
        QCOMPARE(lines.filter("num_bits: 6").size(), 1);
        QCOMPARE(made.plan.modules.size(), std::size_t{13});
    }

    void smoothingIsARunOfItsOwn() {
        const ExportPlace place;
        const ExportResult made = exported("tiny-llama", "smoothquant:levels=full", "llm-compressor", place);
        QVERIFY(place.read("recipe-1-smooth.yaml").find("SmoothQuantModifier:") != std::string::npos);
        QVERIFY(place.read("recipe-2-quantize.yaml").find("QuantizationModifier:") != std::string::npos);
        // A LayerNorm behind a residual sum feeds the next sum too: smoothing there would change the model.
        const ExportPlace bert;
        const ExportResult other = exported("tiny-bert", "smoothquant:levels=full", "llm-compressor", bert);
        QVERIFY(bert.read("recipe.yaml").find("SmoothQuant") == std::string::npos);
        QVERIFY(limits(other.plan, "scaling and rotations"));
    }

    void tablesHoldWhatWasSeen() {
        const ExportPlace place;
        ExportRequest request = exportRequest("tiny-llama", "w8a8", "tables", place);
        request.recipe.setKept({0, Place::mlp_input}, 5, true);
        opened("tiny-llama").exportModel(request);
        const Observation expected = seen("tiny-llama");
        const QStringList channels = linesOf(place.read("channels.csv")),
                          sites = linesOf(place.read("sites.csv"));
        QCOMPARE(sites.size(), static_cast<qsizetype>(expected.sites.size()) + 1);
        qsizetype count = 1;
        for (const SiteStats& stats : expected.sites)
            count += static_cast<qsizetype>(stats.absmax.size());
        QCOMPARE(channels.size(), count);
        const QStringList row =
            channels.filter(QStringLiteral("layers.0.mlp_input,0,mlp_input,5,")).value(0).split(',');
        QCOMPARE(row.size(), channels.front().split(',').size());
        const SiteStats* stats = expected.find({0, Place::mlp_input});
        QCOMPARE(row[6].toFloat(), stats->absmax[5]);
        QCOMPARE(row[10].toDouble(), stats->kurtosis[5]);
        QCOMPARE(row.back(), QString("1"));
        QCOMPARE(
            channels.filter(QStringLiteral("layers.0.mlp_input,0,mlp_input,4,")).value(0).split(',').back(),
            QString("0"));
    }

    void channelTablesHoldWhatWasSeen() {
        const ExportPlace place;
        exported("tiny-llama", "fp32", "channel-tables", place);
        const TensorTable tables(place.path() + "/channels.safetensors");
        const Observation expected = seen("tiny-llama");
        const SiteStats* stats = expected.find({1, Place::mlp_residual});
        QCOMPARE(tables.floats("layers.1.mlp_residual.absmax"), stats->absmax);
        const auto energy = tables.floats("layers.1.mlp_residual.energy");
        for (std::size_t c = 0; c < energy.size(); ++c)
            QCOMPARE(energy[c], static_cast<float>(stats->energy[c]));
    }

    void modelExplorerColoursTheProducts() {
        const ExportPlace place;
        exported("tiny-llama", "fp32", "model-explorer", place);
        const auto data = place.json("largest.json");
        QCOMPARE(data["results"].size(), std::size_t{14});
        const Observation expected = seen("tiny-llama");
        QCOMPARE(data["results"]["model.layers.1.mlp.down_proj/product"]["value"].get<float>(),
                 expected.find({1, Place::mlp_hidden})->siteAbsmax);
        QCOMPARE(data["gradient"].size(), std::size_t{2});
    }

    // Its own adapter names the nodes of the exported graph as the files do.
    void modelExplorerFindsTheProducts_data() {
        QTest::addColumn<QString>("model");
        for (const char* model : {"tiny-llama", "tiny-bert"})
            QTest::newRow(model) << model;
    }
    void modelExplorerFindsTheProducts() {
        if (modelExplorerPython().empty())
            QSKIP("no Python with Model Explorer (KURTOSCOPE_MODEL_EXPLORER_PYTHON)");
        QFETCH(QString, model);
        const ExportPlace graph, colours;
        exported(model.toStdString(), "w8a8", "onnx", graph);
        exported(model.toStdString(), "fp32", "model-explorer", colours);
        QProcess process;
        process.start(QString::fromStdString(modelExplorerPython()),
                      {"-c",
                       "import sys\n"
                       "from model_explorer_onnx.main import ONNXAdapter\n"
                       "for graph in ONNXAdapter().convert(sys.argv[1], {})['graphs']:\n"
                       "    print('\\n'.join(node.id for node in graph.nodes))\n",
                       QString::fromStdString(graph.path() + "/model.onnx")});
        QVERIFY(process.waitForFinished(120'000));
        QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
        const QStringList nodes = QString::fromUtf8(process.readAllStandardOutput()).split('\n');
        for (const char* file : {"largest.json", "max_to_median.json", "kurtosis.json", "kept.json"}) {
            const auto results = colours.json(file)["results"];
            QVERIFY(results.size() >= 12);
            for (const auto& [name, value] : results.items())
                QVERIFY2(nodes.contains(QString::fromStdString(name)), name.c_str());
        }
    }
};

QTEST_GUILESS_MAIN(ExportTextsTest)
#include "test_export_texts.moc"
