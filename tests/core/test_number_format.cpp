// SPDX-License-Identifier: GPL-3.0-or-later
// Number formats, granularities and static ranges against tests/golden/make_formats.py, on plain tensors.
#include <QtTest>

#include "core/quantization/round_values.h"
#include "core/quantization/rounding.h"
#include "tests/support/failure.h"
#include "tests/support/tensor_table.h"

#include <nlohmann/json.hpp>

#include <limits>
#include <random>

using namespace kurtoscope;
using kurtoscope::test::TensorTable;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

const nlohmann::json& golden() {
    static const nlohmann::json all = [] {
        QFile file(KURTOSCOPE_TESTS_DIR "/golden/formats.json");
        return file.open(QIODevice::ReadOnly) ? nlohmann::json::parse(file.readAll().toStdString())
                                              : nlohmann::json();
    }();
    return all;
}

const TensorTable& numbers() {
    static const TensorTable table(KURTOSCOPE_TESTS_DIR "/golden/formats.safetensors");
    return table;
}

Format formatOf(const std::string& name) {
    static const std::map<std::string, Format> all{{"integer", Format::integer},
                                                   {"fp16", Format::fp16},
                                                   {"bf16", Format::bf16},
                                                   {"e4m3", Format::e4m3},
                                                   {"e5m2", Format::e5m2},
                                                   {"mxfp8_e4m3", Format::mxfp8_e4m3},
                                                   {"mxfp8_e5m2", Format::mxfp8_e5m2},
                                                   {"mxfp6_e3m2", Format::mxfp6_e3m2},
                                                   {"mxfp6_e2m3", Format::mxfp6_e2m3},
                                                   {"mxfp4", Format::mxfp4},
                                                   {"nvfp4", Format::nvfp4}};
    return all.at(name);
}

Granularity granularityOf(const std::string& name) {
    if (name == "per-token") return Granularity::per_token;
    if (name == "per-channel") return Granularity::per_channel;
    if (name == "per-group") return Granularity::per_group;
    return Granularity::per_tensor;
}

ActivationRule activationRule(const nlohmann::json& words) {
    ActivationRule rule;
    rule.format = formatOf(words.value("format", "integer"));
    rule.bits = words.value("bits", 8);
    rule.symmetric = words.value("symmetric", true);
    rule.dynamic = words.value("dynamic", true);
    rule.granularity = granularityOf(words.value("granularity", "per-tensor"));
    rule.group = words.value("group", 0);
    rule.tokenRun = words.value("token_run", 0);
    rule.embeddingGroups = words.value("groups", 0);
    rule.permute = words.value("permute", true);
    rule.threshold = words.value("threshold", 0.0);
    return rule;
}

WeightRule weightRule(const nlohmann::json& words) {
    WeightRule rule;
    rule.format = formatOf(words.value("format", "integer"));
    rule.bits = words.value("bits", 8);
    rule.symmetric = words.value("symmetric", true);
    rule.granularity = granularityOf(words.value("granularity", "per-channel"));
    rule.group = words.value("group", 0);
    return rule;
}

ValueTable tableOf(const std::vector<float>& values, int channels, int sequences = 1,
                   const std::vector<int>& lengths = {}) {
    ValueTable table;
    table.sequences = sequences, table.channels = channels;
    table.positions = static_cast<int>(values.size()) / channels / sequences;
    table.values = values;
    table.lengths = lengths;
    return table;
}

bool same(float got, float expected, float tolerance) {
    if (std::isnan(expected)) return std::isnan(got);
    return got == expected || std::abs(got - expected) <= tolerance * std::abs(expected);
}

