// SPDX-License-Identifier: GPL-3.0-or-later
// Quantized checkpoints of other libraries stand for what those libraries make of them
// (tests/golden/make_foreign_checkpoints.py), and damaged ones are refused in a sentence.
#include "core/model/quantized_checkpoint.h"
#include "core/model/safetensors_writer.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_copy.h"
#include "tests/support/reference_python.h"
#include "tests/support/safetensors_bytes.h"
#include "tests/support/tensor_table.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <nlohmann/json.hpp>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>

using namespace kurtoscope;
using kurtoscope::test::compressorPython;
using kurtoscope::test::failure;
using kurtoscope::test::ModelCopy;
using kurtoscope::test::TensorTable;
using nlohmann::json;

namespace {

const std::string golden = KURTOSCOPE_TESTS_DIR "/golden/foreign/";

json readJson(const std::string& file) {
    std::ifstream stream(file);
    return json::parse(stream, nullptr, false);
}

const json& cases() {
    static const json all = readJson(golden + "index.json");
    return all;
}

OpenedCheckpoint open(const json& config, const std::string& file) {
    return openQuantized(config, "config.json", TensorFile::openSafetensors(file), golden);
}

std::vector<float> weightOf(const OpenedCheckpoint& opened) {
    const StoredTensor* weight = opened.file->find("m.weight");
    if (!weight) return {};
    std::vector<float> values(static_cast<std::size_t>(weight->elements()));
    dequantize(*weight, values);
    return values;
}

// The nearest bfloat16, ties to even.
float toBrainFloat(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return std::bit_cast<float>((bits + 0x7FFFu + (bits >> 16 & 1u)) & ~0xFFFFu);
}

// A golden case with one part of its file or of its configuration changed.
struct Damage {
    const char *what, *from;
    std::function<void(json& config, json& header, std::string& data)> act;
    QStringList words;
};

void rename(json& header, const char* was, const char* is) {
    header[is] = header.at(was);
    header.erase(was);
}

const std::vector<Damage>& damages() {
    static const std::vector<Damage> all{
        {"GPTQ without zero points",
         "gptq-4",
         [](json&, json& h, std::string&) { rename(h, "m.qzeros", "m.other"); },
         {"m.qzeros", "has no tensor"}},
        {"GPTQ of floats",
         "gptq-4",
         [](json&, json& h, std::string&) { h["m.qweight"]["dtype"] = "F32"; },
         {"\"m.qweight\"", "is F32, expected I32"}},
        {"GPTQ with bits that do not fit",
         "gptq-4-v2",
         [](json& c, json& h, std::string&) {
             c["bits"] = 3;
             rename(h, "m.g_idx", "m.other");
         },
         {"m.qzeros", "has shape [1, 8], expected [1, 6]"}},
        {"GPTQ of five bits",
         "gptq-4",
         [](json& c, json&, std::string&) { c["bits"] = 5; },
         {"2, 3, 4 or 8 bits", "got 5"}},
        {"GPTQ of another layout",
         "gptq-4",
         [](json& c, json&, std::string&) { c["checkpoint_format"] = "marlin"; },
         {"\"marlin\"", "gptq_v2"}},
        {"GPTQ whose group is none of its own",
         "gptq-4-act-order",
         [](json&, json& h, std::string& data) {
             const auto at = h["m.g_idx"]["data_offsets"][0].get<std::size_t>();
             data[at] = 99;
         },
         {"m.g_idx", "group 99"}},
        {"GPTQ with scales of another layer",
         "gptq-4",
         [](json&, json& h, std::string&) {
             h["m.scales"]["shape"] = {6, 32};
         },
         {"m.scales", "has shape [6, 32], expected [any, 64]"}},
        {"AWQ of another version",
         "awq-4",
         [](json& c, json&, std::string&) { c["version"] = "gemv"; },
         {"\"gemv\"", "gemm"}},
        {"AWQ of eight bits",
         "awq-4",
         [](json& c, json&, std::string&) { c["bits"] = 8; },
         {"4 bits were expected, got 8"}},
        {"AWQ without scales",
         "awq-4",
         [](json&, json& h, std::string&) { rename(h, "m.scales", "m.other"); },
         {"m.scales", "has no tensor"}},
        {"AWQ with zero points of another shape",
         "awq-4",
         [](json&, json& h, std::string&) {
             h["m.qzeros"]["shape"] = {8, 3};
         },
         {"m.qzeros", "has shape [8, 3], expected [3, 8]"}},
        {"LLM.int8() with too few scales",
         "bnb-int8",
         [](json&, json& h, std::string&) {
             h["m.SCB"]["shape"] = {4, 6};
         },
         {"m.SCB", "has shape [4, 6], expected [24]"}},
        {"LLM.int8() whose rows are interleaved",
         "bnb-int8",
         [](json&, json& h, std::string& data) {
             data[h["m.weight_format"]["data_offsets"][0].get<std::size_t>()] = 2;
         },
         {"m.weight_format", "interleaved"}},
        {"LLM.int8() without weights",
         "bnb-int8",
         [](json&, json& h, std::string&) { rename(h, "m.weight", "m.other"); },
         {"m.weight", "has no tensor"}},
        {"NF4 whose state is no JSON",
         "bnb-nf4",
         [](json&, json& h, std::string& data) {
             data[h["m.weight.quant_state.bitsandbytes__nf4"]["data_offsets"][0].get<std::size_t>()] = 'x';
         },
         {"quant_state.bitsandbytes__nf4", "\"shape\""}},
        {"NF4 without its levels",
         "bnb-nf4",
         [](json&, json& h, std::string&) { rename(h, "m.weight.quant_map", "m.other"); },
         {"m.weight.quant_map", "has no tensor"}},
        {"nested NF4 without the outer scales",
         "bnb-nf4-nested",
         [](json&, json& h, std::string&) { rename(h, "m.weight.nested_absmax", "m.other"); },
         {"m.weight.nested_absmax", "has no tensor"}},
    };
    return all;
}

} // namespace

