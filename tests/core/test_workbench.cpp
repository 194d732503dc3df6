// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's promises: a stop answers, statistics depend on the data alone.
#include "core/base/error.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_copy.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

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
    void nothingIsOpenAtFirst() {
        Workbench workbench = cpu();
        QVERIFY(!workbench.isOpen());
        QVERIFY(test::failure([&] { workbench.model(); }).find("no model is open") != std::string::npos);
        QVERIFY(test::failure([&] { workbench.predict("a", {}, {}); }).find("no model is open") !=
                std::string::npos);
        QVERIFY(test::failure([&] { workbench.observe({}); }).find("no model is open") != std::string::npos);
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
