// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's promises: a stop answers, statistics depend on the data alone.
#include "core/base/error.h"
#include "core/statistics/site_figures.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_copy.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

#include <thread>

using namespace kurtoscope;
using namespace std::string_literals;
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

// Every figure of every channel to a relative 1e-6. A mean is measured against its channel's root mean square
// and a skewness against 1 where it is smaller: both pass through zero.
QString difference(const SiteStats& a, const SiteStats& b) {
    const auto name = QString::fromStdString(a.site.name());
    if (a.site != b.site || a.tokens != b.tokens || a.nonfinite != b.nonfinite || a.channels != b.channels)
        return name + ": other tokens";
    const auto apart = [](double x, double y, double size) {
        return std::isnan(x) != std::isnan(y) || std::abs(x - y) > 1e-6 * size;
    };
    const auto relative = [&](double x, double y) { return apart(x, y, std::abs(x)); };
    for (std::size_t c = 0; c < a.mean.size(); ++c) {
        const char* figure = apart(a.mean[c], b.mean[c], std::sqrt(a.energy[c] / double(a.tokens))) ? "mean"
                             : relative(a.variance[c], b.variance[c]) ? "variance"
                             : apart(a.skewness[c], b.skewness[c], std::max(1.0, std::abs(a.skewness[c])))
                                 ? "skewness"
                             : relative(a.kurtosis[c], b.kurtosis[c])             ? "kurtosis"
                             : relative(a.energy[c], b.energy[c])                 ? "energy"
                             : relative(double(a.absmax[c]), double(b.absmax[c])) ? "absmax"
                             : relative(a.shareAbove[c], b.shareAbove[c])         ? "share above"
                                                                                  : nullptr;
        if (figure) return QString("%1, channel %2: %3").arg(name).arg(c).arg(figure);
    }
    if (relative(a.siteKurtosis, b.siteKurtosis)) return name + ": site kurtosis";
    if (relative(a.top1pctEnergy, b.top1pctEnergy)) return name + ": top 1 % energy";
    return {};
}

// The statistics of two data taken together, by the moments' own formulas.
SiteStats together(const SiteStats& a, const SiteStats& b) {
    const auto moments = [](const SiteStats& s, std::size_t c) {
        Moments m;
        m.count = double(s.tokens);
        m.mean = s.mean[c], m.m2 = s.variance[c] * m.count;
        m.m3 = m.m2 > 0 ? s.skewness[c] * std::pow(m.m2, 1.5) / std::sqrt(m.count) : 0;
        m.m4 = m.m2 > 0 ? s.kurtosis[c] * m.m2 * m.m2 / m.count : 0;
        m.above = s.shareAbove[c] * m.count;
        m.min = s.min[c], m.max = s.max[c];
        return m;
    };
    SiteStats all = a;
    all.tokens += b.tokens;
    Moments whole;
    for (std::size_t c = 0; c < a.mean.size(); ++c) {
        Moments m = moments(a, c);
        m.merge(moments(b, c));
        whole.merge(m);
        all.mean[c] = m.mean, all.variance[c] = m.variance(), all.skewness[c] = m.skewness();
        all.kurtosis[c] = m.kurtosis(), all.energy[c] = m.energy(), all.absmax[c] = m.absmax();
        all.shareAbove[c] = m.above / m.count, all.min[c] = m.min, all.max[c] = m.max;
    }
    all.siteKurtosis = whole.kurtosis();
    all.top1pctEnergy = topPercentEnergy(all.energy);
    return all;
}

} // namespace

class WorkbenchTest : public QObject {
    Q_OBJECT

private slots:
    void nothingIsOpenAtFirst() {
        Workbench workbench = cpu();
        QVERIFY(!workbench.isOpen());
        QVERIFY(test::failure([&] { workbench.model(); }).find("no model is open") != std::string::npos);
        QVERIFY(test::failure([&] { workbench.predict("a", {}, {}); }).find("no model is open") !=
                std::string::npos);
        QVERIFY(test::failure([&] { workbench.observe({}); }).find("no model is open") != std::string::npos);
    }