class ForeignCheckpointsTest : public QObject {
    Q_OBJECT

private slots:
    void standForTheLibrarysValues_data() {
        QTest::addColumn<QString>("name");
        QVERIFY(cases().size() > 15);
        for (const auto& [name, config] : cases().items())
            QTest::newRow(name.c_str()) << QString::fromStdString(name);
    }
    void standForTheLibrarysValues() {
        QFETCH(QString, name);
        const std::string file = golden + name.toStdString() + ".safetensors";
        const OpenedCheckpoint opened = open(cases().at(name.toStdString()), file);
        const std::vector<float> expected = TensorTable(file).floats("expected");
        std::vector<float> got = weightOf(opened);
        QCOMPARE(got.size(), expected.size());
        if (name == "ct-nvfp4") // the library multiplies in bfloat16, whatever type it loads the model in
            for (float& value : got)
                value = toBrainFloat(value);
        for (std::size_t i = 0; i < got.size(); ++i)
            QVERIFY2(got[i] == expected[i], qPrintable(QStringLiteral("%1: %2, expected %3")
                                                           .arg(i)
                                                           .arg(double(got[i]), 0, 'g', 9)
                                                           .arg(double(expected[i]), 0, 'g', 9)));
        QVERIFY(!opened.stored.summary.empty());
        QVERIFY(!opened.file->find("m.qweight") && !opened.file->find("m.SCB"));
    }

    // Rows are asked for in any pieces.
    void rowsAloneAreRowsOfTheWhole() {
        for (const char* name : {"gptq-4-act-order", "awq-4", "bnb-nf4", "bnb-int8"}) {
            const OpenedCheckpoint opened = open(cases().at(name), golden + name + ".safetensors");
            const StoredTensor* weight = opened.file->find("m.weight");
            QVERIFY(weight);
            const std::vector<float> whole = weightOf(opened);
            const auto columns = static_cast<std::size_t>(weight->shape[1]);
            std::vector<float> some(3 * columns);
            dequantizeRows(*weight, 5, 3, some);
            QVERIFY(std::equal(some.begin(), some.end(),
                               whole.begin() + static_cast<std::ptrdiff_t>(5 * columns)));
        }
    }