// Every rule that a scheme can make of activations, for tables without a golden answer.
std::vector<std::pair<std::string, ActivationRule>> manyRules() {
    std::vector<std::pair<std::string, ActivationRule>> all;
    for (const char* format : {"integer", "fp16", "bf16", "e4m3", "e5m2", "mxfp8_e4m3", "mxfp8_e5m2",
                               "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4", "nvfp4"})
        for (const char* granularity : {"per-tensor", "per-token", "per-channel", "per-group"})
            for (const bool dynamic : {true, false}) {
                const bool integer = std::string(format) == "integer";
                if (!integer && granularityOf(granularity) > Granularity::per_token) continue;
                if (!dynamic && granularityOf(granularity) == Granularity::per_token) continue;
                ActivationRule rule = activationRule({{"format", format},
                                                      {"granularity", granularity},
                                                      {"dynamic", dynamic},
                                                      {"group", 4},
                                                      {"bits", 4}});
                const std::string name = std::string(format) + " " + granularity + (dynamic ? "" : " static");
                all.emplace_back(name, rule);
                if (!integer || rule.granularity != Granularity::per_tensor) continue;
                rule.embeddingGroups = 3;
                all.emplace_back(name + " PEG", rule);
                rule.embeddingGroups = 0;
                if (!dynamic)
                    for (RangeMethod range : {RangeMethod::moving_average, RangeMethod::percentile,
                                              RangeMethod::mse, RangeMethod::entropy}) {
                        rule.range = range;
                        all.emplace_back(name + " range " + std::to_string(int(range)), rule);
                    }
            }
    ActivationRule outliers;
    outliers.granularity = Granularity::per_token, outliers.dynamic = true, outliers.threshold = 6;
    all.emplace_back("LLM.int8", outliers);
    outliers.outliersMeetRounded = true;
    all.emplace_back("LLM.int8 of bitsandbytes", outliers);
    ActivationRule multiplied;
    multiplied.granularity = Granularity::per_token, multiplied.dynamic = true;
    multiplied.fullRange = multiplied.reciprocal = true;
    all.emplace_back("by the reciprocal", multiplied);
    ActivationRule runs;
    runs.granularity = Granularity::per_channel, runs.dynamic = true, runs.tokenRun = 3;
    all.emplace_back("token runs", runs);
    return all;
}

void addRules() {
    QTest::addColumn<int>("index");
    int index = 0;
    for (const auto& [name, rule] : manyRules())
        QTest::newRow(name.c_str()) << index++;
}

std::vector<float> ramp(int count) {
    std::vector<float> values;
    for (int i = 0; i < count; ++i)
        values.push_back(std::sin(float(i) * 1.7F) * float(1 + i % 5));
    return values;
}

double meanError(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += double(a[i] - b[i]) * double(a[i] - b[i]);
    return sum / double(a.size());
}

// Where values far outside are clipped to.
Extent bounds(const ActivationRule& rule, const std::vector<float>& seen) {
    const auto ends = roundValues(rule, tableOf({-1e7F, 1e7F}, 1), {}, tableOf(seen, 1));
    return {ends[0], ends[1]};
}

} // namespace

class NumberFormatTest : public QObject {
    Q_OBJECT

private slots:
    void roundsAsTheDefinitions_data() {
        QTest::addColumn<int>("index");
        QVERIFY(golden()["cases"].size() >= 100);
        int index = 0;
        for (const auto& one : golden()["cases"])
            QTest::newRow(one["name"].get<std::string>().c_str()) << index++;
    }
    void roundsAsTheDefinitions() {
        QFETCH(int, index);
        const auto& one = golden()["cases"][std::size_t(index)];
        const std::string at = std::to_string(index);
        const auto x = numbers().floats(at + ".x"), expected = numbers().floats(at + ".y");
        const int channels = one["channels"];
        const std::set<int> kept = one["kept"];
        std::vector<float> got;
        if (one["weight"]) {
            got = roundWeightValues(weightRule(one["rule"]), x, int(x.size()) / channels, channels, kept);
        } else {
            const ValueTable table = tableOf(x, channels, one["sequences"], one["lengths"]);
            const auto seen = numbers().has(at + ".calibration") ? numbers().floats(at + ".calibration") : x;
            got = roundValues(activationRule(one["rule"]), table, kept, tableOf(seen, channels));
        }
        QCOMPARE(got.size(), expected.size());
        // Scales that are no powers of two are divided by in another order: the last bit of float32 may
        // differ.
        const float tolerance = one.value("exact", false) ? 0 : 4e-7F;
        for (std::size_t i = 0; i < got.size(); ++i)
            QVERIFY2(same(got[i], expected[i], tolerance),
                     qPrintable(QString("value %1: %2 became %3, expected %4")
                                    .arg(i)
                                    .arg(double(x[i]))
                                    .arg(double(got[i]), 0, 'g', 9)
                                    .arg(double(expected[i]), 0, 'g', 9)));
    }

