// SPDX-License-Identifier: GPL-3.0-or-later
// Integer products against plain loops, and against the schemes that they make real.
#include <QtTest>

#include "core/engine/kernels/bf16_product.h"
#include "core/engine/kernels/float_product.h"
#include "core/quantization/kernels/integer_levels.h"
#include "core/quantization/kernels/integer_product.h"
#include "core/quantization/round_values.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_tensor.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <omp.h>

using namespace kurtoscope;

namespace {

const std::string goldens = KURTOSCOPE_TESTS_DIR "/golden/";

struct Problem {
    std::int64_t rows, outputs, inputs, kept;
};

PackedWeight weightOf(const Problem& p, std::mt19937& random) {
    std::vector<std::int8_t> q(std::size_t(p.outputs * p.inputs));
    for (auto& value : q)
        value = static_cast<std::int8_t>(int(random() % 255) - 127);
    std::vector<float> scales, bias, columns;
    for (std::int64_t output = 0; output < p.outputs; ++output) {
        scales.push_back(0.001F * float(1 + random() % 50));
        bias.push_back(float(int(random() % 200) - 100) / 7);
    }
    std::vector<int> kept;
    for (std::int64_t k = 0; k < p.kept; ++k) {
        kept.push_back(static_cast<int>(k * p.inputs / p.kept));
        for (std::int64_t output = 0; output < p.outputs; ++output) {
            columns.push_back(float(int(random() % 200) - 100) / 11);
            q[std::size_t(output * p.inputs + kept.back())] = 0;
        }
    }
    return {q.data(), p.outputs, p.inputs, scales, bias.data(), kept, columns};
}

// Any bytes up to `most` in size, a few of them −128, and any zeros: what asymmetric grids make.
IntegerRows rowsOf(const Problem& p, std::mt19937& random, int most = 128) {
    IntegerRows x;
    x.rows = p.rows, x.channels = p.inputs;
    x.stride = (p.inputs + IntegerRows::whole - 1) / IntegerRows::whole * IntegerRows::whole;
    x.values = AlignedBytes(std::size_t(x.rows * x.stride));
    x.keptCount = p.kept;
    for (std::int64_t row = 0; row < p.rows; ++row) {
        std::int32_t sum = 0;
        for (std::int64_t input = 0; input < p.inputs; ++input) {
            const bool lowest = most == 128 && random() % 50 == 0;
            const auto value =
                static_cast<std::int8_t>(lowest ? -128 : int(random() % unsigned(2 * most)) - most);
            x.values.as<std::int8_t>()[row * x.stride + input] = value;
            sum += value;
        }
        x.sums.push_back(sum);
        x.zeros.push_back(int(random() % 256) - 128);
        x.scales.push_back(0.01F * float(1 + random() % 30));
        for (std::int64_t k = 0; k < p.kept; ++k)
            x.kept.push_back(float(int(random() % 2000) - 1000) / 3);
    }
    return x;
}

std::vector<float> normals(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values)
        value = normal(random);
    return values;
}

// A recipe with its kernels, then the same simulated.
EvaluateRequest bothWays(const QString& model, const QString& recipe) {
    EvaluateRequest request;
    request.data.path = goldens + model.toStdString() + "/text.txt";
    request.data.task = "fidelity";
    request.data.windows = 3, request.data.calibrationWindows = 3;
    request.recipes = {Recipe::parse(recipe.toStdString()), Recipe::parse(recipe.toStdString())};
    request.kernels = {KernelChoice::automatic, KernelChoice::simulated};
    request.latency = false;
    return request;
}

} // namespace

