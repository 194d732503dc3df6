// SPDX-License-Identifier: GPL-3.0-or-later
// Bad models are refused in a sentence and leave the open one as it was; doubtful ones open with a warning.
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_copy.h"

#include <QtTest>

#include <functional>
#include <limits>

using namespace kurtoscope;
using kurtoscope::test::ModelCopy;

namespace {

const std::string tinyLlama = KURTOSCOPE_TESTS_DIR "/golden/tiny-llama";
const std::string tinyBert = KURTOSCOPE_TESTS_DIR "/golden/tiny-bert";

Workbench cpu() {
    return Workbench({DeviceKind::cpu, 1, 1});
}

DataRequest twoWindows() {
    DataRequest data;
    data.path = tinyLlama + "/text.txt";
    data.windows = 2, data.length = 16, data.calibrationWindows = 2;
    return data;
}

// What is done to a copy of `model`, and what the sentence must say. The path to open is the folder plus
// `file`.
struct Damage {
    const char *what, *model;
    std::function<void(const ModelCopy&)> act;
    QStringList words;
    const char* file = "";
};

const std::vector<Damage>& damages() {
    const auto config = [](const char* was, const char* is) {
        return [was, is](const ModelCopy& copy) { copy.replace("config.json", was, is); };
    };
    static const std::vector<Damage> all{
        {"no config.json",
         "tiny-llama",
         [](const auto& c) { c.remove("config.json"); },
         {"config.json", "model folder"}},
        {"config.json is no JSON",
         "tiny-llama",
         [](const auto& c) { c.write("config.json", "{\"model_type\": "); },
         {"config.json"}},
        {"config.json lacks a size",
         "tiny-llama",
         config("\"hidden_size\"", "\"hidden\""),
         {"hidden_size", "config.json"}},
        {"a size of the wrong type",
         "tiny-llama",
         config("\"hidden_size\": 32", "\"hidden_size\": \"32\""),
         {"hidden_size", "config.json"}},
        {"a size beyond every tensor",
         "tiny-llama",
         config("\"hidden_size\": 32", "\"hidden_size\": 4294967328"),
         {"\"hidden_size\" is 4294967328", "1 to 2147483647"}},
        {"a size that is a long list",
         "tiny-llama",
         [](const auto& c) {
             c.replace("config.json", "\"hidden_size\": 32",
                       "\"hidden_size\": [" + QByteArray("1000000, ").repeated(1000) + "32]");
         },
         {"\"hidden_size\" is a long array", "expected a whole number"}},
        {"config.json nested without end",
         "tiny-llama",
         [](const auto& c) {
             c.write("config.json", "{\"hidden_size\": " + QByteArray(200'000, '[') +
                                        QByteArray(200'000, ']') + ", \"model_type\": \"llama\"}");
         },
         {"config.json", "nested more than 64 deep"}},
        {"unknown model_type",
         "tiny-llama",
         config("\"llama\"", "\"mamba\""),
         {"\"mamba\"", "config.json", "bert, gpt2, llama"}},
        {"unknown activation",
         "tiny-llama",
         config("\"silu\"", "\"swoosh\""),
         {"hidden_act", "\"swoosh\"", "silu"}},
        {"unknown rope scaling",
         "tiny-llama-scaled",
         config("\"llama3\"", "\"yarn\""),
         {"\"yarn\"", "llama3"}},
        {"heads that do not divide",
         "tiny-llama",
         config("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3"),
         {"num_attention_heads 4", "num_key_value_heads 3"}},
        {"wrong shape",
         "tiny-llama",
         config("\"intermediate_size\": 48", "\"intermediate_size\": 50"),
         {"mlp.gate_proj.weight", "[48, 32]", "expected [50, 32]"}},
        {"more layers than stored",
         "tiny-bert",
         config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
         {"encoder.layer.2.", "config.json"}},
        {"a tokenizer of more ids than the embedding",
         "tiny-llama-scaled",
         [](const auto& c) { c.write("tokenizer.json", ModelCopy("tiny-llama").read("tokenizer.json")); },
         {"tokenizer", "ids up to 299", "only 96 rows"}},
        {"truncated weights",
         "tiny-llama",
         [](const auto& c) { c.write("model.safetensors", c.read("model.safetensors").chopped(100)); },
         {"model.safetensors"}},
        {"empty weights",
         "tiny-llama",
         [](const auto& c) { c.write("model.safetensors", ""); },
         {"model.safetensors"}},
        {"no weights",
         "tiny-llama",
         [](const auto& c) { c.remove("model.safetensors"); },
         {"model.safetensors", "Download"}},
        {"a pickle only",
         "tiny-llama",
         [](const auto& c) {
             c.remove("model.safetensors");
             c.write("pytorch_model.bin", "\x80\x04K\x01.");
         },
         {"pickle", "pytorch_model.bin", "save_pretrained"}},
        {"a pickle by name",
         "tiny-llama",
         [](const auto& c) { c.write("pytorch_model.bin", "\x80\x04K\x01."); },
         {"pickle", "pytorch_model.bin"},
         "/pytorch_model.bin"},
        {"a missing shard",
         "tiny-llama-sharded",
         [](const auto& c) { c.remove("model-00002-of-00003.safetensors"); },
         {"model-00002-of-00003.safetensors"}},
        {"a shard without its tensor",
         "tiny-llama-sharded",
         [](const auto& c) {
             c.write("model-00002-of-00003.safetensors", c.read("model-00001-of-00003.safetensors"));
         },
         {"model-00002-of-00003.safetensors"}},
        {"no such path", "tiny-llama", [](const auto&) {}, {"does not exist"}, "/nowhere"},
        {"a GGUF that is none",
         "tiny-llama",
         [](const auto& c) { c.write("x.gguf", "GGUX"); },
         {"x.gguf"},
         "/x.gguf"},
    };
    return all;
}

} // namespace

class BadModelsTest : public QObject {
    Q_OBJECT

private slots:
    void refusesBadModels_data() {
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < damages().size(); ++i)
            QTest::newRow(damages()[i].what) << int(i);
    }
    void refusesBadModels() {
        QFETCH(int, row);
        const Damage& damage = damages()[std::size_t(row)];
        Workbench workbench = cpu();
        workbench.open(tinyBert);
        const auto before = workbench.predict("a short one", {}, {}).hidden;
        const ModelCopy copy(damage.model);
        damage.act(copy);
        const QString sentence =
            QString::fromStdString(test::failure([&] { workbench.open(copy.path() + damage.file); }));
        for (const QString& word : damage.words)
            QVERIFY2(sentence.contains(word), qPrintable(sentence + "\n lacks: " + word));
        QVERIFY2(sentence.contains(QString::fromStdString(copy.path())),
                 qPrintable(sentence)); // names the file
        QCOMPARE(workbench.model().architecture, std::string("bert"));
        QCOMPARE(workbench.predict("a short one", {}, {}).hidden, before);
    }

    void anUndamagedCopyOpens() { // so that the rows above fail for their own reason
        for (const char* model : {"tiny-bert", "tiny-llama", "tiny-llama-scaled", "tiny-llama-sharded"}) {
            const ModelCopy copy(model);
            Workbench workbench = cpu();
            QCOMPARE(workbench.open(copy.path()).layers, 2);
        }
    }

    void warnsOfNanWeights() {
        const ModelCopy copy("tiny-llama");
        QByteArray bytes = copy.read("model.safetensors");
        const float nan = std::numeric_limits<float>::quiet_NaN();
        bytes.replace(bytes.size() - 4, 4, reinterpret_cast<const char*>(&nan),
                      4); // the last tensor: the final norm
        copy.write("model.safetensors", bytes);
        Workbench workbench = cpu();
        const auto& warnings = workbench.open(copy.path()).warnings;
        QCOMPARE(warnings.size(), std::size_t{1});
        QVERIFY2(warnings[0].find("\"model.norm.weight\"") != std::string::npos &&
                     warnings[0].find("NaN") != std::string::npos,
                 warnings[0].c_str());
        ObserveRequest request;
        request.data = twoWindows();
        const Observation seen = workbench.observe(request);
        QCOMPARE(seen.find({-1, Place::final_norm})->nonfinite, std::int64_t{32}); // one channel of 32 tokens
        QCOMPARE(seen.find({1, Place::mlp_residual})->nonfinite, std::int64_t{0});
    }

    void worksWithoutATokenizerOnIds() {
        const ModelCopy copy("tiny-llama");
        copy.remove("tokenizer.json");
        copy.remove("tokenizer_config.json");
        Workbench workbench = cpu();
        const auto& warnings = workbench.open(copy.path()).warnings;
        QVERIFY(!warnings.empty() && warnings[0].find("okenizer") != std::string::npos);
        QCOMPARE(workbench.predict("", {1, 2, 3}, {}).logitsShape, (std::vector<std::int64_t>{3, 300}));
        QVERIFY(test::failure([&] { workbench.predict("text", {}, {}); }).find("tokenizer") !=
                std::string::npos);
        QVERIFY(test::failure([&] { workbench.describe(twoWindows()); }).find("tokenizer") !=
                std::string::npos);
    }
};

QTEST_GUILESS_MAIN(BadModelsTest)
#include "test_bad_models.moc"