    // As torchao does it: x · (1 / scale), which takes what a full range puts at the middle between two
    // levels, its largest value, to the other one in some groups.
    void reciprocalsAreMultipliedBy() {
        constexpr int rows = 60, width = 8;
        std::mt19937 random(15);
        std::normal_distribution<float> normal;
        std::vector<float> x;
        for (int i = 0; i < rows * width; ++i)
            x.push_back(normal(random));
        for (const bool symmetric : {true, false}) {
            std::vector<float> expected;
            for (int row = 0; row < rows; ++row) {
                const auto from = x.begin() + row * width;
                const auto [least, most] = std::minmax_element(from, from + width);
                const float low = std::min(*least, 0.0F), high = std::max(*most, 0.0F);
                const float scale = symmetric ? std::max(-low, high) / 7.5F : (high - low) / 15;
                const float inverse = 1 / scale, zero = symmetric ? 0 : -8 - std::nearbyint(low / scale);
                for (auto value = from; value < from + width; ++value)
                    expected.push_back(
                        (std::clamp(std::nearbyint(*value * inverse) + zero, -8.0F, 7.0F) - zero) * scale);
            }
            ActivationRule rule;
            rule.bits = 4, rule.symmetric = symmetric, rule.dynamic = true;
            rule.fullRange = rule.reciprocal = true;
            rule.granularity = Granularity::per_token;
            QCOMPARE(roundValues(rule, tableOf(x, width), {}, tableOf(x, width)), expected);
            QVERIFY(test::failure([&] {
                        integerValues(rule, tableOf(x, width), {}, tableOf(x, width));
                    }).find("no plain integers") != std::string::npos);
            if (!symmetric) continue;
            WeightRule weights;
            weights.bits = 4, weights.fullRange = weights.reciprocal = true;
            weights.granularity = Granularity::per_group, weights.group = width;
            QCOMPARE(roundWeightValues(weights, x, rows / 5, 5 * width, {}), expected);
            weights.reciprocal = false;
            QVERIFY(roundWeightValues(weights, x, rows / 5, 5 * width, {}) != expected);
        }
    }

    // As bitsandbytes does it: channels over the threshold stay as they are, and what lies below it in them
    // counts in a row's range.
    void smallValuesOfOutlierChannelsCount() {
        const ValueTable table = tableOf({7, 0.3F, 0.5F, //
                                          4, 0.4F, 1},
                                         3);
        ActivationRule rule;
        rule.bits = 3, rule.dynamic = true, rule.granularity = Granularity::per_token;
        rule.threshold = 6;
        const float step = 0.5F / 3, second = 1.0F / 3;
        QCOMPARE(roundValues(rule, table, {}, table),
                 (std::vector<float>{7, 2 * step, 3 * step, 4, second, 3 * second}));
        rule.outliersMeetRounded = true;
        QCOMPARE(roundValues(rule, table, {}, table),
                 (std::vector<float>{7, 2 * step, 3 * step, 4, 0, 4.0F / 3}));
    }

    void staysSafe_data() { addRules(); }
    // Zeros, constants, NaN, one row, one channel, odd widths: finite in, finite out; NaN stays where it is.
    void staysSafe() {
        QFETCH(int, index);
        const ActivationRule rule = manyRules()[std::size_t(index)].second;
        for (const int channels : {1, 2, 33, 45}) {
            for (const int rows : {1, 3}) {
                const std::size_t count = std::size_t(rows * channels);
                const ValueTable zeros = tableOf(std::vector<float>(count, 0), channels);
                QCOMPARE(roundValues(rule, zeros, {}, zeros), zeros.values);
                // A constant is an end of its own range: it comes back as well as the format can hold it.
                const ValueTable constant = tableOf(std::vector<float>(count, 0.75F), channels);
                for (const float x : roundValues(rule, constant, {}, constant))
                    QVERIFY2(std::abs(x - 0.75F) < 0.15F, qPrintable(QString::number(double(x))));
                ValueTable values = tableOf(ramp(int(count)), channels);
                for (const float x : roundValues(rule, values, {}, values))
                    QVERIFY(std::isfinite(x));
                const ValueTable clean = values;
                values.values[count - 1] = NAN;
                const auto got = roundValues(rule, values, {}, clean);
                QVERIFY(std::isnan(got[count - 1]));
                for (std::size_t i = 0; i + 1 < count; ++i)
                    QVERIFY(std::isfinite(got[i]));
            }
        }
    }

    void keptChannelsStayExact_data() { addRules(); }
    // Kept channels come out as they went in and have no say in what becomes of the others.
    void keptChannelsStayExact() {
        QFETCH(int, index);
        const ActivationRule rule = manyRules()[std::size_t(index)].second;
        const int channels = 37, rows = 6;
        ValueTable small = tableOf(ramp(rows * channels), channels), large = small;
        const std::set<int> kept{0, 20, 36};
        for (int row = 0; row < rows; ++row)
            for (int channel : kept)
                large.values[std::size_t(row * channels + channel)] *= 1000;
        const auto one = roundValues(rule, small, kept, small), other = roundValues(rule, large, kept, large);
        for (int i = 0; i < rows * channels; ++i) {
            const auto at = std::size_t(i);
            if (kept.contains(i % channels))
                QCOMPARE(other[at], large.values[at]);
            else
                QCOMPARE(other[at], one[at]);
        }
        std::set<int> all;
        for (int channel = 0; channel < channels; ++channel)
            all.insert(channel);
        QCOMPARE(roundValues(rule, large, all, large), large.values);
    }

