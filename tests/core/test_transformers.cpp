// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers of tests/golden/make_transformers.py: what Hugging Face transformers computes from the same files.
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

#include <nlohmann/json.hpp>

using namespace kurtoscope;
using kurtoscope::test::TensorTable;

namespace {

constexpr float tolerance = 2e-4F;

std::string golden(const std::string& name) {
    return KURTOSCOPE_TESTS_DIR "/golden/" + name;
}
Workbench cpu() {
    return Workbench({DeviceKind::cpu, 1, 1});
}

nlohmann::json textsOf(const std::string& folder) {
    QFile file(QString::fromStdString(folder + "/golden.json"));
    return file.open(QIODevice::ReadOnly) ? nlohmann::json::parse(file.readAll().toStdString())
                                          : nlohmann::json();
}

// `count` of each row's channels of a [row, channel] table.
std::vector<float> columns(const std::vector<float>& table, std::size_t width,
                           const std::vector<int>& chosen) {
    std::vector<float> some;
    for (std::size_t row = 0; row * width < table.size(); ++row)
        for (int channel : chosen)
            some.push_back(table[row * width + static_cast<std::size_t>(channel)]);
    return some;
}

} // namespace

class TransformersTest : public QObject {
    Q_OBJECT

private slots:
    void answersAsTheReference_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("head");
        QTest::addColumn<QString>("stored");
        QTest::newRow("BERT with pooler, gelu, F32") << "tiny-bert"
                                                     << "embedding (mean pooling)"
                                                     << "F32";
        QTest::newRow("BERT classifier, bert. prefix, gelu_new, F16") << "tiny-bert-classifier"
                                                                      << "classifier (3 labels)"
                                                                      << "F16";
        QTest::newRow("BERT masked language model, tied decoder, shards") << "tiny-bert-masked"
                                                                          << "masked language model"
                                                                          << "F32";
        QTest::newRow("GPT-2, transposed weights, tied head") << "tiny-gpt2"
                                                              << "language model"
                                                              << "F32";
        QTest::newRow("GPT-2, head of its own, usual width, gelu, F16") << "tiny-gpt2-untied"
                                                                        << "language model"
                                                                        << "F16";
        QTest::newRow("LLaMA, 4 heads share 2 keys, tied head") << "tiny-llama"
                                                                << "language model"
                                                                << "F32";
        QTest::newRow("LLaMA, biases, one key head, head_dim 12 of 32 / 4, llama3 rope, BF16")
            << "tiny-llama-scaled"
            << "language model"
            << "BF16";
        QTest::newRow("LLaMA, no sharing, linear rope, F16 in shards") << "tiny-llama-sharded"
                                                                       << "language model"
                                                                       << "F16";
    }
    void answersAsTheReference() {
        QFETCH(QString, name);
        QFETCH(QString, head);
        QFETCH(QString, stored);
        const std::string folder = golden(name.toStdString());
        const TensorTable expected(folder + "/golden.safetensors");
        Workbench workbench = cpu();
        const ModelInfo& info = workbench.open(folder);
        QCOMPARE(QString::fromStdString(info.head), head);
        QCOMPARE(QString::fromStdString(info.storedPrecision), stored);
        for (const char* text : {"0", "1", "2"}) {
            const std::string at = text;
            const auto got = workbench.predict("", expected.integers(at + ".ids"), {});
            QCOMPARE(got.hiddenShape, expected.stored(at + ".hidden").shape);
            CLOSE(got.hidden, expected.floats(at + ".hidden"), tolerance);
            QCOMPARE(got.logits.empty(), !expected.has(at + ".logits"));
            if (got.logits.empty()) continue;
            QCOMPARE(got.logitsShape, expected.stored(at + ".logits").shape);
            CLOSE(got.logits, expected.floats(at + ".logits"), tolerance);
        }
    }

    void namesClasses() {
        Workbench workbench = cpu();
        QCOMPARE(workbench.open(golden("tiny-bert-classifier")).labels,
                 (std::vector<std::string>{"bad", "so-so", "good"}));
        const TensorTable expected(golden("tiny-bert-classifier/golden.safetensors"));
        const auto logits = expected.floats("0.logits");
        const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
        const auto top = workbench.predict("", expected.integers("0.ids"), {}).prediction.top;
        QCOMPARE(top.size(), std::size_t{3});
        QCOMPARE(top[0].token, workbench.model().labels[static_cast<std::size_t>(best)]);
        QVERIFY(std::abs(top[0].probability + top[1].probability + top[2].probability - 1) < 1e-6);
    }

    void tokenizesAsTheReference_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"tiny-bert", "tiny-bert-classifier", "tiny-gpt2", "tiny-llama"})
            QTest::newRow(name) << name;
    }
    void tokenizesAsTheReference() {
        QFETCH(QString, name);
        const std::string folder = golden(name.toStdString());
        Workbench workbench = cpu();
        workbench.open(folder);
        const auto texts = textsOf(folder);
        QCOMPARE(texts["texts"].size(), std::size_t{3});
        for (std::size_t i = 0; i < 3; ++i)
            QCOMPARE(workbench.predict(texts["texts"][i], {}, {}).prediction.ids,
                     texts["rows"][i].get<std::vector<int>>());
    }

    // Every site under its name, in both families; a name that stands for another's tensor gives that tensor.
    void showsEverySite_data() {
        QTest::addColumn<QString>("name");
        QTest::newRow("post-norm") << "tiny-bert";
        QTest::newRow("pre-norm") << "tiny-llama";
        QTest::newRow("pre-norm with biases") << "tiny-gpt2";
    }
    void showsEverySite() {
        QFETCH(QString, name);
        const std::string folder = golden(name.toStdString());
        const TensorTable expected(folder + "/golden.safetensors");
        const std::string text = textsOf(folder)["texts"][0];
        Workbench workbench = cpu();
        const ModelInfo& info = workbench.open(folder);
        std::set<Place> compared;
        for (const std::string& tensor : expected.names()) {
            if (!tensor.starts_with("site/")) continue;
            const Site site = Site::fromName(tensor.substr(5));
            const SiteSample sample = workbench.sample(site, {}, text, {}, 1000);
            const auto& shape = expected.stored(tensor).shape;
            QCOMPARE(std::int64_t{sample.rows()}, shape[0]);
            QCOMPARE(std::int64_t{sample.channels}, shape[1]);
            const float off = test::largestDifference(sample.values, expected.floats(tensor));
            QVERIFY2(off <= tolerance,
                     qPrintable(QString::fromStdString(tensor + " is off by " + std::to_string(off))));
            compared.insert(site.place);
        }
        for (Place place : info.places)
            if (place != Place::final_norm && place != Place::logits)
                QVERIFY2(compared.contains(place), std::string(placeName(place)).c_str());
        // attn_norm is mlp_input's other name where the norm comes after the sum.
        if (info.postNorm)
            QCOMPARE(workbench.sample({0, Place::attn_norm}, {}, text, {}, 9).values,
                     workbench.sample({0, Place::mlp_input}, {}, text, {}, 9).values);
        QCOMPARE(workbench.sample({-1, Place::final_norm}, {}, text, {}, 1000).values,
                 workbench.predict(text, {}, {}).hidden);
    }

    // Sentences of different lengths in one padded batch: valid rows as if each ran alone, padding nowhere.
    void paddingChangesNothing() {
        const std::string folder = golden("tiny-bert");
        const TensorTable expected(folder + "/golden.safetensors");
        QTemporaryDir place;
        QFile table(place.filePath("rows.tsv"));
        QVERIFY(table.open(QIODevice::WriteOnly));
        const auto texts = textsOf(folder)["texts"];
        for (std::size_t i = 0; i < 3; ++i)
            table.write(QByteArray::number(int(i % 2)) + "\t" +
                        QByteArray::fromStdString(texts[i].get<std::string>()) + "\n");
        table.close();
        DataRequest data;
        data.path = table.fileName().toStdString();
        Workbench workbench = cpu();
        workbench.open(folder);
        const SiteSample sample = workbench.sample({1, Place::mlp_norm}, data, "", {}, 1000);
        CLOSE(sample.values, expected.floats("padded.hidden"), tolerance);
        ObserveRequest request;
        request.data = data;
        const Observation seen = workbench.observe(request);
        for (const SiteStats& stats : seen.sites) {
            // Probabilities have a row per head and a channel per key.
            QCOMPARE(stats.tokens,
                     std::int64_t{sample.rows()} * (stats.site.place == Place::attn_probs ? 4 : 1));
            QCOMPARE(stats.nonfinite, std::int64_t{0});
        }
        const SiteStats* last = seen.find({1, Place::mlp_norm});
        QVERIFY(last);
        float largest = 0;
        for (float value : expected.floats("padded.hidden"))
            largest = std::max(largest, std::abs(value));
        QVERIFY(std::abs(last->siteAbsmax - largest) <= tolerance);
    }

    void realMiniLm() {
        const std::string folder = KURTOSCOPE_MODELS_DIR "/all-MiniLM-L6-v2";
        if (!QFileInfo::exists(QString::fromStdString(folder))) QSKIP("all-MiniLM-L6-v2 was not fetched");
        const TensorTable expected(golden("real-minilm.safetensors"));
        Workbench workbench = cpu();
        workbench.open(folder);
        for (const char* text : {"0", "1"}) {
            const std::string at = text;
            const auto ids = expected.integers(at + ".ids");
            CLOSE(workbench.predict("", ids, {}).hidden, expected.floats(at + ".hidden"), tolerance);
        }
        const std::string text = textsOf(golden("tiny-bert"))["texts"][0];
        for (int layer = 0; layer < 6; ++layer) {
            const SiteSample sample = workbench.sample({layer, Place::mlp_norm}, {}, text, {}, 1000);
            CLOSE(columns(sample.values, 384, expected.integers("channels")),
                  expected.floats("0.layers." + std::to_string(layer) + ".mlp_norm"), tolerance);
        }
    }

    void realSmolLm2() {
        const std::string file = KURTOSCOPE_MODELS_DIR "/SmolLM2-135M-Instruct.Q4_1.gguf";
        if (!QFileInfo::exists(QString::fromStdString(file))) QSKIP("SmolLM2-135M-Instruct was not fetched");
        const TensorTable expected(golden("real-smollm2.safetensors"));
        Workbench workbench = cpu();
        workbench.open(file);
        const auto got = workbench.predict("", expected.integers("ids"), {});
        CLOSE(got.hidden, expected.floats("hidden"), tolerance);
        CLOSE(columns(got.logits, 49152, expected.integers("columns")), expected.floats("logits"), tolerance);
        const auto topIds = expected.integers("top_ids");
        std::vector<float> top;
        for (std::size_t i = 0; i < topIds.size(); ++i)
            top.push_back(got.logits[i / 50 * 49152 + static_cast<std::size_t>(topIds[i])]);
        CLOSE(top, expected.floats("top_logits"), tolerance);
        const auto first =
            std::max_element(got.logits.begin(), got.logits.begin() + 49152) - got.logits.begin();
        QCOMPARE(static_cast<int>(first), topIds[0]);
        // The residual stream of every layer in float64. The layers that make massive activations magnify the
        // last bits of float32: within three times what half a step in the weights does to each token there.
        const std::string text =
            "The outlier channel of this layer grows, and the grid must stretch. Most values are "
            "small; a few are not, so they decide.";
        QCOMPARE(workbench.predict(text, {}, {}).prediction.ids, expected.integers("ids"));
        for (int layer = 0; layer < 30; ++layer) {
            const SiteSample sample = workbench.sample({layer, Place::mlp_residual}, {}, text, {}, 1000);
            const auto mine = columns(sample.values, 576, expected.integers("channels"));
            const auto theirs = expected.floats("layers." + std::to_string(layer) + ".mlp_residual");
            QCOMPARE(mine.size(), theirs.size());
            const auto noise = expected.floats("layers." + std::to_string(layer) + ".noise");
            const std::size_t channels = mine.size() / noise.size();
            for (std::size_t i = 0; i < mine.size(); ++i)
                QVERIFY2(std::abs(mine[i] - theirs[i]) <= std::max(tolerance, 3 * noise[i / channels]),
                         qPrintable(QString("layer %1: %2 for %3").arg(layer).arg(mine[i]).arg(theirs[i])));
        }
    }
};

QTEST_GUILESS_MAIN(TransformersTest)
#include "test_transformers.moc"
