// SPDX-License-Identifier: GPL-3.0-or-later
// Smoothing, rotation, scaling and solved weights: the numbers of tests/golden/make_transforms.py, and that
// reshaping a model leaves its answers as they are.
#include <QtTest>

#include "tests/support/failure.h"
#include "tests/support/opened_models.h"
#include "tests/support/tensor_table.h"

#include <nlohmann/json.hpp>

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {

constexpr float tolerance = 2e-4F, invariance = 1e-4F; // see the script; the bound

const nlohmann::json& cases() {
    static const nlohmann::json all = [] {
        QFile file(QString::fromStdString(golden("transforms.json")));
        return file.open(QIODevice::ReadOnly) ? nlohmann::json::parse(file.readAll().toStdString())
                                              : nlohmann::json();
    }();
    return all;
}

} // namespace

class TransformsTest : public QObject {
    Q_OBJECT

private slots:
    void answersAsPlainImplementations_data() {
        QTest::addColumn<int>("index");
        QVERIFY(cases()["cases"].size() >= 30);
        int index = 0;
        for (const auto& one : cases()["cases"])
            QTest::newRow((one["model"].get<std::string>() + ", " + one["recipe"].get<std::string>()).c_str())
                << index++;
    }
    void answersAsPlainImplementations() {
        QFETCH(int, index);
        static const TensorTable numbers(golden("transforms.safetensors"));
        const auto& one = cases()["cases"][static_cast<std::size_t>(index)];
        Recipe recipe = Recipe::parse(one["recipe"].get<std::string>());
        for (const auto& [site, channels] : one["kept"].items())
            for (int channel : channels)
                recipe.setKept(Site::fromName(site), channel, true);
        const std::string model = one["model"], text = one["text"];
        const auto expected = numbers.floats(std::to_string(index) + ".logits");
        const auto got = opened(model).sample({-1, Place::logits}, textOf(model), text, recipe, 1000).values;
        CLOSE(got, expected, tolerance);
        const auto plain = opened(model).sample({-1, Place::logits}, textOf(model), text, {}, 1000).values;
        QVERIFY(test::largestDifference(plain, expected) > 10 * tolerance);
    }