    void neighboursHaveNoSay_data() { addRules(); }
    // A sequence is rounded alike alone and beside a longer one with other values.
    void neighboursHaveNoSay() {
        QFETCH(int, index);
        const ActivationRule rule = manyRules()[std::size_t(index)].second;
        const int channels = 9;
        const std::vector<float> mine = ramp(4 * channels);
        std::vector<float> both = mine;
        both.resize(std::size_t(7 * channels), 0); // padding
        for (int i = 0; i < 7 * channels; ++i)
            both.push_back(100 * std::cos(float(i)));
        const ValueTable calibration = tableOf(mine, channels);
        const auto alone = roundValues(rule, calibration, {}, calibration);
        const auto together = roundValues(rule, tableOf(both, channels, 2, {4, 7}), {}, calibration);
        for (std::size_t i = 0; i < alone.size(); ++i)
            QCOMPARE(together[i], alone[i]);
    }

    void infinityGoesToTheEndOfTheRange() {
        ActivationRule rule;
        rule.dynamic = true;
        for (Format format : {Format::e4m3, Format::e5m2, Format::mxfp8_e4m3, Format::mxfp4}) {
            rule.format = format;
            const auto got = roundValues(rule, tableOf({1.0F, -2.0F, infinity, -infinity}, 4), {},
                                         tableOf({1, 1, 1, 1}, 4));
            QVERIFY(got[2] >= 2.0F && std::isfinite(got[2]));
            QCOMPARE(got[3], -got[2]);
            QCOMPARE(got[1], -2.0F);
        }
        // Integers too, fused kernels and the integers that are multiplied: what shares the scale keeps its
        // value.
        rule.format = Format::integer;
        const ValueTable table = tableOf({1.0F, -2.0F, infinity, -infinity}, 4);
        for (Granularity granularity : {Granularity::per_tensor, Granularity::per_token})
            for (bool symmetric : {true, false}) {
                rule.granularity = granularity, rule.symmetric = symmetric;
                const auto got = roundValues(rule, table, {}, tableOf({1, 1, 1, 1}, 4));
                QCOMPARE(got[1], -2.0F);
                QVERIFY(std::abs(got[0] - 1) < 0.02F);
                QCOMPARE(got[2], symmetric ? 2.0F : got[0]); // the range's end: its largest finite value
                QCOMPARE(got[3], -2.0F);
                QCOMPARE(integerValues(rule, table, {}, tableOf({1, 1, 1, 1}, 4)), got);
            }
        // A cast has no range: what float16 cannot hold is infinite there too.
        rule.format = Format::fp16;
        QCOMPARE(roundValues(rule, tableOf({1e6F}, 1), {}, tableOf({1}, 1))[0], infinity);
    }

    void percentilesAreNumpys_data() { addRanges(); }
    void percentilesAreNumpys() {
        QFETCH(int, index);
        const auto& one = golden()["ranges"][std::size_t(index)];
        const auto x = numbers().floats("range." + std::to_string(index) + ".x");
        const float bin = one["bin"];
        const auto between = [](float got, const nlohmann::json& ends, float allowed) {
            return got >= ends[0].get<float>() - allowed && got <= ends[1].get<float>() + allowed;
        };
        for (const auto& [p, expected] : one["percentile"].items()) {
            ActivationRule rule;
            rule.range = RangeMethod::percentile;
            rule.percentile = std::stod(p);
            QVERIFY(between(bounds(rule, x).max, expected["symmetric"], bin));
            rule.symmetric = false; // the ends lie on a grid that holds 0: within a step of it
            const Extent got = bounds(rule, x);
            const float allowed = bin + (got.max - got.min) / 255;
            QVERIFY(between(got.max, expected["high"], allowed));
            QVERIFY(got.min == 0 || between(got.min, expected["low"], allowed));
            QVERIFY(got.min < 0 || expected["low"][1] >= -allowed);
        }
    }