    // What a model costs is told before it is opened.
    void aHeadIsKnownBeforeTheModelIsOpened_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<bool>("head");
        QTest::newRow("tied") << "tiny-llama" << true;
        QTest::newRow("GPT-2") << "tiny-gpt2" << true;
        QTest::newRow("of its own") << "tiny-gpt2-untied" << true;
        QTest::newRow("an encoder that says tied") << "tiny-bert" << false;
        QTest::newRow("masked") << "tiny-bert-masked" << true;
        QTest::newRow("a classifier") << "tiny-bert-classifier" << false;
    }
    void aHeadIsKnownBeforeTheModelIsOpened() {
        QFETCH(QString, model);
        QFETCH(bool, head);
        QCOMPARE(Workbench::knownModel(KURTOSCOPE_TESTS_DIR "/golden/" + model.toStdString()).hasHead, head);
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

    void tokenizingALongTextAnswersAStop_data() {
        QTest::addColumn<std::string>("folder");
        QTest::addColumn<bool>("spaces");
        QTest::newRow("bytes, words") << tinyLlama << true;
        QTest::newRow("bytes, one word") << tinyLlama << false;
        QTest::newRow("word pieces, words") << tinyBert << true;
    }
    void tokenizingALongTextAnswersAStop() {
        QFETCH(std::string, folder);
        QFETCH(bool, spaces);
        QByteArray text;
        for (unsigned i = 1; text.size() < (spaces ? 4'000'000 : 10'000'000);
             ++i) { // words that no cache knows
            for (unsigned letters = i * 2654435761U; letters != 0; letters /= 26)
                text.append(char('a' + letters % 26));
            if (spaces) text.append(i % 12 == 0 ? ".\n" : " ");
        }
        const ModelCopy place("tiny-bert");
        DataRequest data;
        data.path = place.write("long.txt", text);
        data.windows = 2, data.length = 16;
        Workbench workbench = cpu();
        workbench.open(folder);
        const auto stoppedAfter = [&](qint64 ms, const auto& call) {
            std::stop_source source;
            std::jthread stopper([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(ms));
                source.request_stop();
            });
            QVERIFY_THROWS_EXCEPTION(Cancelled, call(source.get_token()));
        };
        // Megabytes take far longer than these waits on any machine: the call is under way when the stop
        // comes.
        for (const int wait : {0, 2, 15})
            stoppedAfter(wait, [&](std::stop_token stop) { workbench.describe(data, true, stop); });
        ObserveRequest observe;
        observe.data = data;
        stoppedAfter(5, [&](std::stop_token stop) { workbench.observe(observe, stop); });
        EvaluateRequest evaluate;
        evaluate.data = data;
        stoppedAfter(5, [&](std::stop_token stop) { workbench.evaluate(evaluate, stop); });
        QCOMPARE(workbench.describe(data).windows, 2); // and what was stopped can be asked for again
    }

    void observesTheSameOnAnyNumberOfThreads_data() {
        QTest::addColumn<std::string>("model");
        QTest::addColumn<std::string>("text");
        QTest::addColumn<int>("length");
        QTest::newRow("tiny BERT") << tinyBert << tinyBert + "/text.txt" << 16;
        QTest::newRow("tiny LLaMA") << tinyLlama << tinyLlama + "/text.txt" << 16;
        const std::string demo = KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
        QTest::newRow("MiniLM") << KURTOSCOPE_MODELS_DIR "/all-MiniLM-L6-v2"s << demo << 101;
        QTest::newRow("SmolLM2") << KURTOSCOPE_MODELS_DIR "/SmolLM2-135M-Instruct.Q4_1.gguf"s << demo << 128;
    }
    void observesTheSameOnAnyNumberOfThreads() {
        QFETCH(std::string, model);
        QFETCH(std::string, text);
        QFETCH(int, length);
        if (!std::filesystem::exists(model)) QSKIP(("not fetched: " + model).c_str());
        Observation first;
        for (int threads : {1, 2, 3, 5}) {
            Workbench workbench = cpu(threads);
            workbench.open(model);
            ObserveRequest request;
            request.data.path = text;
            request.data.windows = 2, request.data.length = length;
            const Observation seen = workbench.observe(request);
            QCOMPARE(seen.tokens, std::int64_t(2 * length));
            if (threads == 1) first = seen;
            QCOMPARE(seen.sites.size(), first.sites.size());
            for (std::size_t i = 0; i < seen.sites.size(); ++i) {
                QCOMPARE(difference(first.sites[i], seen.sites[i]), QString());
                QCOMPARE(difference(first.withoutFirstToken[i], seen.withoutFirstToken[i]), QString());
            }
        }
    }

    // Eight pairs of sentences as one padded batch, as two, four and eight: each file is one batch.
    void observesTheSameInAnyBatches_data() {
        QTest::addColumn<std::string>("model");
        QTest::newRow("tiny BERT") << tinyBert;
        QTest::newRow("MiniLM") << KURTOSCOPE_MODELS_DIR "/all-MiniLM-L6-v2"s;
    }
    void observesTheSameInAnyBatches() {
        QFETCH(std::string, model);
        if (!std::filesystem::exists(model)) QSKIP(("not fetched: " + model).c_str());
        const char* sentences[] = {
            "the grid must stretch",
            "a short one, so they decide the range of all the others",
            "most values are small; a few are not",
            "layer",
            "each channel keeps its own scale, and the scale is the largest value it saw",
            "two words",
            "an outlier is a channel that is large in every token",
            "only its first token is massive here",
            "rounding to 8 bits"};
        std::vector<QByteArray> rows;
        for (int i = 0; i < 8; ++i)
            rows.push_back(QByteArray("0.5\t") + sentences[i] + "\t" + sentences[(i * 5 + 3) % 9] + "\n");
        const ModelCopy place("tiny-bert");
        Observation first;
        for (std::size_t size : {8U, 4U, 2U, 1U}) {
            Workbench workbench = cpu(size == 4 ? 3 : 1);
            workbench.open(model);
            Observation all;
            for (std::size_t begin = 0; begin < rows.size(); begin += size) {
                QByteArray file;
                for (std::size_t i = begin; i < begin + size; ++i)
                    file += rows[i];
                ObserveRequest request;
                request.data.path = place.write(QString("%1-%2.tsv").arg(size).arg(begin), file);
                const Observation seen = workbench.observe(request);
                if (all.sites.empty()) {
                    all = seen;
                    continue;
                }
                for (std::size_t i = 0; i < all.sites.size(); ++i) {
                    if (all.sites[i].site.place == Place::attn_probs) continue; // its channels are positions
                    all.sites[i] = together(all.sites[i], seen.sites[i]);
                    all.withoutFirstToken[i] = together(all.withoutFirstToken[i], seen.withoutFirstToken[i]);
                }
            }
            if (size == 8) first = all;
            for (std::size_t i = 0; i < all.sites.size(); ++i) {
                if (all.sites[i].site.place == Place::attn_probs) continue;
                QCOMPARE(difference(first.sites[i], all.sites[i]), QString());
                QCOMPARE(difference(first.withoutFirstToken[i], all.withoutFirstToken[i]), QString());
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