    void reshapingLeavesAnswersAsTheyAre_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        for (const std::string& model :
             {std::string("tiny-llama"), std::string("tiny-llama-scaled"), std::string("tiny-llama-sharded"),
              std::string("tiny-bert"), std::string("tiny-bert-classifier"), miniLm, smolLm})
            for (const char* recipe :
                 {"smoothquant", "smoothquant:search=on", "smoothquant:alpha=1", "smoothquant:alpha=0",
                  "rotation", "rotation:kind=random,seed=5", "rotation:where=inputs",
                  "rotation:online=off,where=residual", "awq:group=16", "awq:alpha=1,search=off",
                  "rotation+smoothquant", "rotation+awq"}) {
                // Real models take seconds each: one of every kind for them.
                const QStringList real{"smoothquant", "rotation", "rotation:where=inputs",
                                       "awq:alpha=1,search=off"},
                    searches{"smoothquant:search=on", "awq:group=16"};
                if (model == smolLm && !real.contains(recipe)) continue;
                if (model == miniLm && !real.contains(recipe) && !searches.contains(recipe)) continue;
                if (model.find("llama") == std::string::npos && model != smolLm &&
                    QString(recipe).contains("residual"))
                    continue; // refused: see refuses()
                QTest::newRow(
                    (QFileInfo(QString::fromStdString(model)).fileName().toStdString() + " " + recipe)
                        .c_str())
                    << QString::fromStdString(model) << recipe;
            }
    }
    void reshapingLeavesAnswersAsTheyAre() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        const std::string name = model.toStdString();
        if (!QFileInfo::exists(QString::fromStdString(pathOf(name)))) QSKIP("the model is not fetched");
        // Nothing is rounded: with every linear input left whole, searches still see the plan's rounding.
        Recipe asked = Recipe::parse(recipe.toStdString());
        for (Site site : linearInputs(opened(name).model()))
            asked.highPrecision.insert(site);
        const auto plain = answers(name, {}), reshaped = answers(name, asked);
        CLOSE(reshaped, plain, invariance);
        QVERIFY(reshaped != plain); // something was done
        if (recipe.contains("awq") || recipe.contains("search=on")) return;
        asked.highPrecision.clear();
        for (auto* part : {static_cast<RecipePart*>(&asked), asked.with.empty() ? nullptr : &asked.with[0]})
            if (part) part->parameters["weight_bits"] = part->parameters["activation_bits"] = "16";
        if (!name.starts_with("tiny")) return;
        QCOMPARE(answers(name, asked), reshaped);
        const Reading reading = evaluated(name, asked);
        QCOMPARE(reading.kernels, KernelTag::floating);
        QVERIFY(!reading.klMean || *reading.klMean < 1e-6);
    }

    // What is folded changes the tensor where it is made; what cannot be is left to a step before rounding.
    void foldsWhereNothingElseReads() {
        const std::string recipe = "smoothquant:activation_bits=16,weight_bits=16";
        const auto changed = [&](const std::string& model, Site site) {
            return test::largestDifference(sampled(model, site, recipe), sampled(model, site, "fp32")) >
                   1e-3F;
        };
        for (Site site : linearInputs(opened("tiny-llama").model()))
            QVERIFY2(changed("tiny-llama", site), site.name().c_str());
        for (Place stream :
             {Place::attn_residual, Place::mlp_residual, Place::attn_output, Place::mlp_output})
            QVERIFY(!changed("tiny-llama", {1, stream}));
        // What a step makes of an input is seen at the input alone: the tensor goes on into the residual sum.
        for (Site site : linearInputs(opened("tiny-bert").model()))
            QVERIFY2(changed("tiny-bert", site), site.name().c_str());
        for (Place stream : {Place::attn_residual, Place::mlp_residual, Place::mlp_norm})
            QVERIFY(!changed("tiny-bert", {1, stream}));
        // Divisors that stay are stored: three inputs of each layer, 32 + 32 + 64 channels.
        const Reading bert = evaluated("tiny-bert-classifier", Recipe::parse(recipe)),
                      llama = evaluated("tiny-llama", Recipe::parse(recipe));
        QCOMPARE(bert.weightBytes,
                 opened("tiny-bert-classifier").model().parameters * 4 + 2 * 4 * (32 + 32 + 64));
        QCOMPARE(llama.weightBytes, opened("tiny-llama").model().parameters * 4);
    }

    // With α = 1 every channel is divided by its largest magnitude, so a static range ends at 1.
    void calibratesTheReshapedModel() {
        for (const char* model : {"tiny-llama", "tiny-bert-classifier"})
            for (Site site : linearInputs(opened(model).model())) {
                const DataRequest data = textOf(model);
                SiteStats stats;
                stats.site = site, stats.tokens = 1;
                const auto levels = opened(model).gridLevels(
                    Recipe::parse("smoothquant:activation=per-tensor,alpha=1"), stats, data);
                QCOMPARE(levels.size(), std::size_t{255});
                QVERIFY2(std::abs(levels.back() - 1) < 1e-5F, qPrintable(QString::number(levels.back())));
                // Values and levels are of the same tensor.
                ObserveRequest request;
                request.data = data;
                request.data.windows = 3;
                request.recipe =
                    Recipe::parse("smoothquant:weight_bits=16,activation_bits=16,alpha=1,samples=3");
                request.data.calibrationPath = data.path; // the text that is observed
                const Observation observation = opened(model).observe(request);
                const SiteStats* seen = observation.find(site);
                QVERIFY(seen && std::abs(seen->siteAbsmax - 1) < 1e-4F);
            }
    }

    // What is kept at an input stays out of its ranges after a step at run time too.
    void keptChannelsStayOutOfReshapedRanges() {
        const Site site{1, Place::attn_input};
        const DataRequest data = textOf("tiny-bert");
        SiteStats stats;
        stats.site = site, stats.tokens = 1;
        const auto largest = [&](const std::string& range) {
            Recipe recipe =
                Recipe::parse("smoothquant:alpha=0,activation=per-tensor,activation_bits=8,range=" + range);
            for (int channel = 1; channel < opened("tiny-bert").model().hidden; ++channel)
                recipe.setKept(site, channel, true);
            return opened("tiny-bert").gridLevels(recipe, stats, data).back();
        };
        // An average of each window's extremes lies inside the extremes of all.
        QVERIFY2(largest("moving-average") <= largest("minmax") * 1.0001F,
                 qPrintable(QString("%1 %2").arg(largest("moving-average")).arg(largest("minmax"))));
    }

    void combines_data() {
        QTest::addColumn<QString>("recipe");
        for (const char* recipe :
             {"smoothquant+gptq+w8a8:activation=per-token", "w8a8:activation=per-token+gptq+smoothquant",
              "rotation+gptq:bits=4", "rotation:activation_bits=4+gptq",
              "rotation:weight_bits=4,activation_bits=4", "smoothquant+w8a8:activation_bits=16",
              "awq+w8a8:activation=per-token,dynamic=on", "awq:activation_bits=8",
              "rotation+smoothquant+rtn:bits=8", "rotation:online=off+awq"})
            QTest::newRow(recipe) << recipe;
    }
    void combines() {
        QFETCH(QString, recipe);
        for (const char* model : {"tiny-llama", "tiny-bert-classifier"})
            for (const char* scope : {"linear-inputs", "all-activations"}) {
                Recipe asked = Recipe::parse(recipe.toStdString());
                asked.scope =
                    scope == std::string("linear-inputs") ? Scope::linear_inputs : Scope::all_activations;
                const Reading all = evaluated(model, asked);
                QVERIFY(*all.klMean > 0 && std::isfinite(*all.klMean));
                asked.keep = "top:2";
                const Reading some = evaluated(model, asked);
                QVERIFY(some.keptChannels > 0 && some.effectiveBits > all.effectiveBits);
                QVERIFY(std::isfinite(*some.klMean));
            }
    }

    void laterSchemesTakeOverSides() {
        const auto bits = [](const char* recipe) {
            const Reading reading = evaluated("tiny-llama", Recipe::parse(recipe));
            return std::pair(std::floor(reading.effectiveBits), std::floor(reading.activationBits));
        };
        using Bits = std::pair<double, double>; // with their scales, cut
        QCOMPARE(bits("smoothquant:weight_bits=6,activation_bits=5").second, 5.0);
        QCOMPARE(bits("gptq:group=0"), (Bits{4, 32})); // one scale for each output: less than one bit here
        QCOMPARE(bits("smoothquant+gptq:group=0"), (Bits{4, 8}));
        QCOMPARE(bits("smoothquant+gptq:group=0+w8a8:activation_bits=6"), (Bits{4, 6}));
        QCOMPARE(bits("rotation:activation_bits=4+rtn:bits=3,group=0"), (Bits{3, 4}));
        // A side that one was told to leave alone stays so, whichever stands first.
        for (const char* recipe :
             {"smoothquant+w8a8:activation_bits=16", "w8a8:activation_bits=16+smoothquant",
              "smoothquant+gptq:activation_bits=16", "gptq:activation_bits=16+smoothquant"})
            QCOMPARE(bits(recipe).second, 32.0);
    }

    void refuses_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QStringList>("words");
        const auto row = [](const char* model, const char* recipe, const QStringList& words) {
            QTest::newRow(recipe) << model << recipe << words;
        };
        row("tiny-bert-classifier", "rotation:where=residual", {"post-norm", "use where=inputs"});
        row("tiny-llama", "gptq+rtn", {"gptq and rtn both say how weights are rounded"});
        row("tiny-llama", "awq+gptq", {"awq and gptq both say how weights are rounded"});
        row("tiny-llama", "gptq+w8a8:weight_bits=8", {"gptq and w8a8 both say"});
        row("tiny-llama", "gptq:activation_bits=8+w8a8:activation=per-token", {"activations"});
        row("tiny-llama", "smoothquant:alpha=0.5,search=on", {"alpha=0.5 with search=on", "Leave one"});
        row("tiny-llama", "awq:alpha=0.5", {"alpha=0.5", "search=off"});
        row("tiny-llama", "smoothquant+smoothquant", {"smoothquant is given twice"});
        row("tiny-llama", "gptq:bits=16", {"bits=16", "2, 3, 4"});
        row("tiny-llama", "smoothquant:alpha=1.5", {"alpha=1.5", "0 to 1"});
    }
    void refuses() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(QStringList, words);
        const QString sentence = QString::fromStdString(
            test::failure([&] { evaluated(model.toStdString(), Recipe::parse(recipe.toStdString())); }));
        for (const QString& word : words)
            QVERIFY2(sentence.contains(word), qPrintable(sentence));
    }

    void refusesOneTextAlone() {
        for (const char* recipe : {"gptq", "awq", "smoothquant"}) {
            const QString sentence = QString::fromStdString(test::failure(
                [&] { opened("tiny-llama").predict("the outlier", {}, Recipe::parse(recipe)); }));
            QVERIFY2(sentence.contains("needs calibration"), qPrintable(sentence));
        }
        QVERIFY(!opened("tiny-llama").predict("the outlier", {}, Recipe::parse("rotation")).logits.empty());
    }
};

QTEST_APPLESS_MAIN(TransformsTest)
#include "test_transforms.moc"
