// SPDX-License-Identifier: GPL-3.0-or-later
// Training's pieces against finite differences, PyTorch's optimizer and the tokenizers library
// (tests/golden/make_training.py).
#include <QtTest>

#include "core/base/error.h"
#include "core/base/local_rank.h"
#include "core/quantization/round_values.h"
#include "core/training/artificial_language.h"
#include "core/training/bpe_trainer.h"
#include "core/training/training_values.h"
#include "core/training_lab.h"
#include "tests/support/tokenizer_files.h"

#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <sstream>

using namespace kurtoscope;

namespace {

constexpr int rows = 5, channels = 7;

std::vector<double> drawn(std::size_t count, unsigned seed, double size = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal(0, size);
    std::vector<double> values(count);
    for (double& value : values)
        value = normal(random);
    return values;
}

// Central differences of `function` against `gradient`, value by value.
void matchesDifferences(std::vector<double> at, const std::vector<double>& gradient,
                        const std::function<double(const std::vector<double>&)>& function, const char* name) {
    QCOMPARE(gradient.size(), at.size());
    constexpr double step = 1e-6;
    for (std::size_t i = 0; i < at.size(); ++i) {
        const double middle = at[i];
        at[i] = middle + step;
        const double above = function(at);
        at[i] = middle - step;
        const double below = function(at);
        at[i] = middle;
        const double difference = (above - below) / (2 * step);
        QVERIFY2(std::abs(difference - gradient[i]) <= 1e-6 * std::max(1.0, std::abs(difference)),
                 qPrintable(QString("%1, value %2: gradient %3, difference %4")
                                .arg(name)
                                .arg(i)
                                .arg(gradient[i])
                                .arg(difference)));
    }
}

// Learned clipping with every rounding error held: what its gradient is the gradient of.
class FrozenClip {
public:
    FrozenClip(const std::vector<double>& values, double low, double high, int bits)
        : levels_((1 << bits) - 1) {
        const double scale = (high - low) / levels_;
        zeroError_ = std::nearbyint(-low / scale) + low / scale;
        const double zero = std::nearbyint(-low / scale);
        for (const double x : values) {
            const double u = x / scale + zero;
            kinds_.push_back(u > levels_ ? 1 : u < 0 ? -1 : 0);
            errors_.push_back(std::nearbyint(u) - u);
        }
    }
    double sum(const std::vector<double>& values, const std::vector<double>& weights, double low,
               double high) const {
        const double scale = (high - low) / levels_;
        double sum = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
            sum += weights[i] * (kinds_[i] > 0   ? high - scale * zeroError_
                                 : kinds_[i] < 0 ? low - scale * zeroError_
                                                 : values[i] + scale * errors_[i]);
        return sum;
    }
    // Σ (rounded − x)² / Σ x²
    double error(const std::vector<double>& values, double low, double high) const {
        double errors = 0, squares = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            std::vector<double> one(values.size(), 0.0);
            one[i] = 1;
            const double rest = sum(values, one, low, high) - values[i];
            errors += rest * rest, squares += values[i] * values[i];
        }
        return errors / squares;
    }

private:
    double levels_, zeroError_ = 0;
    std::vector<int> kinds_;
    std::vector<double> errors_;
};

nlohmann::json golden() {
    return test::readJson(std::filesystem::path(KURTOSCOPE_TESTS_DIR) / "golden" / "training.json");
}

} // namespace