    void recipesAreRecovered_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("recipe");
        QTest::newRow("GPTQ") << "gptq-4"
                              << "gptq:bits=4,group=32,symmetric=off";
        QTest::newRow("GPTQ, whole rows") << "gptq-8"
                                          << "gptq:bits=8,group=0,symmetric=off";
        QTest::newRow("AWQ") << "awq-4"
                             << "awq:bits=4,group=32,symmetric=off";
        QTest::newRow("LLM.int8()") << "bnb-int8"
                                    << "llm-int8:threshold=6.0,outliers=bitsandbytes,weight_bits=16";
        QTest::newRow("NF4") << "bnb-nf4"
                             << "rtn:bits=4,group=64";
        QTest::newRow("compressed-tensors, packed") << "ct-packed-4"
                                                    << "rtn:bits=4,group=32";
        QTest::newRow("compressed-tensors, zero points") << "ct-int4-group-asymmetric"
                                                         << "rtn:bits=4,group=32,symmetric=off";
        QTest::newRow("compressed-tensors, one scale") << "ct-int8-tensor-bf16"
                                                       << "w8a8:activation_bits=16,weight=per-tensor";
        QTest::newRow("compressed-tensors, FP8") << "ct-fp8-channel"
                                                 << "fp8:activation_format=16";
        QTest::newRow("compressed-tensors, MXFP4") << "ct-mxfp4"
                                                   << "mx:format=mxfp4,activation_format=16";
    }
    void recipesAreRecovered() {
        QFETCH(QString, name);
        QFETCH(QString, recipe);
        const OpenedCheckpoint opened =
            open(cases().at(name.toStdString()), golden + name.toStdString() + ".safetensors");
        QCOMPARE(QString::fromStdString(opened.stored.recipe), recipe);
        Workbench::checkWords(Recipe::parse(opened.stored.recipe)); // throws where it is none
    }

    void damageIsSaidInASentence_data() {
        QTest::addColumn<int>("index");
        for (std::size_t i = 0; i < damages().size(); ++i)
            QTest::newRow(damages()[i].what) << static_cast<int>(i);
    }
    void damageIsSaidInASentence() {
        QFETCH(int, index);
        const Damage& damage = damages()[static_cast<std::size_t>(index)];
        std::ifstream stream(golden + damage.from + ".safetensors", std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof length);
        json header = json::parse(bytes.substr(8, length)), config = cases().at(damage.from);
        std::string data = bytes.substr(8 + length);
        damage.act(config, header, data);
        const QTemporaryDir place;
        const std::string file = place.filePath("damaged.safetensors").toStdString();
        std::ofstream(file, std::ios::binary) << test::safetensorsBytes(header.dump(), data);
        const QString said = QString::fromStdString(failure([&] { open(config, file); }));
        for (const QString& word : damage.words)
            QVERIFY2(said.contains(word), qPrintable(said));
    }

    // A whole model: layer 0 in int8 with stored input scales, layer 1 in packed int4, as transformers runs
    // it.
    void aMixedModelAnswersAsItsLibrary() {
        Workbench workbench({DeviceKind::cpu, 1, 1});
        const ModelInfo& info = workbench.open(golden + "tiny-llama-mixed");
        QVERIFY(info.quantized);
        QVERIFY2(QString::fromStdString(info.storedPrecision).contains("int8"), info.storedPrecision.c_str());
        QVERIFY2(QString::fromStdString(info.storedPrecision).contains("int4"), info.storedPrecision.c_str());
        const TensorTable expected(golden + "tiny-llama-mixed/golden.safetensors");
        const auto got = workbench.predict("", expected.integers("0.ids"), Recipe::parse("stored"));
        CLOSE(got.logits, expected.floats("0.logits"), 2e-4F);
        const auto plain = workbench.predict("", expected.integers("0.ids"), {});
        QVERIFY(test::largestDifference(plain.logits, expected.floats("0.logits")) >
                1e-2F); // its inputs are not rounded
    }

    // Made on the spot by the libraries that people quantize with. bitsandbytes multiplies in 16 bits; a
    // value that this tips to the next of 8 bits moves the answer further.
    void theRealLibrariesCheckpointsAnswerAsTheyDid_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<float>("bound");
        const auto row = [](const char* kind, const char* recipe, float bound) {
            QTest::newRow(kind) << kind << recipe << bound;
        };
        row("int8", "llm-int8:threshold=6.0,outliers=bitsandbytes,weight_bits=16", 2e-2F);
        row("nf4", "fp32", 2e-2F);
        row("nf4-nested", "fp32", 2e-2F);
        row("fp4", "fp32", 2e-2F);
        row("w8a8", "stored", 1e-5F);
        row("w4a16", "stored", 1e-5F);
    }
    void theRealLibrariesCheckpointsAnswerAsTheyDid() {
        QFETCH(QString, kind);
        QFETCH(QString, recipe);
        QFETCH(float, bound);
        const bool compressor = kind.startsWith('w');
        const std::string python = compressor ? compressorPython() : test::referencePython();
        if (python.empty()) QSKIP("no Python with these libraries: ./test sets one up");
        const QTemporaryDir place;
        const QString folder = place.filePath("made");
        QProcess process;
        process.start(QString::fromStdString(python),
                      {QStringLiteral(KURTOSCOPE_TESTS_DIR "/golden/save_quantized.py"), kind, folder});
        QVERIFY(process.waitForFinished(300'000));
        if (process.exitCode() == 3) QSKIP(process.readAllStandardOutput().trimmed().constData());
        QVERIFY2(process.exitCode() == 0, process.readAllStandardError().right(400).constData());
        Workbench workbench({DeviceKind::cpu, 1, 1});
        const ModelInfo& info = workbench.open(folder.toStdString());
        QVERIFY(info.quantized);
        if (recipe.startsWith(QStringLiteral("llm-int8")))
            QCOMPARE(QString::fromStdString(info.storedRecipe), recipe);
        const TensorTable expected(folder.toStdString() + "/answer.safetensors");
        const auto got =
            workbench.predict("", expected.integers("ids"), Recipe::parse(recipe.toStdString())).logits;
        const std::vector<float> wanted = expected.floats("logits");
        QCOMPARE(got.size(), wanted.size());
        double apart = 0, size = 0;
        for (std::size_t i = 0; i < got.size(); ++i)
            apart += std::pow(got[i] - wanted[i], 2), size += std::pow(wanted[i], 2);
        const double off = std::sqrt(apart / size);
        qInfo("%s: off by %.3g", qPrintable(kind), off);
        QVERIFY2(off <= double(bound), qPrintable(QString::number(off)));
    }

    void emptyWordsOfLlmCompressorAreNone() {
        json config = cases().at("ct-packed-4");
        config["transform_config"] = config["sparsity_config"] = json::object();
        QVERIFY(open(config, golden + "ct-packed-4.safetensors").file->find("m.weight"));
        config["sparsity_config"]["format"] = "sparse-24-bitmask";
        const QString said =
            QString::fromStdString(failure([&] { open(config, golden + "ct-packed-4.safetensors"); }));
        QVERIFY2(said.contains("sparsity_config"), qPrintable(said));
    }

    void anUnknownMethodIsNamed() {
        const ModelCopy copy("tiny-llama");
        copy.replace("config.json", "\"hidden_act\"",
                     "\"quantization_config\": {\"quant_method\": \"hqq\"}, \"hidden_act\"");
        Workbench workbench({DeviceKind::cpu, 1, 1});
        const QString said = QString::fromStdString(failure([&] { workbench.open(copy.path()); }));
        QVERIFY2(said.contains("\"hqq\"") && said.contains("awq") && said.contains("gptq"), qPrintable(said));
    }
};

QTEST_GUILESS_MAIN(ForeignCheckpointsTest)
#include "test_foreign_checkpoints.moc"
