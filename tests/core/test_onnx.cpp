// SPDX-License-Identifier: GPL-3.0-or-later
// The ONNX export: which operators stand in the graph, and what ONNX Runtime and OpenVINO answer (in a Python
// of their own, tests/support/reference_python.h).
#include "tests/support/exported.h"
#include "tests/support/failure.h"
#include "tests/support/reference_python.h"

#include <QProcess>
#include <QTest>

#include <map>

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {

// Just enough of protobuf's wire format to look into a model.
struct Field {
    int number = 0;
    std::uint64_t whole = 0;
    std::string_view bytes;
};

std::vector<Field> fieldsOf(std::string_view message) {
    std::vector<Field> fields;
    std::size_t at = 0;
    const auto varint = [&] {
        std::uint64_t value = 0;
        for (int shift = 0; at < message.size(); shift += 7) {
            const auto byte = static_cast<unsigned char>(message[at++]);
            value |= std::uint64_t{byte & 0x7Fu} << shift;
            if (byte < 0x80) break;
        }
        return value;
    };
    while (at < message.size()) {
        const std::uint64_t key = varint();
        Field field{static_cast<int>(key >> 3), 0, {}};
        if ((key & 7) == 0) {
            field.whole = varint();
        } else {
            const std::uint64_t size = (key & 7) == 5 ? 4 : varint();
            field.bytes = message.substr(at, size);
            at += size;
        }
        fields.push_back(field);
    }
    return fields;
}

std::string_view bytesOf(const std::vector<Field>& fields, int number) {
    for (const Field& field : fields)
        if (field.number == number) return field.bytes;
    return {};
}

struct Graph {
    std::map<std::string, int> operators;
    std::map<std::string, std::pair<int, std::vector<std::int64_t>>> tensors; // element type, shape
    std::vector<std::string> inputs, outputs;
    std::int64_t version = 0, opset = 0;
};

Graph graphOf(const std::string& model) {
    Graph made;
    const auto fields = fieldsOf(model);
    for (const Field& field : fields) {
        if (field.number == 1) made.version = static_cast<std::int64_t>(field.whole);
        if (field.number == 8)
            for (const Field& part : fieldsOf(field.bytes))
                if (part.number == 2) made.opset = static_cast<std::int64_t>(part.whole);
    }
    for (const Field& field : fieldsOf(bytesOf(fields, 7))) {
        const auto parts = fieldsOf(field.bytes);
        if (field.number == 1) ++made.operators[std::string(bytesOf(parts, 4))];
        if (field.number == 11) made.inputs.emplace_back(bytesOf(parts, 1));
        if (field.number == 12) made.outputs.emplace_back(bytesOf(parts, 1));
        if (field.number != 5) continue;
        auto& tensor = made.tensors[std::string(bytesOf(parts, 8))];
        for (const Field& part : parts) {
            if (part.number == 1) tensor.second.push_back(static_cast<std::int64_t>(part.whole));
            if (part.number == 2) tensor.first = static_cast<int>(part.whole);
        }
    }
    return made;
}

} // namespace

class OnnxTest : public QObject {
    Q_OBJECT

private slots:
    void integersAndTheOutlierSplitStandInTheGraph() {
        const ExportPlace place;
        const ExportResult made =
            opened("tiny-llama").exportModel(exportRequest("tiny-llama", "w8a8:keep=top:3", "onnx", place));
        const Graph graph = graphOf(place.read("model.onnx"));
        QCOMPARE(graph.version, std::int64_t{9});
        QCOMPARE(graph.opset, std::int64_t{19});
        QCOMPARE(graph.inputs, (std::vector<std::string>{"input_ids", "attention_mask"}));
        QCOMPARE(graph.outputs, std::vector<std::string>{"logits"});
        auto operators = graph.operators;
        // Two layers: four inputs that are rounded, seven linear layers with integers, of which each has kept
        // columns.
        QCOMPARE(operators["QuantizeLinear"], 2 * 4);
        QCOMPARE(operators["DequantizeLinear"], 2 * (4 + 7));
        const auto& integers = graph.tensors.at("model.layers.0.mlp.down_proj.weight/in_out/integers");
        QCOMPARE(integers.first, 2); // uint8
        QCOMPARE(integers.second, (std::vector<std::int64_t>{48, 32}));
        const auto& kept = graph.tensors.at("model.layers.0.mlp.down_proj.weight/kept");
        QCOMPARE(kept.first, 1); // float
        QCOMPARE(kept.second, (std::vector<std::int64_t>{3, 32}));
        QCOMPARE(made.plan.modules.size(), std::size_t{14});
        for (const ExportedModule& module : made.plan.modules) {
            QCOMPARE(module.group, std::string("integer product"));
            QCOMPARE(module.keptChannels, 3);
        }
        QVERIFY(made.plan.left == std::vector<std::string>{"lm_head"});
    }