class TrainingPiecesTest : public QObject {
    Q_OBJECT

private slots:
    void everyRegularizersGradientIsRight_data() {
        QTest::addColumn<QString>("text");
        for (const SchemeInfo& info : TrainingLab::regularizers())
            QTest::newRow(info.id.c_str()) << QString::fromStdString(info.id);
        QTest::newRow("kurtosis of the whole tensor") << "kurtosis:over=tensor";
        QTest::newRow("squares of inputs") << "activation-l2:side=inputs";
        QTest::newRow("another target") << "weight-kurtosis:target=3.5";
        QTest::newRow("clamped often") << "winsorize:sigma=1";
    }
    void everyRegularizersGradientIsRight() {
        QFETCH(QString, text);
        const RecipePart part = TrainingSpec::regularizer(text.toStdString());
        const auto values = drawn(rows * channels, 11), weights = drawn(rows * channels, 12);
        int sides = 0;
        for (PenaltySide side : {PenaltySide::output, PenaltySide::input, PenaltySide::weight}) {
            const Differentiated made = penaltyOf(part, side, values, rows, channels);
            if (!made.defined) continue;
            ++sides;
            matchesDifferences(
                values, made.gradient,
                [&](const auto& x) { return penaltyOf(part, side, x, rows, channels).value; },
                qPrintable(text));
        }
        if (const Differentiated made = reshapedSum(part, values, weights, rows, channels, 0.1);
            made.defined) {
            ++sides;
            // Winsorization's ends move with the values and are taken as they stand: only what lies between
            // them has a slope.
            const bool clamps = part.scheme == "winsorize";
            for (std::size_t i = 0; clamps && i < values.size(); ++i)
                QVERIFY(made.gradient[i] == weights[i] || made.gradient[i] == 0);
            if (!clamps)
                matchesDifferences(
                    values, made.gradient,
                    [&](const auto& x) { return reshapedSum(part, x, weights, rows, channels, 0.1).value; },
                    qPrintable(text));
        }
        QCOMPARE(sides, 1);
    }

    // PyTorch's autograd over the definitions as tests/golden/make_training.py writes them.
    void penaltiesAreWhatAutogradMakesOfThem() {
        const auto cases = golden()["penalties"];
        QCOMPARE(cases.size(), std::size_t{6});
        for (const auto& one : cases) {
            const std::string text = one["regularizer"], side = one["side"];
            const auto values = one["values"].get<std::vector<double>>(),
                       gradient = one["gradient"].get<std::vector<double>>();
            const Differentiated made = penaltyOf(TrainingSpec::regularizer(text),
                                                  side == "output"  ? PenaltySide::output
                                                  : side == "input" ? PenaltySide::input
                                                                    : PenaltySide::weight,
                                                  values, one["rows"], one["channels"]);
            QVERIFY2(made.defined, text.c_str());
            const double value = one["value"];
            QVERIFY2(std::abs(made.value - value) <= 1e-9 * value, text.c_str());
            QCOMPARE(made.gradient.size(), gradient.size());
            for (std::size_t i = 0; i < gradient.size(); ++i)
                QVERIFY2(std::abs(made.gradient[i] - gradient[i]) <= 1e-9 * std::max(1.0, value),
                         text.c_str());
        }
    }

    void learnedClippingIsWhatAutogradMakesOfIt() {
        const auto cases = golden()["clipping"];
        QCOMPARE(cases.size(), std::size_t{4});
        for (const auto& one : cases) {
            const ClipGradients made =
                fakeQuantized(one["values"], one["weights"], one["rows"], one["channels"], one["low"],
                              one["high"], one["bits"], false);
            const auto rounded = one["rounded"].get<std::vector<double>>(),
                       gradient = one["gradient"].get<std::vector<double>>();
            QCOMPARE(made.rounded.size(), rounded.size());
            for (std::size_t i = 0; i < rounded.size(); ++i)
                QVERIFY(std::abs(made.rounded[i] - rounded[i]) < 1e-9 &&
                        std::abs(made.byValue[i] - gradient[i]) < 1e-9);
            QVERIFY(std::abs(made.byLow - one["ends"][0].get<double>()) < 1e-9);
            QVERIFY(std::abs(made.byHigh - one["ends"][1].get<double>()) < 1e-9);
        }
    }

