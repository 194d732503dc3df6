// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's promises: a failed open changes nothing, a stop answers, statistics depend on the data alone.
#include "core/base/error.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_copy.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

#include <functional>
#include <limits>

using namespace kurtoscope;
using kurtoscope::test::ModelCopy;

namespace {

const std::string tinyLlama = KURTOSCOPE_TESTS_DIR "/golden/tiny-llama";
const std::string tinyBert = KURTOSCOPE_TESTS_DIR "/golden/tiny-bert";

Workbench cpu(int threads = 1) {
    return Workbench({DeviceKind::cpu, threads, 1});
}

DataRequest textOf(const std::string& folder, int windows = 4, int length = 16) {
    DataRequest data;
    data.path = folder + "/text.txt";
    data.windows = windows, data.length = length, data.calibrationWindows = 2;
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
        {"unknown model_type",
         "tiny-llama",
         config("\"llama\"", "\"mamba\""),
         {"\"mamba\"", "config.json", "bert, llama"}},
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

// Statistics agree to a relative 1e-6 of each site's own size.
QString difference(const SiteStats& a, const SiteStats& b) {
    const auto name = QString::fromStdString(a.site.name());
    if (a.site != b.site || a.tokens != b.tokens || a.nonfinite != b.nonfinite)
        return name + ": other tokens";
    const double size = double(a.siteAbsmax);
    for (std::size_t c = 0; c < a.mean.size(); ++c) {
        if (std::abs(a.mean[c] - b.mean[c]) > 1e-6 * size) return name + ": mean";
        if (std::abs(a.variance[c] - b.variance[c]) > 1e-6 * size * size) return name + ": variance";
        if (std::abs(a.energy[c] - b.energy[c]) > 1e-6 * size * size * double(a.tokens))
            return name + ": energy";
        if (std::abs(a.absmax[c] - b.absmax[c]) > 1e-6F * a.siteAbsmax) return name + ": absmax";
        if (std::abs(a.kurtosis[c] - b.kurtosis[c]) > 2e-5 * a.kurtosis[c]) return name + ": kurtosis";
    }
    if (std::abs(a.siteKurtosis - b.siteKurtosis) > 1e-5 * a.siteKurtosis) return name + ": site kurtosis";
    return {};
}

} // namespace

class WorkbenchTest : public QObject {
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

    void nothingIsOpenAtFirst() {
        Workbench workbench = cpu();
        QVERIFY(!workbench.isOpen());
        QVERIFY(test::failure([&] { workbench.model(); }).find("no model is open") != std::string::npos);
        QVERIFY(test::failure([&] { workbench.predict("a", {}, {}); }).find("no model is open") !=
                std::string::npos);
        QVERIFY(test::failure([&] { workbench.observe({}); }).find("no model is open") != std::string::npos);
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
        request.data = textOf(tinyLlama, 2);
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
        QVERIFY(test::failure([&] { workbench.describe(textOf(tinyLlama)); }).find("tokenizer") !=
                std::string::npos);
    }

    void refusesWhatItCannotPredict() {
        Workbench workbench = cpu();
        workbench.open(tinyLlama);
        const auto sentence = [&](const std::vector<int>& ids, const char* recipe) {
            return test::failure([&] { workbench.predict("", ids, Recipe::parse(recipe)); });
        };
        QVERIFY(sentence({1, 300}, "fp32").find("id 300 is outside the vocabulary") != std::string::npos);
        QVERIFY(sentence({-1}, "fp32").find("0 to 299") != std::string::npos);
        QVERIFY(sentence({}, "fp32").find("no tokens") != std::string::npos);
        QVERIFY(sentence(std::vector<int>(129, 1), "fp32").find("128 positions") != std::string::npos);
        QVERIFY(sentence({1}, "w8a8").find("needs calibration") != std::string::npos);
    }