    void whatHasNoOperatorIsRefused_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("said");
        QTest::newRow("channels found at run time") << "llm-int8"
                                                    << "found at run time";
        QTest::newRow("a scale's reciprocal") << "w8a8:levels=full-reciprocal"
                                              << "reciprocal";
        QTest::newRow("blocks of floats") << "mx:format=mxfp8_e4m3"
                                          << "blocks with a scale each";
        QTest::newRow("a rounded cache") << "kv-cache"
                                         << "no cache";
        QTest::newRow("an ablation") << "ablate"
                                     << "no quantization";
    }
    void whatHasNoOperatorIsRefused() {
        QFETCH(QString, recipe);
        QFETCH(QString, said);
        const ExportPlace place;
        const QString words = QString::fromStdString(failure([&] {
            opened("tiny-llama")
                .exportModel(exportRequest("tiny-llama", recipe.toStdString(), "onnx", place));
        }));
        QVERIFY2(words.contains(said), qPrintable(words));
        QVERIFY(place.entries().isEmpty());
    }

    void runTimesAnswerAsTheSimulation_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("format");
        const auto rows = [](const char* model, std::initializer_list<const char*> recipes) {
            for (const char* recipe : recipes)
                QTest::newRow((std::string(model) + " " + recipe).c_str()) << model << recipe << "onnx";
        };
        rows("tiny-llama", {"fp32",
                            "w8a8",
                            "w8a8:levels=full",
                            "w8a8:symmetric=off",
                            "w8a8:keep=top:3",
                            "w8a8:activation=per-token",
                            "w8a8:dynamic=on",
                            "w8a8:dynamic=on,symmetric=off",
                            "w8a8:activation=per-channel",
                            "w8a8:activation_bits=6",
                            "w8a8:activation=per-group,dynamic=on,activation_group=8",
                            "rtn:bits=4,group=8",
                            "rtn:bits=4,group=8,symmetric=off",
                            "gptq:bits=4,group=0",
                            "fp8",
                            "fp8:dynamic=on",
                            "bf16",
                            "smoothquant",
                            "rotation:where=residual+w8a8",
                            "mixed",
                            "peg"});
        // Without a tokenizer: ranges from the values alone.
        rows("tiny-llama-scaled", {"w8a8:activation=per-token"});
        rows("tiny-bert-classifier",
             {"w8a8", "w8a8:keep=top:3", "w8a8:activation=per-token,keep=top:2", "rtn:bits=4,group=8"});
        rows("tiny-bert", {"w8a8:symmetric=off"});
        rows("tiny-gpt2",
             {"fp32", "w8a8", "w8a8:keep=top:3", "w8a8:activation=per-token", "smoothquant", "rtn:group=8"});
        rows("tiny-bert-masked", {"w8a8:activation=per-token"});
        QTest::newRow("tensors beside the graph") << "tiny-llama"
                                                  << "w8a8:keep=top:3"
                                                  << "onnx:external_mb=0";
        if (QFile::exists(QString::fromStdString(miniLm)))
            for (const char* recipe : {"fp32", "w8a8", "w8a8:keep=top:4", "w8a8:activation=per-token"})
                QTest::newRow((std::string("MiniLM ") + recipe).c_str())
                    << QString::fromStdString(miniLm) << recipe << "onnx";
    }
    void runTimesAnswerAsTheSimulation() {
        if (referencePython().empty()) QSKIP("no Python with onnxruntime: ./test sets one up");
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(QString, format);
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        ExportRequest request =
            exportRequest(model.toStdString(), recipe.toStdString(), format.toStdString(), place);
        if (model == "tiny-llama-scaled" || model == "tiny-bert-masked") request.calibration = {};
        bench.exportModel(request);
        const auto results = bench.verifyExport(place.path(), referencePython());
        QCOMPARE(results.size(), std::size_t{2});
        int ran = 0;
        for (const CheckResult& result : results) {
            const QString figures = figuresOf(result);
            qInfo("%s", qPrintable(figures));
            // OpenVINO rounds otherwise in the last bit, which tips a value here and there, on MiniLM more
            // often: told, as the README does, and held to agree in most.
            const bool isTold = result.check.way == "openvino";
            if (isTold && result.ran() && model.toStdString() != miniLm)
                ++openVino_, openVinoAgrees_ += result.passed();
            QVERIFY2(result.passed() || !result.ran() || isTold, qPrintable(figures));
            ran += result.ran();
        }
        if (ran == 0) QSKIP(results.front().skipped.c_str());
    }

    void openVinoAgreesInMost() {
        if (openVino_ == 0) QSKIP("OpenVINO did not run");
        QVERIFY2(10 * openVinoAgrees_ >= 9 * openVino_,
                 qPrintable(QString("%1 of %2").arg(openVinoAgrees_).arg(openVino_)));
    }

    // A batch with padding answers as its texts alone.
    void batchesAndLengthsAreFree_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::newRow("LLaMA") << "tiny-llama"
                               << "w8a8:keep=top:3";
        QTest::newRow("LLaMA, ranges of whole sequences") << "tiny-llama"
                                                          << "w8a8:dynamic=on";
        QTest::newRow("BERT") << "tiny-bert"
                              << "w8a8:activation=per-token";
        QTest::newRow("GPT-2") << "tiny-gpt2"
                               << "w8a8:dynamic=on";
    }
    void batchesAndLengthsAreFree() {
        if (referencePython().empty()) QSKIP("no Python with onnxruntime: ./test sets one up");
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        const ExportPlace place;
        opened(model.toStdString())
            .exportModel(exportRequest(model.toStdString(), recipe.toStdString(), "onnx", place));
        const char* script =
            "import sys, numpy, onnxruntime as ort\n"
            "s = ort.InferenceSession(sys.argv[1])\n"
            "names = [i.name for i in s.get_inputs()]\n"
            "def run(ids, mask):\n"
            "    all = {'input_ids': ids, 'attention_mask': mask, 'token_type_ids': ids * 0}\n"
            "    return s.run(None, {n: all[n] for n in names})[0]\n"
            "a = numpy.arange(3, 14)[None]; b = numpy.arange(20, 25)[None]\n"
            "both = numpy.zeros((2, 11), dtype=numpy.int64); both[0] = a; both[1, :5] = b\n"
            "mask = numpy.zeros_like(both); mask[0] = 1; mask[1, :5] = 1\n"
            "out = run(both, mask)\n"
            "print(max(abs(out[0] - run(a, a * 0 + 1)[0]).max(), abs(out[1, :5] - run(b, b * 0 + "
            "1)[0]).max()))\n";
        QProcess python;
        python.start(QString::fromStdString(referencePython()),
                     {"-c", script, QString::fromStdString(place.path() + "/model.onnx")});
        QVERIFY(python.waitForFinished(120'000));
        if (python.readAllStandardError().contains("ModuleNotFoundError")) QSKIP("no onnxruntime");
        const QByteArray said = python.readAllStandardOutput();
        bool isNumber = false;
        const double apart = said.trimmed().toDouble(&isNumber);
        QVERIFY2(isNumber && apart < 2e-5, said.constData());
    }

private:
    int openVino_ = 0, openVinoAgrees_ = 0;
};

QTEST_GUILESS_MAIN(OnnxTest)
#include "test_onnx.moc"
