// SPDX-License-Identifier: GPL-3.0-or-later
// What is no linear layer within a block, and is rounded on demand: a decoder's output head, and what attention
// multiplies.
#include "core/engine/kernels/bf16_product.h"
#include "core/engine/kernels/float_product.h"
#include "core/quantization/kernels/integer_product.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/opened_models.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

#include <bit>
#include <numeric>

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {

const std::string typed = "the outlier channel";

std::vector<float> allOf(const std::string& model, Site site, const std::string& recipe) {
    const DataRequest data = textOf(model);
    return opened(model).sample(site, data, typed, Recipe::parse(recipe), 100'000).values;
}

std::vector<Reading> bothWays(const std::string& model, const std::string& recipe, int length) {
    EvaluateRequest request;
    request.data = textOf(model);
    request.data.length = length;
    request.recipes = {Recipe::parse(recipe), Recipe::parse(recipe)};
    request.kernels = {KernelChoice::automatic, KernelChoice::simulated};
    request.latency = false;
    return opened(model).evaluate(request);
}

// Symmetric, by absmax, to ±127.
double rounded(float x, double absmax) {
    const float scale = static_cast<float>(absmax) / 127;
    return double(std::nearbyint(x / scale)) * scale;
}

double absmaxOf(const float* x, std::size_t count) {
    double most = 0;
    for (std::size_t i = 0; i < count; ++i)
        most = std::max(most, std::abs(double(x[i])));
    return most;
}

// As bfloat16 has it, halves to even, by the bits.
double inBf16(double x) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
    return std::bit_cast<float>((bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U);
}

} // namespace

class HeadAndAttentionTest : public QObject {
    Q_OBJECT

private slots:
    void theHeadIsRoundedAsAnyLayer_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("weight");
        QTest::newRow("tied") << "tiny-gpt2" << "transformer.wte.weight";
        QTest::newRow("of its own") << "tiny-llama-scaled" << "lm_head.weight";
    }
    // Against a product of its own, of the final hidden state and the file's weight.
    void theHeadIsRoundedAsAnyLayer() {
        QFETCH(QString, model);
        QFETCH(QString, weight);
        const std::string name = model.toStdString(), recipe = "w8a8:dynamic=on+head";
        const auto hidden = allOf(name, {-1, Place::final_norm}, recipe);
        const auto logits = allOf(name, {-1, Place::logits}, recipe);
        const TensorTable file(golden(name + "/model.safetensors"));
        const std::string stored = file.has(weight.toStdString())
                                       ? weight.toStdString()
                                       : weight.toStdString().substr(std::string("transformer.").size());
        const auto w = file.floats(stored);
        const auto channels = std::size_t(opened(name).model().hidden), outputs = w.size() / channels,
                   rows = hidden.size() / channels;
        QCOMPARE(logits.size(), rows * outputs);
        const double range = absmaxOf(hidden.data(), hidden.size());
        double furthest = 0, size = 0, plainly = 0;
        for (std::size_t row = 0; row < rows; ++row)
            for (std::size_t output = 0; output < outputs; ++output) {
                const double most = absmaxOf(&w[output * channels], channels);
                double expected = 0, plain = 0;
                for (std::size_t i = 0; i < channels; ++i) {
                    const float x = hidden[row * channels + i], y = w[output * channels + i];
                    expected += rounded(x, range) * (most > 0 ? rounded(y, most) : 0);
                    plain += double(x) * y;
                }
                const double made = logits[row * outputs + output];
                furthest = std::max(furthest, std::abs(made - expected));
                size = std::max(size, std::abs(expected));
                plainly = std::max(plainly, std::abs(made - plain));
            }
        QVERIFY2(furthest < 2e-5 * size, qPrintable(QString::number(furthest)));
        QVERIFY(plainly > 20 * furthest);
        // Nothing before it fares otherwise.
        CLOSE(hidden, allOf(name, {-1, Place::final_norm}, "w8a8:dynamic=on"), 1e-30F);
    }

    // Integers, bfloat16 and weights alone: what is simulated and what is multiplied are the same model.
    void bothKindsOfArithmeticAgree_data() {
        QTest::addColumn<QString>("recipe");
        for (const char* recipe :
             {"w8a8+head", "w8a8:activation=per-token,symmetric=off,keep=top:3+head", "w4a8:weight_group=32+head",
              "w8a8+attention", "w8a8+head+attention", "bf16+head+attention", "attention",
              "rtn:bits=4,group=16+head+attention"})
            QTest::newRow(recipe) << recipe;
    }
    void bothKindsOfArithmeticAgree() {
        QFETCH(QString, recipe);
        if (!hasFastIntegers() || !hasBf16Products()) QSKIP("this processor multiplies no integers or bfloat16");
        for (const char* model : {"tiny-llama", "tiny-gpt2"}) {
            std::vector<double> apart; // a last bit may tip a value over to the next level in one text
            for (const int length : {12, 14, 16, 18, 20}) {
                const auto readings = bothWays(model, recipe.toStdString(), length);
                QVERIFY(readings[0].kernels != KernelTag::simulated);
                QCOMPARE(readings[1].kernels, KernelTag::simulated);
                QVERIFY(*readings[1].klMean > 0);
                apart.push_back(std::abs(*readings[0].klMean - *readings[1].klMean) /
                                (*readings[1].klMean + 5e-6));
            }
            std::sort(apart.begin(), apart.end());
            QVERIFY2(apart[2] < 0.005, qPrintable(QString(model) + ": " + QString::number(apart[2])));
        }
    }

    // softmax(q kᵀ / √d) v of what stands before it, cast by the bits and multiplied in double.
    void attentionMultipliesBf16() {
        const std::string model = "tiny-gpt2", recipe = "attention"; // no rotary embedding
        const ModelInfo& info = opened(model).model();
        const auto q = allOf(model, {0, Place::query}, recipe), k = allOf(model, {0, Place::key}, recipe),
                   v = allOf(model, {0, Place::value}, recipe),
                   seen = allOf(model, {0, Place::attn_context}, recipe);
        const auto across = std::size_t(info.channels(Place::query)), narrow = std::size_t(info.channels(Place::key)),
                   heads = std::size_t(info.heads), size = across / heads,
                   group = heads / std::size_t(info.keyValueHeads), rows = q.size() / across;
        QVERIFY(rows > 8);
        QCOMPARE(v.size(), rows * narrow);
        double furthest = 0, plainly = 0;
        for (std::size_t row = 0; row < rows; ++row)
            for (std::size_t head = 0; head < heads; ++head)
                for (const bool cast : {true, false}) {
                    const auto of = [&](double x) { return cast ? inBf16(x) : x; };
                    std::vector<double> weights;
                    double sum = 0;
                    for (std::size_t key = 0; key <= row; ++key) {
                        double score = 0;
                        for (std::size_t i = 0; i < size; ++i)
                            score += of(q[row * across + head * size + i]) *
                                     of(k[key * narrow + head / group * size + i]);
                        weights.push_back(std::exp(score / std::sqrt(double(size))));
                        sum += weights.back();
                    }
                    for (std::size_t i = 0; i < size; ++i) {
                        double expected = 0;
                        for (std::size_t key = 0; key <= row; ++key)
                            expected += of(weights[key] / sum) * of(v[key * narrow + head / group * size + i]);
                        double& most = cast ? furthest : plainly;
                        most = std::max(most, std::abs(seen[row * across + head * size + i] - expected));
                    }
                }
        // A probability whose last bit differs may be cast to its neighbour, 2⁻⁹ of it away.
        QVERIFY2(furthest < 0.2 * plainly, qPrintable(QString::number(furthest) + " of " + QString::number(plainly)));
    }

    void whoLooksChangesNothing_data() {
        QTest::addColumn<QString>("model");
        for (const char* model : {"tiny-llama", "tiny-bert-classifier"})
            QTest::newRow(model) << model;
    }
    // Shown probabilities are softmax's own, before the cast.
    void whoLooksChangesNothing() {
        QFETCH(QString, model);
        const std::string name = model.toStdString();
        Workbench& workbench = opened(name);
        const Recipe recipe = Recipe::parse("attention");
        const auto before = workbench.predict(typed, {}, recipe).logits;
        const auto probabilities = allOf(name, {0, Place::attn_probs}, "attention");
        double furthest = 0;
        const auto length = std::size_t(std::lround(std::sqrt(double(probabilities.size())))); // mean of all heads
        QVERIFY(length > 3);
        QCOMPARE(probabilities.size(), length * length);
        for (std::size_t row = 0; row < probabilities.size(); row += length)
            furthest = std::max(furthest, std::abs(std::accumulate(probabilities.begin() + std::ptrdiff_t(row),
                                                                   probabilities.begin() + std::ptrdiff_t(row + length),
                                                                   -1.0)));
        QVERIFY2(furthest < 1e-6, qPrintable(QString::number(furthest)));
        QVERIFY(workbench.predict(typed, {}, recipe).logits == before);
        QVERIFY(largestDifference(before, workbench.predict(typed, {}, {}).logits) > 0);
    }

    // A layer whose probabilities are left in high precision attends in float32.
    void layersCanBeLeftWhole() {
        Workbench& workbench = opened("tiny-llama");
        Recipe recipe = Recipe::parse("attention");
        for (int layer = 0; layer < workbench.model().layers; ++layer)
            recipe.highPrecision.insert({layer, Place::attn_probs});
        QVERIFY(workbench.predict(typed, {}, recipe).logits == workbench.predict(typed, {}, {}).logits);
    }

    // What a head beside a tied table costs is said; a head of its own gets smaller.
    void storageCountsTheHead() {
        const std::string plain = "w8a8:dynamic=on", with = plain + "+head";
        for (const auto& [model, tied] : {std::pair("tiny-gpt2", true), std::pair("tiny-llama-scaled", false)}) {
            const auto readings = bothWays(model, plain, 16), heads = bothWays(model, with, 16);
            const ModelInfo& info = opened(model).model();
            const std::int64_t outputs = info.channels(Place::logits), weights = outputs * info.hidden;
            QCOMPARE(heads[0].weightBytes - readings[0].weightBytes,
                     weights + 4 * outputs - (tied ? 0 : 4 * weights));
            QCOMPARE(heads[0].effectiveBits, readings[0].effectiveBits);
        }
    }

    // Its site can be switched back like any other, and the last two steps start from the states before.
    void sensitivityKnowsThem() {
        SensitivityRequest request;
        request.recipe = Recipe::parse("w8a8+head+attention");
        const auto found = opened("tiny-llama").sensitivity(request, textOf("tiny-llama"));
        std::set<std::string> names;
        for (const auto& unit : found.rows)
            for (const Site site : unit.sites)
                names.insert(site.name());
        QVERIFY(names.contains("final_norm") && names.contains("layers.1.attn_probs"));
    }

    void whatCannotBeIsRefused_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("sentence");
        QTest::newRow("alone") << "tiny-llama" << "head" << "no scheme says how";
        QTest::newRow("beside attention alone") << "tiny-llama" << "attention+head" << "no scheme says how";
        QTest::newRow("solved for") << "tiny-llama" << "gptq+head" << "cannot be solved for";
        QTest::newRow("an encoder") << "tiny-bert" << "w8a8+head" << "no output head over a vocabulary";
        QTest::newRow("a classifier") << "tiny-bert-classifier" << "w8a8+head"
                                      << "no output head over a vocabulary";
        QTest::newRow("ablation") << "tiny-llama" << "ablate+attention" << "cannot be combined";
    }
    void whatCannotBeIsRefused() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(QString, sentence);
        const DataRequest data = textOf(model.toStdString());
        const std::string said = failure([&] {
            opened(model.toStdString()).predict(typed, {}, Recipe::parse(recipe.toStdString()), 5, &data);
        });
        QVERIFY2(QString::fromStdString(said).contains(sentence), said.c_str());
    }
};

QTEST_APPLESS_MAIN(HeadAndAttentionTest)
#include "test_head_and_attention.moc"