    void stops() {
        Workbench workbench = cpu();
        workbench.open(tinyLlama);
        const auto expected = workbench.predict("", {1, 2, 3}, {}).logits;
        const DataRequest data = textOf(tinyLlama);
        ObserveRequest observe;
        observe.data = data;
        EvaluateRequest evaluate;
        evaluate.data = data;
        evaluate.recipes = {{}, Recipe::parse("w8a8")};
        // Asked for before, and in the middle: from the progress that the call itself reports.
        for (int after : {0, 1, 2}) {
            std::stop_source source;
            int told = 0;
            const OnProgress progress = [&](const Progress&) {
                if (++told == after) source.request_stop();
            };
            if (after == 0) source.request_stop();
            const auto token = source.get_token();
            const auto again = [&] {
                source = std::stop_source();
                told = 0;
                if (after == 0) source.request_stop();
            };
            QVERIFY_THROWS_EXCEPTION(Cancelled, workbench.open(tinyBert, source.get_token(), progress));
            again();
            QVERIFY_THROWS_EXCEPTION(Cancelled, workbench.observe(observe, source.get_token(), progress));
            again();
            QVERIFY_THROWS_EXCEPTION(Cancelled,
                                     workbench.evaluate(evaluate, source.get_token(), {}, progress));
            if (after < 2) { // two windows of calibration: the second report comes with the last
                again();
                QVERIFY_THROWS_EXCEPTION(Cancelled,
                                         workbench.resolveKeep(Recipe::parse("w8a8:keep=top:1"), data,
                                                               source.get_token(), progress));
            }
            QCOMPARE(workbench.predict("", {1, 2, 3}, {}).logits, expected);
            workbench.open(tinyLlama);
        }
        // What a stop left behind does not show in later results.
        Workbench fresh = cpu();
        fresh.open(tinyLlama);
        QCOMPARE(workbench.evaluate(evaluate)[1].score, fresh.evaluate(evaluate)[1].score);
    }

    void observesTheSameOnAnyNumberOfThreads() {
        for (const std::string& folder : {tinyBert, tinyLlama}) {
            std::vector<Observation> seen;
            for (int threads : {1, 2, 3}) {
                Workbench workbench = cpu(threads);
                workbench.open(folder);
                ObserveRequest request;
                request.data = textOf(folder);
                seen.push_back(workbench.observe(request));
            }
            QCOMPARE(seen[0].windows, 4);
            QCOMPARE(seen[0].tokens, std::int64_t{64});
            for (const Observation& other : {seen[1], seen[2]}) {
                QCOMPARE(other.sites.size(), seen[0].sites.size());
                for (std::size_t i = 0; i < other.sites.size(); ++i) {
                    QCOMPARE(difference(seen[0].sites[i], other.sites[i]), QString());
                    QCOMPARE(difference(seen[0].withoutFirstToken[i], other.withoutFirstToken[i]), QString());
                }
            }
        }
    }

    // Four sentences as one padded batch, or as two batches put together by hand.
    void observesTheSameInAnyBatches() {
        const ModelCopy place("tiny-bert");
        const QByteArray one =
            "0.5\tthe grid must stretch\ta short one, so they decide the range of all the others\n";
        const QByteArray two = "0.7\tmost values are small; a few are not\tlayer\n";
        Workbench workbench = cpu();
        workbench.open(tinyBert);
        const auto observed = [&](const char* file, const QByteArray& rows) {
            ObserveRequest request;
            request.data.path = place.write(file, rows);
            return workbench.observe(request);
        };
        const Observation both = observed("both.tsv", one + two), a = observed("a.tsv", one),
                          b = observed("b.tsv", two);
        QCOMPARE(both.tokens, a.tokens + b.tokens);
        for (const SiteStats& stats : both.sites) {
            if (stats.site.place == Place::attn_probs) continue; // its channels are positions
            const SiteStats &x = *a.find(stats.site), &y = *b.find(stats.site);
            QCOMPARE(stats.tokens, x.tokens + y.tokens);
            const double size = double(stats.siteAbsmax);
            for (std::size_t c = 0; c < stats.mean.size(); ++c) {
                const double mean =
                    (x.mean[c] * double(x.tokens) + y.mean[c] * double(y.tokens)) / double(stats.tokens);
                QVERIFY(std::abs(stats.mean[c] - mean) < 1e-6 * size);
                QVERIFY(std::abs(stats.energy[c] - x.energy[c] - y.energy[c]) <
                        1e-6 * size * size * double(stats.tokens));
                QVERIFY(std::abs(stats.absmax[c] - std::max(x.absmax[c], y.absmax[c])) <
                        1e-6F * stats.siteAbsmax);
            }
        }
    }

