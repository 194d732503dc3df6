// SPDX-License-Identifier: GPL-3.0-or-later
// Where a recipe's loss comes from, and the search for what to keep, against what the other calls say.
#include <QtTest>

#include "core/quantization/keep_path.h"
#include "core/workbench.h"
#include "tests/support/failure.h"

using namespace kurtoscope;
using kurtoscope::test::failure;

namespace {

Workbench& opened(const std::string& model) {
    static std::map<std::string, Workbench> all;
    const auto [found, fresh] = all.try_emplace(model, WorkbenchOptions{DeviceKind::cpu, 1, 1});
    if (fresh) found->second.open(KURTOSCOPE_TESTS_DIR "/golden/" + model);
    return found->second;
}

DataRequest textOf(const std::string& model) {
    DataRequest data;
    data.path = KURTOSCOPE_TESTS_DIR "/golden/" + model + "/text.txt";
    data.task = "fidelity";
    data.windows = 2, data.length = 16, data.calibrationWindows = 3;
    return data;
}

double klOf(Workbench& workbench, const DataRequest& data, const Recipe& recipe) {
    EvaluateRequest request;
    request.data = data;
    request.recipes = {recipe};
    request.latency = false;
    request.kernels = {KernelChoice::simulated}; // as diagnostics run
    request.holdOut = true;
    return *workbench.evaluate(request).front().klMean;
}

void near(double got, double expected, double relative) {
    QVERIFY2(std::abs(got - expected) <= relative * std::abs(expected),
             qPrintable(QString("got %1, expected %2").arg(got, 0, 'g', 9).arg(expected, 0, 'g', 9)));
}

const std::string llama = "tiny-llama";

} // namespace