class IntegerProductTest : public QObject {
    Q_OBJECT

private slots:
    void equalsPlainLoops_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("outputs");
        QTest::addColumn<int>("inputs");
        QTest::addColumn<int>("kept");
        const int sizes[][4] = {{1, 1, 1, 0},    {1, 32, 4, 0},    {14, 32, 384, 0},  {13, 37, 75, 3},
                                {15, 64, 96, 8}, {200, 33, 31, 1}, {5, 100, 1536, 2}, {29, 16, 7, 7},
                                {3, 17, 65, 0},  {64, 48, 384, 0}};
        for (const auto& s : sizes)
            QTest::addRow("%d rows, %d outputs, %d inputs, %d kept", s[0], s[1], s[2], s[3])
                << s[0] << s[1] << s[2] << s[3];
    }
    void equalsPlainLoops() {
        QFETCH(int, rows);
        QFETCH(int, outputs);
        QFETCH(int, inputs);
        QFETCH(int, kept);
        std::mt19937 random(unsigned(rows * 1000 + inputs));
        const Problem problem{rows, outputs, inputs, kept};
        const PackedWeight weight = weightOf(problem, random);
        // Small activations, middling and any: a kernel may multiply each in a way of its own.
        for (const int most : {8, 50, 90, 128}) {
            const IntegerRows x = rowsOf(problem, random, most);
            const std::size_t size = std::size_t(rows) * std::size_t(outputs);
            std::vector<float> plain(size);
            weight.multiplyPlainly(x, plain.data());
            for (const IntegerKernel* kernel : integerKernels()) {
                std::vector<float> made(size, -1), one(size, -1);
                weight.multiplyBy(*kernel, x, made.data());
                QVERIFY2(made == plain,
                         kernel->name); // to the last bit: the same sums, then the same roundings
                const int threads = omp_get_max_threads();
                omp_set_num_threads(1);
                weight.multiplyBy(*kernel, x, one.data());
                omp_set_num_threads(threads);
                QVERIFY2(one == plain, kernel->name);
            }
        }
    }

    // A vocabulary's panels come once each, and its table is written past the caches where rows are whole lines.
    void wideOutputsAreTheSame_data() {
        QTest::addColumn<int>("outputs");
        QTest::newRow("whole lines") << 49'152;
        QTest::newRow("others") << 49'157;
    }
    void wideOutputsAreTheSame() {
        QFETCH(int, outputs);
        std::mt19937 random(6);
        const Problem problem{88, outputs, 176, 1};
        const PackedWeight weight = weightOf(problem, random);
        const IntegerRows x = rowsOf(problem, random);
        const std::size_t size = std::size_t(88) * std::size_t(outputs);
        std::vector<float> plain(size);
        AlignedBytes made(size * sizeof(float));
        weight.multiplyPlainly(x, plain.data());
        weight.multiply(x, made.as<float>());
        QVERIFY(std::equal(plain.begin(), plain.end(), made.as<float>()));
    }

    // Rows that nobody keeps go to whoever takes them, each once, whole.
    void rowsCanBeTakenOneByOne() {
        std::mt19937 random(8);
        const Problem problem{300, 75, 40, 1};
        const PackedWeight weight = weightOf(problem, random), beside = weightOf({300, 75, 96, 2}, random);
        const IntegerRows x = rowsOf(problem, random), y = rowsOf({300, 75, 96, 2}, random);
        std::vector<float> expected(300 * 75), taken(expected.size());
        weight.multiply(x, expected.data());
        beside.multiply(y, expected.data(), 0, {}, true);
        std::vector<int> times(300);
        const auto take = [&](float* values, std::int64_t stride, std::int64_t row, std::int64_t last) {
            for (; row < last; ++row, values += stride) {
                ++times[std::size_t(row)];
                std::copy_n(values, 75, taken.begin() + row * 75);
            }
        };
        QVERIFY(PackedWeight::multiplyInto({{&x, &weight}, {&y, &beside}}, take));
        QVERIFY(times == std::vector<int>(300, 1) && taken == expected);
        const PackedWeight wide = weightOf({2, 8192, 40, 0}, random);
        const IntegerRows few = rowsOf({2, 8192, 40, 0}, random); // shared out by columns
        QVERIFY(!PackedWeight::multiplyInto({{&few, &wide}}, take));
        QVERIFY(times == std::vector<int>(300, 1));
    }

    // Two products that add up, as where groups of inputs have scales of their own.
    void oneProductOntoAnother() {
        std::mt19937 random(5);
        const PackedWeight first = weightOf({23, 37, 40, 0}, random),
                           second = weightOf({23, 37, 75, 2}, random);
        const IntegerRows x = rowsOf({23, 37, 40, 0}, random), y = rowsOf({23, 37, 75, 2}, random);
        std::vector<float> expected;
        for (const IntegerKernel* kernel : integerKernels()) {
            std::vector<float> plain(23 * 37), made(23 * 37);
            first.multiplyPlainly(x, plain.data());
            first.multiplyBy(*kernel, x, made.data());
            second.multiplyBy(*kernel, y, made.data(), 0, {}, true);
            std::vector<float> alone(23 * 37);
            second.multiplyPlainly(y, alone.data());
            for (std::size_t i = 0; i < made.size(); ++i) { // the second's bias is not used
                const double sum = double(plain[i]) + alone[i] - second.bias()[i % 37];
                QVERIFY(std::abs(made[i] - sum) <= 1e-5 * std::max(1.0, std::abs(sum) + std::abs(alone[i])));
            }
            if (expected.empty()) expected = made;
            QCOMPARE(made, expected);
        }
    }

    // Into a wider row, with something done to every element once and only after it is there.
    void rowsMayBeApartAndChangedAfterwards() {
        std::mt19937 random(4);
        const Problem problem{37, 75, 40, 1};
        const PackedWeight weight = weightOf(problem, random);
        const IntegerRows x = rowsOf(problem, random);
        std::vector<float> plain(37 * 75);
        weight.multiplyPlainly(x, plain.data());
        const std::size_t stride = 80;
        for (const IntegerKernel* kernel : integerKernels()) {
            std::vector<float> made(37 * stride, -7);
            weight.multiplyBy(
                *kernel, x, made.data(), stride,
                [&](std::int64_t row, std::int64_t lastRow, std::int64_t first, std::int64_t last) {
                    for (; row < lastRow; ++row)
                        for (std::int64_t column = first; column < last; ++column)
                            made[std::size_t(row) * stride + std::size_t(column)] += 1;
                });
            for (std::size_t row = 0; row < 37; ++row)
                for (std::size_t column = 0; column < stride; ++column)
                    QCOMPARE(made[row * stride + column], column < 75 ? plain[row * 75 + column] + 1 : -7);
        }
    }

    void largestSumsStayExact() {
        const std::int64_t inputs = 65'536;
        const std::vector<std::int8_t> q(std::size_t(inputs), 127);
        const PackedWeight weight(q.data(), 1, inputs, {1}, nullptr, {}, {});
        IntegerRows x;
        x.rows = 1, x.channels = x.stride = inputs;
        x.values = AlignedBytes(std::size_t(inputs));
        std::memset(x.values.as<std::int8_t>(), 127, std::size_t(inputs));
        x.scales = {1}, x.zeros = {0}, x.sums = {127 * 65'536};
        for (const IntegerKernel* kernel : integerKernels()) {
            float y = 0;
            weight.multiplyBy(*kernel, x, &y);
            QCOMPARE(y, 127.0F * 127.0F * 65'536.0F);
        }
    }

    void rowsHaveTheLevelsOfRoundActivation_data() {
        QTest::addColumn<int>("bits");
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<bool>("dynamic");
        QTest::addColumn<bool>("perToken");
        QTest::addColumn<bool>("keeps");
        for (int bits : {2, 4, 8})
            for (bool symmetric : {true, false})
                for (int kind = 0; kind < 3; ++kind)
                    for (bool keeps : {false, true})
                        QTest::addRow("%d bits %s %s%s", bits, symmetric ? "symmetric" : "asymmetric",
                                      kind == 0   ? "static"
                                      : kind == 1 ? "dynamic"
                                                  : "per-token",
                                      keeps ? ", kept" : "")
                            << bits << symmetric << (kind > 0) << (kind == 2) << keeps;
    }
    void rowsHaveTheLevelsOfRoundActivation() {
        QFETCH(int, bits);
        QFETCH(bool, symmetric);
        QFETCH(bool, dynamic);
        QFETCH(bool, perToken);
        QFETCH(bool, keeps);
        ValueTable table{2, 5, 19, normals(190, unsigned(bits)), {5, 3}};
        for (std::size_t i = 0; i < table.values.size(); ++i)
            table.values[i] = 3 * table.values[i] + 0.7F;
        for (std::size_t i = 2; i < table.values.size(); i += 19)
            table.values[i] *= 40; // an outlier channel
        const ValueTable calibration{1, 4, 19, normals(76, 9), {}};
        ActivationRule rule;
        rule.bits = bits, rule.symmetric = symmetric, rule.dynamic = dynamic;
        rule.granularity = perToken ? Granularity::per_token : Granularity::per_tensor;
        const std::set<int> kept = keeps ? std::set<int>{2, 11} : std::set<int>{};
        const auto expected = roundValues(rule, table, kept, calibration);
        QVERIFY(expected != table.values);
        QCOMPARE(integerValues(rule, table, kept, calibration), expected);
    }

    // Without a division, but with its quotients: also beside the middles between levels, and for scales and
    // values at the ends of float32.
    void levelsAreThoseOfADivision() {
        const IntegerLevels levels = avx512Levels();
        if (!levels) QSKIP("this processor has no AVX-512: levels are made by a plain loop here");
        std::mt19937 random(8);
        const float extreme[] = {
            0, -0.0F, 1e-45F, -1e-40F, 3e38F, -3e38F, 1e-30F, 1e20F, std::numeric_limits<float>::infinity()};
        for (int round = 0; round < 4000; ++round) {
            const int exponent = round % 8 ? int(random() % 30) - 20 : int(random() % 250) - 140;
            Grid grid;
            grid.scale = std::ldexp(1 + float(random() % (1 << 23)) / (1 << 23), exponent);
            grid.low = -128, grid.high = 127;
            grid.zero = round % 2 ? 0 : float(int(random() % 256) - 128);
            std::vector<float> row;
            for (int i = 0; i < 200; ++i) {
                float value = (float(int(random() % 300) - 150) + 0.5F) * grid.scale;
                for (unsigned steps = random() % 4; steps > 0; --steps)
                    value = std::nextafter(value, random() % 2 ? 1e38F : -1e38F);
                row.push_back(value);
            }
            row.insert(row.end(), std::begin(extreme), std::end(extreme));
            row.resize(row.size() - random() % 16);
            std::vector<std::int8_t> made(row.size());
            std::int32_t nan = -1, expectedSum = 0;
            const std::int32_t sum = levels(row.data(), made.data(), std::int64_t(row.size()), grid, nan);
            for (std::size_t i = 0; i < row.size(); ++i) {
                const float q =
                    std::nearbyint(std::clamp(row[i] / grid.scale + grid.zero, grid.low, grid.high));
                expectedSum += int(q);
                if (made[i] != int(q))
                    QFAIL(qPrintable(QString("%1 / %2 + %3 became %4, not %5")
                                         .arg(row[i])
                                         .arg(grid.scale)
                                         .arg(grid.zero)
                                         .arg(made[i])
                                         .arg(q)));
            }
            QCOMPARE(sum, expectedSum);
            QCOMPARE(nan, 0);
        }
    }

    void aNaNSpoilsItsRowAlone() {
        ValueTable table{1, 3, 8, normals(24, 1), {}};
        table.values[8 + 5] = std::numeric_limits<float>::quiet_NaN();
        const auto made = integerValues({}, table, {}, {1, 1, 8, normals(8, 2), {}});
        for (std::size_t i = 0; i < made.size(); ++i)
            QCOMPARE(std::isnan(made[i]), i / 8 == 1);
    }

    void refusesWhatIsNoPlainInteger() {
        ActivationRule groups, casts, sixteen;
        groups.embeddingGroups = 3;
        casts.format = Format::e4m3;
        sixteen.bits = 16;
        const ValueTable table{1, 1, 8, normals(8, 1), {}};
        for (const ActivationRule& rule : {groups, casts, sixteen})
            QVERIFY(test::failure([&] { integerValues(rule, table, {}, table); }).find("no plain integers") !=
                    std::string::npos);
        WeightRule pointed;
        pointed.symmetric = false;
        QVERIFY(test::failure([&] {
                    integerWeightValues(pointed, normals(8, 1), 2, 4, {});
                }).find("no plain integers") != std::string::npos);
    }

    void weightsHaveTheLevelsOfRoundWeight_data() {
        QTest::addColumn<int>("bits");
        QTest::addColumn<bool>("perChannel");
        for (int bits : {2, 5, 8})
            for (bool perChannel : {false, true})
                QTest::addRow("%d bits %s", bits, perChannel ? "per-channel" : "per-tensor")
                    << bits << perChannel;
    }
    void weightsHaveTheLevelsOfRoundWeight() {
        QFETCH(int, bits);
        QFETCH(bool, perChannel);
        const std::vector<float> weight = normals(7 * 13, 3);
        WeightRule rule;
        rule.bits = bits;
        rule.granularity = perChannel ? Granularity::per_channel : Granularity::per_tensor;
        QCOMPARE(integerWeightValues(rule, weight, 7, 13, {4}), roundWeightValues(rule, weight, 7, 13, {4}));
    }

    // What the recipe simulates and what its kernels compute are the same model.
    void realAndSimulatedAgree_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        for (const char* model : {"tiny-llama", "tiny-bert-classifier"})
            for (const char* recipe :
                 {"w8a8", "w8a8:dynamic=on", "w8a8:activation=per-token", "w8a8:symmetric=off",
                  "w8a8:dynamic=on,weight=per-tensor,weight_bits=4,activation_bits=6",
                  "w8a8:activation=per-token,symmetric=off,keep=top:3", "smoothquant:activation=per-token",
                  "rotation", "percentile:p=99.9", "peg:groups=3", "peg:groups=4,keep=top:2",
                  "peg:groups=2,permute=off,dynamic=on", "w4a8:weight_group=32",
                  "w4a8:weight_group=36,keep=top:3,weight_levels=full",
                  "w8a8:weight=per-group,weight_group=40,symmetric=off", "gptq:group=32+w8a8:weight_bits=16",
                  "gptq:bits=8,group=0+w8a8:weight_bits=16,activation=per-token,keep=top:2"})
                QTest::addRow("%s %s", model, recipe) << model << recipe;
    }
    void realAndSimulatedAgree() {
        if (!hasFastIntegers()) QSKIP("this processor has no fast integer product: they are simulated here");
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        Workbench workbench({DeviceKind::cpu, 2, 1});
        workbench.open(goldens + model.toStdString());
        EvaluateRequest request = bothWays(model, recipe);
        // A sum that ends in another last bit may tip a value over to its neighbouring level, which in a
        // model as small as these shows in a text's mean: three of five texts must be clear of that.
        std::vector<double> apart;
        for (const int length : {12, 14, 16, 18, 20}) {
            request.data.length = length;
            const auto readings = workbench.evaluate(request);
            QCOMPARE(readings[0].kernels, KernelTag::integer);
            QCOMPARE(readings[1].kernels, KernelTag::simulated);
            QVERIFY(*readings[1].klMean > 0);
            apart.push_back(std::abs(*readings[0].klMean - *readings[1].klMean) /
                            (*readings[1].klMean + 5e-6));
        }
        std::sort(apart.begin(), apart.end());
        QVERIFY2(apart[2] < 0.002, qPrintable(QString::number(apart[2])));
    }

    void integerWeightsAloneAreTheSame_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        for (const char* model : {"tiny-llama", "tiny-bert-classifier"})
            for (const char* recipe :
                 {"rtn:bits=4,group=16", "rtn:bits=8", "rtn:bits=6,group=16,levels=full",
                  "rtn:bits=4,levels=full-reciprocal", "rtn:bits=3,symmetric=on,keep=top:3",
                  "gptq:bits=4,group=8", "gptq:bits=2,act_order=on", "awq:bits=4,group=16,keep=top:2",
                  "w8a8:activation_bits=16,weight=per-tensor", "rotation:activation_bits=16"})
                QTest::addRow("%s %s", model, recipe) << model << recipe;
    }
    // Decoded where they are multiplied or written out before: the same sums, to the bit.
    void integerWeightsAloneAreTheSame() {
        if (!hasFloatKernels()) QSKIP("this processor has no AVX2: weights are written out here");
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        Workbench workbench({DeviceKind::cpu, 2, 1});
        workbench.open(goldens + model.toStdString());
        EvaluateRequest request = bothWays(model, recipe);
        request.data.length = 16;
        const auto readings = workbench.evaluate(request);
        QCOMPARE(readings[0].kernels, KernelTag::floating);
        QCOMPARE(readings[1].kernels, KernelTag::simulated);
        QVERIFY(*readings[1].klMean > 0);
        QCOMPARE(*readings[0].klMean, *readings[1].klMean);
        QCOMPARE(readings[0].effectiveBits, readings[1].effectiveBits);
    }

    void bfloat16IsTheSame_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        for (const char* model : {"tiny-llama", "tiny-bert-classifier", "tiny-gpt2"})
            for (const char* recipe : {"bf16", "bf16:keep=top:3", "rotation+bf16"})
                QTest::addRow("%s %s", model, recipe) << model << recipe;
    }
    // Cast where norms and activation functions make the values, which are then nowhere else, or in a pass of
    // its own: the same numbers, but for the order of sums.
    void bfloat16IsTheSame() {
        if (!hasBf16Products()) QSKIP("this processor multiplies no bfloat16: it is simulated here");
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        Workbench workbench({DeviceKind::cpu, 2, 1});
        workbench.open(goldens + model.toStdString());
        EvaluateRequest request = bothWays(model, recipe);
        request.data.length = 16;
        const auto readings = workbench.evaluate(request);
        QCOMPARE(readings[0].kernels, KernelTag::floating);
        QCOMPARE(readings[1].kernels, KernelTag::simulated);
        QVERIFY(*readings[1].klMean > 0);
        const double apart = std::abs(*readings[0].klMean - *readings[1].klMean) / *readings[1].klMean;
        QVERIFY2(apart < 0.02, qPrintable(QString::number(apart)));
    }

    void whatHasNoKernelIsSimulated_data() {
        QTest::addColumn<QString>("recipe");
        for (const char* recipe :
             {"llm-int8", "fp8", "rtn:scope=all-activations", "gptq+kv-cache", "w8a8:weight_bits=16",
              "w8a8:scope=all-activations", "w8a8+kv-cache", "peg:groups=3,weight=per-group,weight_group=8",
              "w4a8:weight_group=16", "w8a8:weight_levels=full", "gptq:symmetric=off+w8a8:weight_bits=16",
              "mixed:sites=mlp_hidden"})
            QTest::newRow(recipe) << recipe;
    }
    void whatHasNoKernelIsSimulated() {
        QFETCH(QString, recipe);
        Workbench workbench({DeviceKind::cpu, 2, 1});
        workbench.open(goldens + "tiny-llama");
        EvaluateRequest request;
        request.data.path = goldens + "tiny-llama/text.txt";
        request.data.windows = 2, request.data.length = 16, request.data.calibrationWindows = 2;
        request.recipes = {Recipe::parse(recipe.toStdString())};
        request.latency = false;
        QCOMPARE(workbench.evaluate(request).front().kernels, KernelTag::simulated);
    }

    // No integer stands for a NaN, in an output that has nothing else no more than in one that has zeros too.
    void weightsWithNaNAreSimulated_data() {
        QTest::addColumn<int>("count");
        QTest::addColumn<QString>("recipe");
        for (int count : {48, 1})
            for (const char* recipe :
                 {"rtn:bits=4", "rtn:bits=4,symmetric=off", "w8a8", "w4a8:weight_group=32"})
                QTest::addRow("%d of an output, %s", count, recipe) << count << recipe;
    }
    void weightsWithNaNAreSimulated() {
        QFETCH(int, count);
        QFETCH(QString, recipe);
        const test::ModelCopy copy("tiny-llama");
        std::vector<float> output(48, 0);
        std::fill_n(output.begin(), count, std::numeric_limits<float>::quiet_NaN());
        test::overwrite(copy, "model.layers.0.mlp.down_proj.weight", 0, output);
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(copy.path());
        EvaluateRequest request;
        request.data.path = goldens + "tiny-llama/text.txt";
        request.data.windows = 2, request.data.length = 16, request.data.calibrationWindows = 2;
        request.recipes = {Recipe::parse(recipe.toStdString())};
        request.latency = false;
        QCOMPARE(workbench.evaluate(request).front().kernels, KernelTag::simulated);
    }
};

QTEST_APPLESS_MAIN(IntegerProductTest)
#include "test_integer_product.moc"