    void observesProgressively() {
        Workbench workbench = cpu();
        workbench.open(tinyLlama);
        ObserveRequest request;
        request.data = textOf(tinyLlama);
        std::vector<int> windows;
        const Observation last = workbench.observe(request, {}, {}, [&](const Observation& seen) {
            windows.push_back(seen.windows);
            QCOMPARE(seen.windowsTotal, 4);
            QCOMPARE(seen.tokens, std::int64_t{16} * seen.windows);
        });
        QVERIFY(windows.size() >= 2);
        QCOMPARE(windows.front(), 1);
        QCOMPARE(windows.back(), 4);
        QVERIFY(std::is_sorted(windows.begin(), windows.end()));
        QCOMPARE(last.find({0, Place::mlp_residual}, true)->tokens,
                 std::int64_t{60}); // four first tokens left out
        // The calibration's view: what linear layers read, and nothing else.
        request.linearInputsOnly = true;
        std::set<Place> places;
        for (const SiteStats& stats : workbench.observe(request).sites)
            places.insert(stats.site.place);
        QCOMPARE(places, (std::set<Place>{Place::attn_input, Place::attn_context, Place::mlp_input,
                                          Place::mlp_hidden}));
    }

    void samplesAreWhatStatisticsSaw() {
        Workbench workbench = cpu();
        workbench.open(tinyLlama);
        ObserveRequest request;
        request.data = textOf(tinyLlama);
        const Observation seen = workbench.observe(request);
        const Site site{1, Place::mlp_hidden};
        const SiteSample sample = workbench.sample(site, request.data, "", {}, 1000);
        QCOMPARE(sample.rows(), 64);
        QCOMPARE(sample.channels, 48);
        for (int channel = 0; channel < 48; ++channel) {
            float largest = 0;
            for (int row = 0; row < 64; ++row)
                largest = std::max(largest, std::abs(sample.at(row, channel)));
            QCOMPARE(seen.find(site)->absmax[std::size_t(channel)], largest);
        }
        QCOMPARE(workbench.sample(site, request.data, "", {}, 20).rows(), 20);
        const TokenPeak& peak = seen.find(site)->peaks.front();
        QCOMPARE(std::abs(sample.at(peak.window * 16 + peak.position, peak.channel)), peak.absmax);
        QCOMPARE(sample.tokens[std::size_t(peak.window * 16 + peak.position)], peak.text);
    }

    void keepsWhatACriterionMarks() {
        Workbench workbench = cpu();
        workbench.open(tinyLlama);
        const DataRequest data = textOf(tinyLlama);
        const Recipe top = workbench.resolveKeep(Recipe::parse("w8a8:keep=top:2"), data);
        QVERIFY(top.keep.empty());
        QCOMPARE(top.kept.size(), std::size_t{8}); // four inputs in each of two layers
        QCOMPARE(top.keptCount(), std::size_t{16});
        const Recipe ratio =
            workbench.resolveKeep(Recipe::parse("w8a8:keep=ratio:4,scope=all-activations"), data);
        QVERIFY(ratio.keeps({1, Place::mlp_residual}, 5)); // the tiny models' stream has its outlier there
        QVERIFY(!ratio.keeps({1, Place::mlp_residual}, 6));
        QCOMPARE(workbench.resolveKeep(top, data).kept, top.kept);
    }
};

QTEST_GUILESS_MAIN(WorkbenchTest)
#include "test_workbench.moc"