    void kurtosisIsPearsons() {
        const auto many = drawn(40'000, 5);
        const double gauss =
            penaltyOf({"kurtosis", {{"over", "tensor"}}}, PenaltySide::output, many, 200, 200).value;
        QVERIFY2(std::abs(gauss - 3) < 0.1, qPrintable(QString::number(gauss)));
        // One of n values stands out: (n − 1) + 1/(n − 1) of that row, and a row's own kurtosis is averaged.
        std::vector<double> two(16, 0.0);
        two[0] = 1, two[8] = 5;
        const double expected = 7 - 1 + 1.0 / 7; // n² − 3n + 3 over n − 1, n = 8
        QVERIFY(std::abs(penaltyOf({"kurtosis", {}}, PenaltySide::output, two, 2, 8).value - expected) <
                1e-6);
    }

    void aConstantRowPullsAtNothing() {
        const Differentiated made = penaltyOf({"kurtosis", {}}, PenaltySide::output, {2, 2, 2, 2}, 1, 4);
        QCOMPARE(made.value, 0.0);
        for (double slope : made.gradient)
            QCOMPARE(slope, 0.0);
    }

    void wordsThatMeanNothingAreRefused_data() {
        QTest::addColumn<QString>("text");
        QTest::newRow("no such member") << "cold-fusion:lambda=1";
        QTest::newRow("no such parameter") << "kurtosis:beta=1";
        QTest::newRow("a negative weight") << "kurtosis:lambda=-1";
        QTest::newRow("no such choice") << "kurtosis:over=channel";
    }
    void wordsThatMeanNothingAreRefused() {
        QFETCH(QString, text);
        const RecipePart part = TrainingSpec::regularizer(text.toStdString());
        QVERIFY_THROWS_EXCEPTION(Error, penaltyOf(part, PenaltySide::output, {1, 2, 3, 4}, 2, 2));
    }

    void learnedClippingsGradientIsRight_data() {
        QTest::addColumn<int>("bits");
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        QTest::newRow("4 bits") << 4 << -1.3 << 1.1;
        QTest::newRow("2 bits") << 2 << -0.7 << 1.9;
        QTest::newRow("8 bits, much clipped") << 8 << -0.4 << 0.3;
        QTest::newRow("nothing clipped") << 4 << -6.0 << 7.0;
        QTest::newRow("from zero") << 4 << 0.0 << 1.5;
    }
    void learnedClippingsGradientIsRight() {
        QFETCH(int, bits);
        QFETCH(double, low);
        QFETCH(double, high);
        const auto values = drawn(rows * channels, 21), weights = drawn(rows * channels, 22);
        const ClipGradients made = fakeQuantized(values, weights, rows, channels, low, high, bits, false);
        const FrozenClip frozen(values, low, high, bits);
        double sum = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
            sum += weights[i] * made.rounded[i];
        QVERIFY(std::abs(sum - frozen.sum(values, weights, low, high)) < 1e-9);
        matchesDifferences(
            values, made.byValue, [&](const auto& x) { return frozen.sum(x, weights, low, high); }, "values");
        matchesDifferences(
            {low, high}, {made.byLow, made.byHigh},
            [&](const auto& ends) { return frozen.sum(values, weights, ends[0], ends[1]); }, "ends");
        // With a pull towards the range of the least error, which values do not feel.
        const double pull = 0.7;
        const ClipGradients pulled =
            fakeQuantized(values, weights, rows, channels, low, high, bits, false, pull);
        QCOMPARE(pulled.byValue, made.byValue);
        matchesDifferences(
            {low, high}, {pulled.byLow, pulled.byHigh},
            [&](const auto& ends) {
                return frozen.sum(values, weights, ends[0], ends[1]) +
                       pull * frozen.error(values, ends[0], ends[1]);
            },
            "ends, pulled");
        // The float32 kernel that training runs says the same.
        const ClipGradients single =
            fakeQuantized(values, weights, rows, channels, low, high, bits, true, pull);
        QVERIFY(std::abs(single.byLow - pulled.byLow) < 1e-4 &&
                std::abs(single.byHigh - pulled.byHigh) < 1e-4);
        for (std::size_t i = 0; i < values.size(); ++i)
            QVERIFY(std::abs(single.byValue[i] - made.byValue[i]) < 1e-5);
    }

    // The same bits as the static rule of a recipe, at every width.
    void trainingRoundsAsInferenceDoes_data() {
        QTest::addColumn<int>("bits");
        for (int bits = 2; bits <= 8; ++bits)
            QTest::addRow("%d bits", bits) << bits;
    }
    void trainingRoundsAsInferenceDoes() {
        QFETCH(int, bits);
        ValueTable table, seen;
        table.positions = seen.positions = 64, table.channels = seen.channels = 48;
        const float low = -1.2345678F, high = 2.3456789F;
        for (const double value : drawn(64 * 48, 31, 1.5))
            table.values.push_back(static_cast<float>(value));
        seen.values.assign(64 * 48, 0.0F);
        seen.values[5] = low, seen.values[77] = high;
        ActivationRule rule;
        rule.bits = bits, rule.symmetric = false;
        const std::vector<float> expected = roundValues(rule, table, {}, seen);
        const std::vector<double> values(table.values.begin(), table.values.end());
        const auto got = fakeQuantized(values, values, 64, 48, double(low), double(high), bits, true).rounded;
        for (std::size_t i = 0; i < expected.size(); ++i)
            QCOMPARE(static_cast<float>(got[i]), expected[i]);
    }

    // One shape that stays with LibTorch and one that goes to wider vectors where there are some.
    void linearLayersAreTrainedAsTheSumsSay_data() {
        QTest::addColumn<int>("count");
        QTest::addColumn<bool>("biased");
        for (const int count : {6, 64})
            for (const bool biased : {false, true})
                QTest::addRow("%d rows%s", count, biased ? ", bias" : "") << count << biased;
    }
    void linearLayersAreTrainedAsTheSumsSay() {
        QFETCH(int, count);
        QFETCH(bool, biased);
        const int inputs = 80, outputs = 112;
        const auto x = drawn(std::size_t(count * inputs), 41), w = drawn(std::size_t(outputs * inputs), 42),
                   bias = biased ? drawn(std::size_t(outputs), 43) : std::vector<double>(),
                   g = drawn(std::size_t(count * outputs), 44);
        const LinearGradients got = trainedLinear(x, w, bias, g, count, outputs);
        LinearGradients sums;
        sums.made.resize(g.size()), sums.byInput.resize(x.size()), sums.byWeight.resize(w.size());
        sums.byBias.resize(bias.size());
        for (int row = 0; row < count; ++row)
            for (int out = 0; out < outputs; ++out) {
                const std::size_t at = std::size_t(row * outputs + out);
                for (int in = 0; in < inputs; ++in) {
                    const std::size_t a = std::size_t(row * inputs + in), b = std::size_t(out * inputs + in);
                    sums.made[at] += x[a] * w[b];
                    sums.byInput[a] += g[at] * w[b];
                    sums.byWeight[b] += g[at] * x[a];
                }
                if (biased) sums.made[at] += bias[std::size_t(out)], sums.byBias[std::size_t(out)] += g[at];
            }
        for (const auto& [mine, expected] : {std::pair{&got.made, &sums.made},
                                             {&got.byInput, &sums.byInput},
                                             {&got.byWeight, &sums.byWeight},
                                             {&got.byBias, &sums.byBias}}) {
            QCOMPARE(mine->size(), expected->size());
            for (std::size_t i = 0; i < mine->size(); ++i)
                QVERIFY2(std::abs((*mine)[i] - (*expected)[i]) < 1e-4,
                         qPrintable(QString("%1 against %2").arg((*mine)[i]).arg((*expected)[i])));
        }
    }

    void adamWIsPyTorchs() {
        const auto cases = golden()["adamw"];
        QCOMPARE(cases.size(), std::size_t{3});
        for (const auto& one : cases) {
            const AdamWSettings settings{one["rate"], one["beta1"], one["beta2"], one["epsilon"],
                                         one["decay"]};
            const auto end = one["end"].get<std::vector<float>>();
            const auto got = adamWSteps(one["start"].get<std::vector<float>>(),
                                        one["gradients"].get<std::vector<std::vector<float>>>(), settings);
            QCOMPARE(got.size(), end.size());
            for (std::size_t i = 0; i < end.size(); ++i)
                QVERIFY2(std::abs(got[i] - end[i]) <= 2e-6F * std::max(1.0F, std::abs(end[i])),
                         qPrintable(QString("%1 against %2").arg(got[i]).arg(end[i])));
        }
    }

    void theTokenizerIsTheLibrarys() {
        const auto cases = golden()["bpe"];
        QCOMPARE(cases.size(), std::size_t{5});
        for (const auto& one : cases) {
            const auto made =
                nlohmann::json::parse(trainByteLevelBpe(one["text"].get<std::string>(), one["size"]));
            QCOMPARE(made["model"]["merges"].dump(), one["merges"].dump());
            const auto tokens = one["vocab"].get<std::vector<std::string>>();
            QCOMPARE(made["model"]["vocab"].size(), tokens.size());
            for (std::size_t i = 0; i < tokens.size(); ++i)
                QCOMPARE(made["model"]["vocab"][tokens[i]].get<std::size_t>(), i);
            const auto tokenizer = test::fromJson(made);
            const std::string text = one["text"];
            QCOMPARE(tokenizer->decode(tokenizer->encode(text, false).ids, false), text);
        }
        QVERIFY_THROWS_EXCEPTION(Error, trainByteLevelBpe("some text", 256));
    }

    // The same for the same seed; word counts fall as 1 / rank; endings agree at a distance.
    void theArtificialLanguageHasItsLaws() {
        const std::string text = artificialText(200'000, 7);
        QCOMPARE(text, artificialText(200'000, 7));
        QVERIFY(text != artificialText(200'000, 8));
        QVERIFY(artificialText(200'000, 8).size() >= 200'000);
        std::map<std::string, int> counts;
        std::istringstream words(text);
        int agreeing = 0, articles = 0;
        for (std::string word, before; words >> word; before = word) {
            ++counts[word];
            if (before != "te" && before != "tes") continue;
            while (!word.empty() && (word.back() == '.' || word.back() == ','))
                word.pop_back();
            ++articles;
            // A plural article stands before plural endings only.
            const bool plural = word.ends_with("ane") || word.ends_with("oru") || word.ends_with("ithe") ||
                                word.ends_with("alen") || word.ends_with("orum") || word.ends_with("isth");
            agreeing += plural == (before == "tes");
        }
        QVERIFY2(articles > 1000 && agreeing == articles,
                 qPrintable(QString("%1 of %2").arg(agreeing).arg(articles)));
        std::vector<int> order;
        for (const auto& [word, count] : counts)
            order.push_back(count);
        std::sort(order.rbegin(), order.rend());
        QVERIFY(order.size() > 500);
        QVERIFY2(order[10] > 4 * order[150], qPrintable(QString("%1, %2").arg(order[10]).arg(order[150])));
    }

    void aSpecReadsBackAsItWasWritten() {
        TrainingSpec spec = TrainingLab::preset("tiny").spec;
        spec.name = "ein \"Lauf\"", spec.text = "/some where/text.txt", spec.inputBits = 4,
        spec.seed = 12345678901;
        spec.learningRate = 3.3e-4, spec.regularizers = {{"kurtosis", {{"lambda", "0.5"}}}, {"linf", {}}};
        QCOMPARE(TrainingSpec::fromJson(spec.toJson(), "here").toJson(), spec.toJson());
        QVERIFY(TrainingSpec::fromJson(spec.toJson(), "here") == spec);
        QVERIFY(TrainingSpec::fromJson("{\"schema\": 1}", "here") == TrainingSpec());
    }

    void badSpecsAreRefusedByKey_data() {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const char* json, const char* says) {
            QTest::newRow(name) << QByteArray(json) << QString(says);
        };
        row("no schema", "{}", "schema");
        row("unknown key", R"({"schema": 1, "modell": {}})", "modell");
        row("unknown key inside", R"({"schema": 1, "model": {"layer": 2}})", "layer");
        row("text for a number", R"({"schema": 1, "training": {"steps": "9"}})", "training.steps");
        row("no steps", R"({"schema": 1, "training": {"steps": 0}})", "training.steps");
        row("heads do not divide", R"({"schema": 1, "model": {"hidden": 100, "heads": 3}})", "model.heads");
        row("key heads do not divide", R"({"schema": 1, "model": {"heads": 4, "key_value_heads": 3}})",
            "key_value_heads");
        row("odd heads cannot turn",
            R"({"schema": 1, "model": {"family": "llama", "hidden": 12, "heads": 4}})", "rotated");
        row("one bit", R"({"schema": 1, "quantization": {"input_bits": 1}})", "input_bits");
        row("a vocabulary below the bytes", R"({"schema": 1, "model": {"vocabulary": 100}})", "vocabulary");
        row("beta of one", R"({"schema": 1, "training": {"beta2": 1}})", "beta2");
        row("a rate that is no number", R"({"schema": 1, "training": {"learning_rate": "nan"}})",
            "learning_rate");
        row("a classifier from nothing", R"({"schema": 1, "data": {"task": "classification"}})",
            "model.from");
        row("an unknown task", R"({"schema": 1, "data": {"task": "poetry"}})", "poetry");
        row("an unknown precision", R"({"schema": 1, "training": {"precision": "fp8"}})",
            "training.precision");
        row("two in one", R"({"schema": 1, "regularizers": ["a+b"]})", "begins with its id");
        row("a number for a regularizer", R"({"schema": 1, "regularizers": [1]})", "regularizers");
        row("no JSON", "{", "JSON");
    }
    void badSpecsAreRefusedByKey() {
        QFETCH(QByteArray, json);
        QFETCH(QString, says);
        try {
            TrainingSpec::fromJson(json.toStdString(), "spec.json");
            QFAIL("it was taken");
        } catch (const Error& error) {
            QVERIFY2(QString(error.what()).contains(says), error.what());
        }
    }

    void aRecordReadsBackAsItWasWritten() {
        TrainingRecord record;
        record.step = 7, record.steps = 9, record.loss = 1.0 / 3, record.penalty = INFINITY;
        record.learningRate = 1e-3, record.gradientNorm = 2.5, record.tokens = 1LL << 40;
        record.validationLoss = 2.25, record.event = "spike", record.checkpoint = checkpointName(7);
        record.sites = {{{0, Place::attn_input}, -1.5, 2.0, 0.01, std::nullopt, 11.5, 3.25},
                        {{1, Place::mlp_hidden},
                         std::nullopt,
                         std::nullopt,
                         std::nullopt,
                         3.5,
                         std::nullopt,
                         std::nullopt}};
        QVERIFY(TrainingRecord::fromJson(record.toJson(), "line") == record);
        QVERIFY(record.toJson().find('\n') == std::string::npos);
        QVERIFY_THROWS_EXCEPTION(Error, TrainingRecord::fromJson("{\"step\": 1}", "line"));
        QVERIFY_THROWS_EXCEPTION(Error, TrainingRecord::fromJson("nonsense", "line"));
    }

    // By it the processes of one machine share out its GPUs.
    void processesOfAMachineAreNumbered() {
        const std::map<const char*, const char*> starters{{"LOCAL_RANK", "2"},
                                                          {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                                          {"MPI_LOCALRANKID", "0"},
                                                          {"SLURM_LOCALID", "3"}};
        for (const auto& [name, told] : starters)
            qunsetenv(name);
        QCOMPARE(localRank(), 0);
        for (const auto& [name, told] : starters) {
            qputenv(name, told);
            QCOMPARE(localRank(), QByteArray(told).toInt());
            for (const char* wrong : {"-1", "first", "1 "}) {
                qputenv(name, wrong);
                QVERIFY_THROWS_EXCEPTION(Error, localRank());
            }
            qunsetenv(name);
        }
    }

    // Two processes that each see one GPU as their first share it only where it is the same.
    void gpusAreNamedAsTheMachineNamesThem() {
        qunsetenv("CUDA_VISIBLE_DEVICES");
        QCOMPARE(visibleGpu(0), std::string("0"));
        QCOMPARE(visibleGpu(3), std::string("3"));
        qputenv("CUDA_VISIBLE_DEVICES", "2");
        QCOMPARE(visibleGpu(0), std::string("2"));
        qputenv("CUDA_VISIBLE_DEVICES", "5,GPU-8932f937,0");
        QCOMPARE(visibleGpu(0), std::string("5"));
        QCOMPARE(visibleGpu(1), std::string("GPU-8932f937"));
        QCOMPARE(visibleGpu(2), std::string("0"));
        QCOMPARE(visibleGpu(3), std::string("3"));
        qputenv("CUDA_VISIBLE_DEVICES", "");
        QCOMPARE(visibleGpu(1), std::string("1"));
        qunsetenv("CUDA_VISIBLE_DEVICES");
    }
};

QTEST_APPLESS_MAIN(TrainingPiecesTest)
#include "test_training_pieces.moc"