class TestDiagnostics : public QObject {
    Q_OBJECT

private slots:
    // The same error from the site's own values and the levels that the window draws.
    void siteErrorsAreThoseOfTheNearestLevels() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        const Recipe recipe = Recipe::parse("w8a8:activation_bits=4,weight_bits=16,range=percentile,p=95");
        const ErrorReport report = workbench.errors(recipe, data, 2, 5);
        QVERIFY(!report.sites.empty());
        ObserveRequest observe;
        observe.data = data;
        const Observation seen = workbench.observe(observe);
        int clippedSites = 0;
        for (const SiteError& error : report.sites) {
            const auto levels = workbench.gridLevels(recipe, *seen.find(error.site), data);
            QCOMPARE(levels.size(), std::size_t{15});
            const SiteSample sample = workbench.sample(error.site, data, "", Recipe(), 1000);
            double total = 0, outside = 0, clipped = 0, square = 0;
            for (const float x : sample.values) {
                float best = levels.front();
                for (const float level : levels)
                    if (std::abs(level - x) < std::abs(best - x)) best = level;
                const double squared = double(best - x) * double(best - x);
                const bool beyond = x < levels.front() || x > levels.back();
                total += squared, square += double(x) * double(x);
                if (beyond) outside += squared, clipped += 1;
            }
            const double count = double(sample.values.size());
            QCOMPARE(error.values, std::int64_t(sample.values.size()));
            near(error.meanSquaredError(), total / count, 1e-3);
            near(error.clipping, outside / count, 1e-3);
            near(error.clippedShare, clipped / count, 1e-9);
            near(error.sqnrDb, 10 * std::log10(square / total), 1e-3);
            clippedSites += clipped > 0;
        }
        QVERIFY(clippedSites > 0);
    }

    void dynamicRangesClipNothing() {
        Workbench& workbench = opened(llama);
        for (const SiteError& error :
             workbench.errors(Recipe::parse("w8a8:dynamic=on,activation_bits=4"), textOf(llama), 1).sites) {
            QCOMPARE(error.clipping, 0.0);
            QVERIFY(error.rounding > 0 && error.outputSqnrDb && *error.outputSqnrDb < error.sqnrDb + 20);
        }
    }

    // Where a tensor is rounded as it is made and once more after a step before its readers, each rounding
    // clips at its own range: text that made the ranges is never clipped.
    void everyRoundingClipsAtItsOwnRange() {
        Workbench& workbench = opened("tiny-bert");
        DataRequest data = textOf("tiny-bert");
        data.calibrationPath = data.path; // its first windows, those that are evaluated among them
        const auto sites = workbench
                               .errors(Recipe::parse("smoothquant:activation=per-tensor,alpha=1,"
                                                     "scope=all-activations"),
                                       data, 2)
                               .sites;
        QVERIFY(!sites.empty());
        for (const SiteError& error : sites)
            QVERIFY2(error.clippedShare < 1e-3, qPrintable(QString::fromStdString(error.site.name()) + ": " +
                                                           QString::number(error.clippedShare)));
    }

    // A row of a table is padded, the same words as text are not: their attention spreads alike.
    void staticRangesOfAttentionIgnoreThePadding() {
        QTemporaryDir place;
        const QByteArray words = "few values decide";
        const std::vector<std::pair<QString, QByteArray>> files{
            {"rows.tsv", "1\t" + words + "\n0\t" + words + "\n"}, {"words.txt", words + "\n"}};
        for (const auto& [name, text] : files) {
            QFile file(place.filePath(name));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(text);
        }
        Workbench& workbench = opened("tiny-bert-classifier");
        DataRequest data = textOf("tiny-bert-classifier");
        SiteStats stats;
        stats.site = {1, Place::attn_probs}, stats.tokens = 1, stats.channels = 1;
        stats.min = {0}, stats.max = {1}, stats.absmax = {1};
        for (const char* range : {"range=percentile,p=60", "range=mse,activation_bits=3"}) {
            const Recipe recipe = Recipe::parse(std::string("w8a8:scope=all-activations,") + range);
            data.calibrationPath = place.filePath("rows.tsv").toStdString();
            const auto padded = workbench.gridLevels(recipe, stats, data);
            data.calibrationPath = place.filePath("words.txt").toStdString();
            const auto bare = workbench.gridLevels(recipe, stats, data);
            QVERIFY(!bare.empty() && padded.size() == bare.size());
            near(padded.back(), bare.back(), 1e-4);
        }
    }

    void tokenDivergencesAverageToTheReading() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        const Recipe recipe = Recipe::parse("w8a8:dynamic=on,activation_bits=4");
        const ErrorReport report = workbench.errors(recipe, data, 2, 3);
        QCOMPARE(report.measure, std::string("KL (nats)"));
        double sum = 0, most = 0, count = 0;
        for (const auto& window : report.tokens)
            for (double value : window)
                sum += value, ++count, most = std::max(most, value);
        near(sum / count, klOf(workbench, data, recipe), 1e-4);
        QCOMPARE(report.worst.size(), std::size_t{3});
        QCOMPARE(report.worst.front().divergence, most);
        QVERIFY(report.worst[0].divergence >= report.worst[1].divergence &&
                report.worst[1].divergence >= report.worst[2].divergence);
        QVERIFY(!report.worst.front().text.empty());
    }

    void sensitivityIsThatOfTheTrueRecipes() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        SensitivityRequest request;
        request.recipe = Recipe::parse("w8a8:activation_bits=4,weight_bits=8");
        request.by = SensitivityRequest::By::place;
        std::vector<Sensitivity> updates;
        const Sensitivity found =
            workbench.sensitivity(request, data, {}, [&](const Sensitivity& s) { updates.push_back(s); });
        QVERIFY(found.complete && found.all);
        QCOMPARE(found.rows.size(), std::size_t{4}); // the four inputs of a LLaMA block
        QVERIFY(updates.size() >= 2 && !updates.front().rows.front().only &&
                updates.front().rows.front().localSqnrDb);
        near(*found.all, klOf(workbench, data, request.recipe), 1e-9);
        for (std::size_t i = 0; i < found.rows.size(); ++i) {
            Recipe only = request.recipe, allBut = request.recipe;
            for (const SiteSensitivity& other : found.rows)
                for (Site site : other.sites)
                    (other.name == found.rows[i].name ? allBut : only).highPrecision.insert(site);
            near(*found.rows[i].only, klOf(workbench, data, only), 1e-9);
            near(*found.rows[i].allBut, klOf(workbench, data, allBut), 1e-9);
            if (i > 0) QVERIFY(*found.rows[i - 1].only >= *found.rows[i].only);
        }
        // Weights that are solved for are those of the whole recipe, whatever else is rounded beside them.
        request.recipe = Recipe::parse("gptq:bits=3,group=8");
        const Sensitivity solved = workbench.sensitivity(request, data);
        near(*solved.all, klOf(workbench, data, request.recipe), 1e-9);
        for (const SiteSensitivity& row : solved.rows)
            QVERIFY(*row.only > 0 && *row.only<2 * *solved.all&& * row.allBut> 0);
        request.recipe = Recipe::parse("w8a8:activation_bits=4,weight_bits=8");
        request.windows = 0;
        const Sensitivity local = workbench.sensitivity(request, data);
        QVERIFY(local.complete && !local.rows.front().only);
        for (std::size_t i = 1; i < local.rows.size(); ++i)
            QVERIFY(*local.rows[i - 1].localSqnrDb <= *local.rows[i].localSqnrDb);
    }

    void groupsPartitionTheChannels() {
        Workbench& workbench = opened(llama);
        const Site site{1, Place::mlp_residual};
        const int channels = workbench.model().channels(site.place);
        double before = INFINITY;
        for (int count : {1, 2, 4, channels}) {
            const GroupTable table = workbench.groupTable(site, count, true, 8, textOf(llama));
            std::set<int> members;
            float widest = 0;
            for (const EmbeddingGroup& group : table.rows) {
                members.insert(group.members.begin(), group.members.end());
                QCOMPARE(group.members.size(), std::size_t(group.channels));
                QVERIFY(group.high - group.low >= widest); // narrowest first
                widest = group.high - group.low;
            }
            QCOMPARE(members.size(), std::size_t(channels));
            QVERIFY(table.noise <= before * (1 + 1e-9));
            before = table.noise;
            if (count == 1) near(table.noise, table.perTensorNoise, 1e-6);
        }
        QVERIFY(failure([&] {
                    workbench.groupTable(site, channels + 1, true, 8, textOf(llama));
                }).find("groups of") != std::string::npos);
        QVERIFY(failure([&] {
                    workbench.groupTable({99, Place::mlp_residual}, 2, true, 8, textOf(llama));
                }).find("has no site") != std::string::npos);
    }

    void stabilityCountsWhatBothFound() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        const Stability found = workbench.stability(data, data.path, "top:2");
        const int inputs = 4 * workbench.model().layers;
        QCOMPARE(found.fixed, 2 * inputs);
        QCOMPARE(found.rows.size(), std::size_t{4}); // two windows of each of two (equal) files
        for (const StabilityRow& row : found.rows) {
            QCOMPARE(row.found, 2 * inputs);
            QCOMPARE(row.recall, row.precision); // equally long lists
            QVERIFY(row.recall > 0 && row.recall <= 1);
        }
        QCOMPARE(found.rows[0].recall, found.rows[2].recall);
        QCOMPARE(found.places.size(), std::size_t{4});
    }

    void pathTakesTheLargestFirst() {
        const Site a{0, Place::attn_input}, b{0, Place::mlp_hidden};
        const std::vector<KeepCandidate> candidates{{a, {1, 100, 2, 100, 1}, 0.5}, {b, {3, 1, 30, 1}, 0.5}};
        const KeepPath path = keepPath(candidates, {}, 3);
        QCOMPARE(path.choices.size(), std::size_t{3});
        // b's one large channel takes 99 % of its noise away at once, a's two large ones only together.
        QVERIFY(path.choices[0].site == b && path.choices[0].channel == 2);
        QVERIFY(path.choices[1].site == a && path.choices[2].site == a);
        QCOMPARE((path.first(3).at(a)), (std::set<int>{1, 3}));
        near(path.choices[0].predicted, 0.5 + 0.5 * 0.01, 1e-6);
        QVERIFY(path.choices[2].predicted < path.choices[1].predicted);
    }

    void pathHonoursPinsAndBans() {
        const Site a{0, Place::attn_input};
        KeepGoal goal;
        goal.pinned[a] = {0};
        goal.banned[a] = {1};
        const KeepPath path = keepPath({{a, {1, 100, 50, 2}, 1.0}}, goal, 10);
        QVERIFY(!path.choices.empty() && path.choices.front().channel == 0);
        for (const auto& choice : path.choices)
            QVERIFY(choice.channel != 1);
        QCOMPARE(path.choices.back().predicted, 1.0); // the banned channel sets the range whatever is kept
        QCOMPARE(path.choices.size(), std::size_t{1});
    }

    void selectionReachesItsGoal() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        const Recipe recipe = Recipe::parse("w8a8:activation_bits=4,weight_bits=16,dynamic=on");
        const double bare = klOf(workbench, data, recipe);
        KeepGoal goal;
        goal.divergenceBelow = bare / 4;
        std::vector<KeepStep> told;
        const KeepSelection found =
            workbench.selectKept(recipe, goal, data, {}, [&](const KeepStep& s) { told.push_back(s); });
        QVERIFY(found.reached);
        QVERIFY(found.recipe.keptCount() > 0);
        QVERIFY(klOf(workbench, data, found.recipe) <= bare / 4);
        QCOMPARE(told.size(), found.path.size());
        for (std::size_t i = 1; i < found.path.size(); ++i) {
            QVERIFY(found.path[i].kept > found.path[i - 1].kept);
            QVERIFY(found.path[i].predicted <= found.path[i - 1].predicted);
        }
        // What misses the goal by far is told by its first windows; what reaches it stands on all.
        const int all = workbench.describe(data).windows;
        QVERIFY(found.path.front().windows > 0 && found.path.front().windows < all);
        for (const KeepStep& step : found.path)
            if (step.divergence <= goal.divergenceBelow) QCOMPARE(step.windows, all);
    }

    void selectionKeepsWithinItsBudget() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        const Recipe recipe = Recipe::parse("w8a8:activation_bits=4,weight_bits=4,dynamic=on");
        KeepGoal goal;
        goal.budget = 6;
        QCOMPARE(workbench.selectKept(recipe, goal, data).recipe.keptCount(), std::size_t{6});
        goal = {};
        goal.effectiveBits = 6;
        const Recipe fits = workbench.selectKept(recipe, goal, data).recipe;
        EvaluateRequest request;
        request.data = data;
        request.recipes = {fits};
        request.latency = false;
        request.kernels = {KernelChoice::simulated};
        const double bits = workbench.evaluate(request).front().effectiveBits;
        QVERIFY2(bits <= 6 && bits > 5, qPrintable(QString::number(bits)));
        goal = {};
        goal.budget = 2, goal.wholeSites = true;
        QCOMPARE(workbench.selectKept(recipe, goal, data).recipe.highPrecision.size(), std::size_t{2});
        goal = {};
        goal.divergenceBelow = -1; // impossible
        goal.budget = 3;
        const KeepSelection missed = workbench.selectKept(recipe, goal, data);
        QVERIFY(!missed.reached);
        QCOMPARE(missed.recipe.keptCount(), std::size_t{3});
    }

    void pinsStandWithinEveryBudget() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        const Recipe recipe = Recipe::parse("w8a8:activation_bits=4");
        const Site site{0, Place::mlp_input};
        KeepGoal goal;
        goal.pinned[site] = {3, 4};
        goal.budget = 1;
        QVERIFY(failure([&] { workbench.selectKept(recipe, goal, data); }).find("2 that are pinned") !=
                std::string::npos);
        goal.budget = 2;
        QCOMPARE(workbench.selectKept(recipe, goal, data).recipe.kept.at(site), (std::set<int>{3, 4}));
        KeepGoal elsewhere = goal;
        elsewhere.banned[{7, Place::mlp_input}] = {1};
        QVERIFY(failure([&] {
                    workbench.selectKept(recipe, elsewhere, data);
                }).find("no site layers.7.mlp_input") != std::string::npos);
        elsewhere = goal;
        elsewhere.pinned[site] = {3, 4000};
        QVERIFY(failure([&] { workbench.selectKept(recipe, elsewhere, data); }).find("no channel 4000") !=
                std::string::npos);
        goal.budget = 1, goal.wholeSites = true; // the pinned site, though others are noisier
        QCOMPARE(workbench.selectKept(recipe, goal, data).recipe.highPrecision, (std::set<Site>{site}));
        // What the recipe keeps itself stays kept beside whole sites.
        const Recipe keeping = Recipe::parse("w8a8:activation_bits=4,keep=top:1");
        QCOMPARE(workbench.selectKept(keeping, goal, data).recipe.kept,
                 workbench.resolveKeep(keeping, data).kept);
    }

    void sensitivityOfACache() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        SensitivityRequest request;
        request.recipe = Recipe::parse("kv-cache:bits=2,group=4");
        request.by = SensitivityRequest::By::place;
        const Sensitivity found = workbench.sensitivity(request, data);
        QVERIFY(found.complete);
        QCOMPARE(found.rows.size(), std::size_t{2});
        Recipe only = request.recipe;
        for (Site site : found.rows[1].sites)
            only.highPrecision.insert(site);
        near(*found.rows[0].only, klOf(workbench, data, only), 1e-9);
    }

    void wrongQuestionsGetASentence() {
        Workbench& workbench = opened(llama);
        const DataRequest data = textOf(llama);
        QVERIFY(failure([&] { workbench.selectKept(Recipe::parse("w8a8"), {}, data); }).find("no goal") !=
                std::string::npos);
        KeepGoal goal;
        goal.budget = 1;
        QVERIFY(failure([&] { workbench.selectKept(Recipe(), goal, data); }).find("fp32") !=
                std::string::npos);
        QVERIFY(failure([&] { workbench.errors(Recipe(), data); }).find("fp32") != std::string::npos);
        QVERIFY(failure([&] { workbench.sensitivity({}, data); }).find("fp32") != std::string::npos);
        for (const auto& [recipe, words] :
             {std::pair("ablate", "ablate rounds nothing"), std::pair("kept", "criterion of its own"),
              std::pair("kv-cache", "no site")})
            QVERIFY2(failure([&] { workbench.selectKept(Recipe::parse(recipe), goal, data); }).find(words) !=
                         std::string::npos,
                     recipe);
        SensitivityRequest request;
        request.recipe = Recipe::parse("ablate");
        QVERIFY(failure([&] { workbench.sensitivity(request, data); }).find("site") != std::string::npos);
    }

    // A linear layer's weights go with the site that it reads, whatever the scope: of weights alone both
    // scopes say the same.
    void weightsGoWithTheirSite() {
        for (const std::string model : {"tiny-llama", "tiny-bert-classifier"}) {
            const auto rows = [&](const std::string& scope) {
                SensitivityRequest request;
                request.recipe = Recipe::parse("rtn:bits=3,group=8,scope=" + scope);
                auto found = opened(model).sensitivity(request, textOf(model)).rows;
                std::ranges::sort(found, {}, [](const SiteSensitivity& row) { return *row.only; });
                return found;
            };
            const auto inputs = rows("linear-inputs"), all = rows("all-activations");
            QCOMPARE(all.size(), inputs.size());
            for (std::size_t i = 0; i < all.size(); ++i) {
                QCOMPARE(*all[i].only, *inputs[i].only);
                QCOMPARE(*all[i].allBut, *inputs[i].allBut);
            }
        }
        SensitivityRequest request;
        request.recipe = Recipe::parse("w8a8:weight_bits=2,scope=all-activations");
        const Sensitivity found = opened(llama).sensitivity(request, textOf(llama));
        for (const SiteSensitivity& row : found.rows) // a residual sum has no weights of its own
            if (row.sites.front().place == Place::attn_residual) QVERIFY(*row.only < 0.05 * *found.all);
    }

    void stops() {
        std::stop_source stop;
        stop.request_stop();
        Workbench& workbench = opened(llama);
        SensitivityRequest request;
        request.recipe = Recipe::parse("w8a8:dynamic=on");
        QVERIFY_EXCEPTION_THROWN(workbench.sensitivity(request, textOf(llama), stop.get_token()), Cancelled);
        QVERIFY_EXCEPTION_THROWN(workbench.errors(request.recipe, textOf(llama), 2, 5, stop.get_token()),
                                 Cancelled);
    }
};

QTEST_APPLESS_MAIN(TestDiagnostics)
#include "test_diagnostics.moc"