    void mseRangesAreTheBest_data() { addRanges(); }
    // Against every 0.2 % of clipping tried on the values themselves, and torch's HistogramObserver.
    void mseRangesAreTheBest() {
        QFETCH(int, index);
        const auto& one = golden()["ranges"][std::size_t(index)];
        const auto x = numbers().floats("range." + std::to_string(index) + ".x");
        for (const int bits : {4, 8}) {
            ActivationRule rule;
            rule.bits = bits, rule.range = RangeMethod::mse;
            const std::string key = std::to_string(bits);
            double error = meanError(roundValues(rule, tableOf(x, 1), {}, tableOf(x, 1)), x);
            QVERIFY2(error <= 1.01 * one["error"][key].get<double>(), qPrintable(QString::number(error)));
            QVERIFY(error <= 1.01 * one["observer_error"][key].get<double>());
            rule.symmetric = false;
            error = meanError(roundValues(rule, tableOf(x, 1), {}, tableOf(x, 1)), x);
            QVERIFY2(error <= 1.02 * one["error"][key + "a"].get<double>(),
                     qPrintable(QString::number(error)));
        }
    }

    void entropyRangesDivergeLeast_data() { addRanges(); }
    void entropyRangesDivergeLeast() {
        QFETCH(int, index);
        const auto& one = golden()["ranges"][std::size_t(index)];
        const std::string at = "range." + std::to_string(index);
        const auto x = numbers().floats(at + ".x"), curve = numbers().floats(at + ".divergence");
        ActivationRule rule;
        rule.range = RangeMethod::entropy;
        const float bound = bounds(rule, x).max, bin = one["bin"];
        const float least = *std::min_element(curve.begin(), curve.end());
        const auto bins = std::size_t(std::ceil(bound / bin - 1e-3F));
        QVERIFY(bins < curve.size());
        QVERIFY2(curve[bins] <= least * (1 + 1e-5F),
                 qPrintable(
                     QString("%1 bins: %2, least %3").arg(bins).arg(double(curve[bins])).arg(double(least))));
    }

    void weightRangesAreSearched() {
        QVERIFY(golden()["weights"].size() >= 3);
        for (std::size_t i = 0; i < golden()["weights"].size(); ++i) {
            const std::string at = "weight." + std::to_string(i);
            const auto w = numbers().floats(at + ".x"), least = numbers().floats(at + ".error");
            const int outputs = int(least.size()), inputs = int(w.size()) / outputs;
            WeightRule rule;
            rule.bits = golden()["weights"][i]["bits"], rule.range = RangeMethod::mse;
            const auto errorOf = [&](const std::vector<float>& rounded, int row) {
                double sum = 0;
                for (int c = 0; c < inputs; ++c) {
                    const auto k = std::size_t(row * inputs + c);
                    sum += double(rounded[k] - w[k]) * double(rounded[k] - w[k]);
                }
                return sum;
            };
            const auto best = roundWeightValues(rule, w, outputs, inputs, {});
            rule.range = RangeMethod::minmax;
            const auto plain = roundWeightValues(rule, w, outputs, inputs, {});
            for (int row = 0; row < outputs; ++row) {
                // Steps of 2 % against steps of 0.1 %.
                QVERIFY(errorOf(best, row) <= 1.05 * double(least[std::size_t(row)]));
                QVERIFY(errorOf(best, row) <= errorOf(plain, row) * (1 + 1e-6));
            }
            for (Granularity granularity : {Granularity::per_tensor, Granularity::per_group}) {
                rule.range = RangeMethod::mse, rule.granularity = granularity, rule.group = 48;
                const auto got = roundWeightValues(rule, w, outputs, inputs, {2, 255});
                for (int row = 0; row < outputs; ++row)
                    for (int column : {2, 255})
                        QCOMPARE(got[std::size_t(row * inputs + column)],
                                 w[std::size_t(row * inputs + column)]);
                rule.range = RangeMethod::minmax;
                QVERIFY(meanError(got, w) <=
                        meanError(roundWeightValues(rule, w, outputs, inputs, {2, 255}), w));
            }
        }
    }

    void refusesTablesOfAnotherSize() {
        ValueTable table = tableOf({1, 2, 3, 4}, 2);
        table.values.pop_back();
        const QString sentence = QString::fromStdString(test::failure([&] {
            roundValues(ActivationRule{}, table, {}, tableOf({1, 2}, 2));
        }));
        QVERIFY2(sentence.contains("4 values") && sentence.contains("got 3"), qPrintable(sentence));
    }

private:
    static void addRanges() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const auto& one : golden()["ranges"])
            QTest::newRow(one["name"].get<std::string>().c_str()) << index++;
        QVERIFY(index >= 4);
    }
};

QTEST_APPLESS_MAIN(NumberFormatTest)
#include "test_number_format.moc"
