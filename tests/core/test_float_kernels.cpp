// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels for float32 rows against formulas in double precision; each row's result its own, whatever runs
// beside it.
#include <QtTest>

#include "core/engine/kernels/attention_rows.h"
#include "core/engine/kernels/bf16_product.h"
#include "core/engine/kernels/float_product.h"
#include "core/engine/kernels/row_functions.h"
#include "core/engine/kernels/weight_only_product.h"

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <numbers>
#include <random>
#include <thread>

#include <omp.h>

using namespace kurtoscope;

namespace {

std::vector<float> normals(std::int64_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values)
        value = normal(random);
    return values;
}

// Bfloat16 by its definition: float32's upper half, the nearest, halves to even.
std::uint16_t halfOf(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (!std::isfinite(value)) return static_cast<std::uint16_t>(bits >> 16);
    return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
float fromHalf(std::uint16_t half) {
    return std::bit_cast<float>(std::uint32_t{half} << 16);
}

// What `make` fills in with one thread and with the usual number.
void sameOnAnyThreads(const std::vector<float>& made, const std::function<void(std::vector<float>&)>& make) {
    const int threads = omp_get_max_threads();
    std::vector<float> one(made.size(), -1);
    omp_set_num_threads(1);
    make(one);
    omp_set_num_threads(threads);
    QVERIFY(one == made);
}

} // namespace

class FloatKernelsTest : public QObject {
    Q_OBJECT

private slots:
    void functionsOfRows_data() {
        QTest::addColumn<int>("which");
        QTest::newRow("gelu") << 0;
        QTest::newRow("gelu by tanh") << 1;
        QTest::newRow("silu") << 2;
        QTest::newRow("relu") << 3;
    }
    void functionsOfRows() {
        QFETCH(int, which);
        constexpr RowFunction functions[] = {geluRow, geluTanhRow, siluRow, reluRow};
        const auto exact = [which](double x) {
            switch (which) {
            case 0:
                return x / 2 * std::erfc(-x / std::numbers::sqrt2);
            case 1:
                return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
            case 2:
                return x / (1 + std::exp(-x));
            default:
                return std::max(x, 0.0);
            }
        };
        std::vector<float> x;
        for (double value = -30; value < 30; value += 0.0013)
            x.push_back(float(value));
        x.insert(x.end(), {0.0F, -0.0F, 1e-30F, -1e-30F, 1e4F, -1e4F});
        std::vector<float> y = x;
        functions[which](y.data(), std::int64_t(y.size()));
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double error = std::abs(y[i] - exact(x[i]));
            QVERIFY2(error <= 2e-7 * std::max(1.0, std::abs(double(x[i]))),
                     qPrintable(QString("%1: %2, off by %3").arg(x[i]).arg(y[i]).arg(error)));
        }
        // In the middle of a vector or left over behind them, a value's result is the same.
        for (std::size_t begin = 0; begin < 40; ++begin)
            for (std::int64_t count : {1, 3, 7, 9, 17, 31}) {
                std::vector<float> part(x.begin() + std::ptrdiff_t(20'000 + begin),
                                        x.begin() + std::ptrdiff_t(20'000 + begin + count));
                functions[which](part.data(), count);
                for (std::int64_t i = 0; i < count; ++i)
                    QCOMPARE(part[std::size_t(i)], y[20'000 + begin + std::size_t(i)]);
            }
        float odd[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1};
        functions[which](odd, 3);
        QVERIFY(std::isnan(odd[0]));
        QVERIFY(std::isinf(odd[1]) && odd[1] > 0);
    }

    void norms_data() {
        QTest::addColumn<int>("channels");
        for (int channels : {1, 7, 32, 384, 577})
            QTest::addRow("%d channels", channels) << channels;
    }
    void norms() {
        QFETCH(int, channels);
        auto x = normals(channels, 1);
        const auto weight = normals(channels, 2), bias = normals(channels, 3);
        x[0] = 300; // an outlier, which has nearly all of the variance
        std::vector<float> layer(x.size()), rms(x.size());
        layerNormRow(x.data(), weight.data(), bias.data(), 1e-5, layer.data(), channels);
        rmsNormRow(x.data(), weight.data(), 1e-5, rms.data(), channels);
        double mean = 0, variance = 0, squares = 0;
        for (float value : x)
            mean += double(value) / channels, squares += double(value) * value / channels;
        for (float value : x)
            variance += (value - mean) * (value - mean) / channels;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double expected = (x[i] - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i];
            QVERIFY(std::abs(layer[i] - expected) <= 3e-6 * std::max(1.0, std::abs(expected)));
            const double root = x[i] / std::sqrt(squares + 1e-5) * weight[i];
            QVERIFY(std::abs(rms[i] - root) <= 1e-6 * std::max(1.0, std::abs(root)));
        }
    }

    void products_data() { sizesOfProducts(); }
    static void sizesOfProducts() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("inputs");
        QTest::addColumn<int>("outputs");
        const int sizes[][3] = {{1, 1, 1},     {13, 75, 37},   {100, 384, 48}, {7, 1536, 385},
                                {50, 3, 1},    {64, 256, 16},  {49, 513, 17},  {6, 8, 100},
                                {32, 300, 45}, {17, 1030, 29}, {16, 384, 64},  {33, 5, 40}};
        for (const auto& s : sizes)
            QTest::addRow("%d rows, %d inputs, %d outputs", s[0], s[1], s[2]) << s[0] << s[1] << s[2];
    }
    void products() {
        if (!hasFloatKernels()) QSKIP("this processor has no AVX2: LibTorch multiplies here");
        QFETCH(int, rows);
        QFETCH(int, inputs);
        QFETCH(int, outputs);
        const auto x = normals(rows * inputs, 1), w = normals(outputs * inputs, 2),
                   bias = normals(outputs, 3);
        const std::int64_t stride = outputs + 3;
        const auto make = [&](std::vector<float>& out) {
            multiplyFloats(x.data(), rows, inputs, w.data(), outputs, bias.data(), out.data(), stride,
                           [&](std::int64_t row, std::int64_t last, std::int64_t first, std::int64_t end) {
                               for (; row < last; ++row)
                                   for (std::int64_t column = first; column < end; ++column)
                                       out[std::size_t(row * stride + column)] += 100;
                           });
        };
        std::vector<float> made(std::size_t(rows * stride), -1);
        make(made);
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t column = 0; column < stride; ++column) {
                const float got = made[std::size_t(row * stride + column)];
                if (column >= outputs) {
                    QCOMPARE(got, -1.0F); // what is beside the table stays
                    continue;
                }
                double sum = bias[std::size_t(column)], size = 100;
                for (std::int64_t i = 0; i < inputs; ++i) {
                    const double term =
                        double(x[std::size_t(row * inputs + i)]) * w[std::size_t(column * inputs + i)];
                    sum += term, size += std::abs(term);
                }
                QVERIFY(std::abs(got - 100 - sum) <= 1e-6 * size);
            }
        sameOnAnyThreads(made, make);
        // A row alone has the sums that it has among others.
        std::vector<float> alone(static_cast<std::size_t>(outputs));
        multiplyFloats(x.data() + (rows - 1) * inputs, 1, inputs, w.data(), outputs, bias.data(),
                       alone.data(), outputs);
        for (std::int64_t column = 0; column < outputs; ++column)
            QCOMPARE(alone[std::size_t(column)] + 100, made[std::size_t((rows - 1) * stride + column)]);
    }

    void productsInBf16_data() { sizesOfProducts(); }
    void productsInBf16() {
        if (!hasBf16Products()) QSKIP("this processor multiplies no bfloat16: it is simulated here");
        QFETCH(int, rows);
        QFETCH(int, inputs);
        QFETCH(int, outputs);
        const auto x = normals(rows * inputs, 1), w = normals(outputs * inputs, 2),
                   bias = normals(outputs, 3);
        std::vector<std::uint16_t> cast;
        for (const float value : w)
            cast.push_back(halfOf(value));
        const PackedBf16 packed(cast.data(), outputs, inputs);
        const std::int64_t stride = outputs + 3;
        const auto make = [&](std::vector<float>& out) {
            Bf16Rows words;
            bf16Rows(x.data(), rows, inputs, words);
            packed.multiply(words, bias.data(), out.data(), stride,
                            [&](std::int64_t row, std::int64_t last, std::int64_t first, std::int64_t end) {
                                for (; row < last; ++row)
                                    for (std::int64_t column = first; column < end; ++column)
                                        out[std::size_t(row * stride + column)] += 100;
                            });
        };
        std::vector<float> made(std::size_t(rows * stride), -1);
        make(made);
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t column = 0; column < stride; ++column) {
                const float got = made[std::size_t(row * stride + column)];
                if (column >= outputs) {
                    QCOMPARE(got, -1.0F); // what is beside the table stays
                    continue;
                }
                double sum = bias[std::size_t(column)], size = 100;
                for (std::int64_t i = 0; i < inputs; ++i) {
                    const double term = double(fromHalf(halfOf(x[std::size_t(row * inputs + i)]))) *
                                        double(fromHalf(halfOf(w[std::size_t(column * inputs + i)])));
                    sum += term, size += std::abs(term);
                }
                QVERIFY(std::abs(got - 100 - sum) <= 1e-6 * size);
            }
        sameOnAnyThreads(made, make);
        // As bfloat16 at once, without a table of their own.
        Bf16Rows words, whole, pieces;
        bf16Rows(x.data(), rows, inputs, words);
        std::vector<float> table(std::size_t(rows * outputs));
        packed.multiply(words, bias.data(), table.data(), outputs);
        bf16Rows(table.data(), rows, outputs, whole);
        pieces.resize(rows, outputs);
        packed.multiplyInto(words, bias.data(),
                            [&](const float* values, std::int64_t apart, std::int64_t row, std::int64_t end,
                                std::int64_t first, std::int64_t last) {
                                for (; row < end; ++row, values += apart)
                                    pieces.put(row, first, values, last - first);
                            });
        const std::size_t halves = std::size_t(rows * whole.words) * 2;
        QVERIFY(std::equal(whole.values.as<std::uint16_t>(), whole.values.as<std::uint16_t>() + halves,
                           pieces.values.as<std::uint16_t>()));
        std::vector<float> alone(static_cast<std::size_t>(outputs));
        Bf16Rows last;
        bf16Rows(x.data() + (rows - 1) * inputs, 1, inputs, last);
        packed.multiply(last, bias.data(), alone.data(), outputs);
        for (std::int64_t column = 0; column < outputs; ++column)
            QCOMPARE(alone[std::size_t(column)] + 100, made[std::size_t((rows - 1) * stride + column)]);
    }

    void productsOfLevels_data() {
        QTest::addColumn<int>("bits");
        QTest::addColumn<int>("group");
        QTest::addColumn<bool>("zeros");
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("inputs");
        QTest::addColumn<int>("outputs");
        const int sizes[][6] = {{4, 32, 0, 13, 75, 37},  {4, 128, 1, 1, 384, 48},  {3, 16, 1, 7, 1536, 385},
                                {2, 5, 0, 50, 11, 1},    {8, 1000, 0, 3, 513, 17}, {8, 64, 1, 64, 256, 16},
                                {5, 600, 1, 6, 600, 100}};
        for (const auto& s : sizes)
            QTest::addRow("%d bits in groups of %d%s, %d × %d × %d", s[0], s[1], s[2] ? ", zero points" : "",
                          s[3], s[4], s[5])
                << s[0] << s[1] << bool(s[2]) << s[3] << s[4] << s[5];
    }
    // The same to the bit as with the weight written out in float32, kept columns included.
    void productsOfLevels() {
        if (!hasFloatKernels()) QSKIP("this processor has no AVX2: weights are written out here");
        QFETCH(int, bits);
        QFETCH(int, group);
        QFETCH(bool, zeros);
        QFETCH(int, rows);
        QFETCH(int, inputs);
        QFETCH(int, outputs);
        std::mt19937 random(4);
        const int lowest = -(1 << (bits - 1));
        const std::int64_t groups = (inputs + group - 1) / group;
        const auto level = [&] { return static_cast<std::int8_t>(lowest + int(random() % (1U << bits))); };
        std::vector<std::int8_t> q(std::size_t(inputs * outputs)), zero(std::size_t(outputs * groups), 0);
        std::ranges::generate(q, level);
        if (zeros) std::ranges::generate(zero, level);
        const auto scales = normals(outputs * groups, 5), x = normals(rows * inputs, 1),
                   bias = normals(outputs, 3);
        const std::vector<int> kept{inputs - 1, 3};
        const auto columns = normals(2 * outputs, 6);
        std::vector<float> w(q.size());
        for (std::int64_t output = 0; output < outputs; ++output)
            for (std::int64_t input = 0; input < inputs; ++input) {
                const auto of = std::size_t(output * groups + input / group),
                           at = std::size_t(output * inputs + input);
                w[at] = float(q[at] - zero[of]) * scales[of];
            }
        for (std::size_t i = 0; i < kept.size(); ++i)
            for (std::int64_t output = 0; output < outputs; ++output)
                w[std::size_t(output * inputs + kept[i])] =
                    columns[i * std::size_t(outputs) + std::size_t(output)];
        const PackedLevels packed({outputs, inputs, group, bits, q.data(), scales.data(),
                                   zeros ? zero.data() : nullptr, kept, columns.data()});
        const std::int64_t stride = outputs + 3;
        std::vector<float> expected(std::size_t(rows * stride), -1), made = expected;
        multiplyFloats(x.data(), rows, inputs, w.data(), outputs, bias.data(), expected.data(), stride);
        const auto make = [&](std::vector<float>& out) {
            packed.multiply(x.data(), rows, bias.data(), out.data(), stride);
        };
        make(made);
        QVERIFY(made == expected);
        sameOnAnyThreads(made, make);
        std::vector<float> narrow(made.size(), -1);
        packed.multiply(x.data(), rows, bias.data(), narrow.data(), stride, {}, true);
        QVERIFY(narrow == expected);
        // Half a byte each up to 4 bits, and what their scales take.
        const std::size_t panels = (std::size_t(outputs) + 31) / 32;
        const auto whole = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
        QCOMPARE(packed.bytes(), whole(panels * std::size_t(inputs) * (bits <= 4 ? 16 : 32)) +
                                     whole(panels * std::size_t(groups) * 32 * 4) +
                                     whole(panels * std::size_t(groups) * 32) + whole(panels * 32 * 2 * 4));
    }

    // Halves to even; ∞ and NaN stay, and only where they are.
    void castsToBf16() {
        if (!hasBf16Products()) QSKIP("this processor multiplies no bfloat16: it is simulated here");
        constexpr float infinity = std::numeric_limits<float>::infinity();
        const std::vector<float> x{1,     0x1.01p0F, 0x1.03p0F, -0x1.0101p0F,
                                   65504, 3.4e38F,   infinity,  std::numeric_limits<float>::quiet_NaN(),
                                   -0.0F, 0x1p-126F, 0.1F,      0x1p-127F};
        const auto channels = static_cast<std::int64_t>(x.size());
        std::vector<float> twice(x);
        twice.insert(twice.end(), x.size(), 1.0F); // a row of ones below
        Bf16Rows made;
        bf16Rows(twice.data(), 2, channels, made);
        const auto* halves = made.values.as<std::uint16_t>();
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (std::isnan(x[i]))
                QVERIFY(std::isnan(fromHalf(halves[i])));
            else if (std::abs(x[i]) < 0x1p-126F)
                QCOMPARE(fromHalf(halves[i]), 0.0F);
            else
                QCOMPARE(halves[i], halfOf(x[i]));
            QCOMPARE(halves[std::size_t(made.words) * 2 + i], std::uint16_t(0x3f80));
        }
        const std::vector<std::uint16_t> one(x.size(), 0x3f80);
        float sums[2] = {};
        PackedBf16(one.data(), 1, channels).multiply(made, nullptr, sums, 1);
        QVERIFY(std::isnan(sums[0]));
        QCOMPARE(sums[1], float(channels));
    }

    void attention_data() {
        QTest::addColumn<int>("sequences");
        QTest::addColumn<int>("length");
        QTest::addColumn<int>("heads");
        QTest::addColumn<int>("keyValueHeads");
        QTest::addColumn<int>("size");
        QTest::addColumn<bool>("causal");
        const int sizes[][6] = {{2, 37, 4, 2, 8, 1},  {3, 50, 2, 2, 32, 0}, {1, 130, 3, 1, 64, 1},
                                {2, 20, 2, 1, 20, 0}, {1, 1, 2, 2, 16, 1},  {5, 9, 6, 6, 7, 0},
                                {1, 700, 1, 1, 16, 1}};
        for (const auto& s : sizes)
            QTest::addRow("%d × %d, %d heads on %d of %d%s", s[0], s[1], s[2], s[3], s[4],
                          s[5] ? ", causal" : "")
                << s[0] << s[1] << s[2] << s[3] << s[4] << bool(s[5]);
    }
    void attention() {
        if (!hasFloatKernels()) QSKIP("this processor has no AVX2: LibTorch attends here");
        QFETCH(int, sequences);
        QFETCH(int, length);
        QFETCH(int, heads);
        QFETCH(int, keyValueHeads);
        QFETCH(int, size);
        QFETCH(bool, causal);
        const std::int64_t rows = std::int64_t{sequences} * length, across = heads * size,
                           narrow = keyValueHeads * size;
        auto q = normals(rows * across, 1);
        const auto k = normals(rows * narrow, 2), v = normals(rows * narrow, 3);
        for (float& value : q)
            value *= 4; // scores that differ by tens
        std::vector<int> lengths(static_cast<std::size_t>(sequences), length);
        for (int sequence = 1; sequence < sequences; ++sequence)
            lengths[std::size_t(sequence)] = std::max(0, length - 7 * sequence);
        const auto make = [&](std::vector<float>& out) {
            attendRows({q.data(), k.data(), v.data(), out.data(), across, narrow, narrow, across, sequences,
                        length, heads, keyValueHeads, size, &lengths, causal});
        };
        std::vector<float> made(std::size_t(rows * across), -1);
        make(made);
        sameOnAnyThreads(made, make);
        // In two steps, with the probabilities between them for somebody to see or change.
        std::vector<float> probabilities(std::size_t(rows * heads * length), -1), again(made.size(), -1),
            halved;
        AttentionWork steps{q.data(),  k.data(), v.data(), again.data(),  across, narrow,   narrow, across,
                            sequences, length,   heads,    keyValueHeads, size,   &lengths, causal};
        steps.probabilities = probabilities.data();
        attendRows(steps);
        QCOMPARE(again.front(), -1.0F);
        halved = probabilities;
        for (float& probability : halved)
            probability /= 2;
        steps.probabilities = nullptr, steps.given = halved.data();
        attendRows(steps);
        for (std::size_t i = 0; i < made.size(); ++i)
            QVERIFY(std::abs(2 * again[i] - made[i]) < 1e-5);
        // Shown as they are made they are the same, and change nothing.
        std::vector<float> shown(probabilities.size(), 0.0F), beside(made.size(), -1);
        const std::function<void(const AttentionBlock&)> show = [&](const AttentionBlock& block) {
            for (std::int64_t row = 0; row < block.rows; ++row)
                std::copy_n(block.probabilities + row * block.stride, block.keys,
                            shown.begin() +
                                ((block.sequence * heads + block.head) * length + block.first + row) *
                                    length);
        };
        AttentionWork looked = steps;
        looked.out = beside.data(), looked.given = nullptr, looked.show = &show;
        attendRows(looked);
        QVERIFY(beside == made && shown == probabilities);
        // The context is shown as it is made, each head's columns from one thread and in order.
        std::mutex lock;
        std::map<std::int64_t, std::pair<std::thread::id, std::int64_t>> seenBy; // by column: who, up to where
        std::int64_t shownRows = 0;
        bool inOrder = true;
        const AfterRows after = [&](std::int64_t firstRow, std::int64_t lastRow, std::int64_t first, std::int64_t) {
            const std::lock_guard hold(lock);
            const auto [at, fresh] = seenBy.try_emplace(first, std::this_thread::get_id(), 0);
            inOrder &= at->second.first == std::this_thread::get_id() && at->second.second <= firstRow;
            at->second.second = lastRow;
            shownRows += lastRow - firstRow;
        };
        looked.after = &after;
        attendRows(looked);
        QVERIFY(beside == made && inOrder);
        QCOMPARE(std::int64_t(seenBy.size()), std::int64_t(heads));
        QCOMPARE(shownRows, heads * std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}));
        looked.after = nullptr;
        // In bfloat16, as such and as floats that it has: near one another, and the same in two steps and when
        // shown. A probability in the middle may be cast to either side, 2⁻⁸ of it apart.
        std::vector<float> castQ = q, castK = k, castV = v, kinds[2];
        for (auto* values : {&castQ, &castK, &castV})
            for (float& value : *values)
                value = fromHalf(halfOf(value));
        for (const bool narrowly : {false, true}) {
            if (narrowly && !hasBf16Products()) continue;
            AttentionWork cast = looked;
            std::vector<float>& out = kinds[narrowly];
            out.assign(made.size(), -1);
            cast.q = castQ.data(), cast.k = castK.data(), cast.v = castV.data();
            cast.numbers = narrowly ? AttentionWork::Numbers::narrow : AttentionWork::Numbers::cast;
            const auto castMake = [&](std::vector<float>& to) {
                AttentionWork work = cast;
                work.show = nullptr, work.out = to.data();
                attendRows(work);
            };
            castMake(out);
            sameOnAnyThreads(out, castMake);
            cast.out = beside.data();
            attendRows(cast);
            QVERIFY(beside == out);
            cast.show = nullptr, cast.probabilities = probabilities.data();
            attendRows(cast);
            QVERIFY(shown == probabilities);
            cast.probabilities = nullptr, cast.given = probabilities.data(), cast.out = again.data();
            attendRows(cast);
            QVERIFY(again == out);
        }
        for (std::size_t i = 0; i < kinds[1].size(); ++i)
            QVERIFY(std::abs(kinds[1][i] - kinds[0][i]) < 0.02);
        QVERIFY(kinds[0] != made);
        for (std::int64_t row = 0; row < rows * heads; ++row) {
            const std::int64_t sequence = row / (heads * length), position = row % length;
            const std::int64_t valid = lengths[std::size_t(sequence)];
            double sum = 0;
            for (std::int64_t key = 0; key < length; ++key) {
                const float probability = probabilities[std::size_t(row * length + key)];
                if (position >= valid || key >= (causal ? position + 1 : valid)) QCOMPARE(probability, 0.0F);
                sum += probability;
            }
            QVERIFY(position >= valid || std::abs(sum - 1) < 1e-5);
        }
        for (std::int64_t sequence = 0; sequence < sequences; ++sequence)
            for (std::int64_t head = 0; head < heads; ++head)
                for (std::int64_t position = 0; position < length; ++position) {
                    const std::int64_t valid = lengths[std::size_t(sequence)],
                                       row = sequence * length + position;
                    const std::int64_t keys = causal ? position + 1 : valid,
                                       group = head / (heads / keyValueHeads);
                    std::vector<double> weights;
                    double most = -std::numeric_limits<double>::infinity(), sum = 0;
                    for (std::int64_t key = 0; key < keys && position < valid; ++key) {
                        double score = 0;
                        for (std::int64_t i = 0; i < size; ++i)
                            score += double(q[std::size_t(row * across + head * size + i)]) *
                                     k[std::size_t((sequence * length + key) * narrow + group * size + i)];
                        weights.push_back(score / std::sqrt(double(size)));
                        most = std::max(most, weights.back());
                    }
                    for (double& weight : weights)
                        sum += weight = std::exp(weight - most);
                    for (std::int64_t i = 0; i < size; ++i) {
                        double expected = 0; // of padding
                        for (std::size_t key = 0; key < weights.size(); ++key)
                            expected += weights[key] / sum *
                                        v[std::size_t((sequence * length + std::int64_t(key)) * narrow +
                                                      group * size + i)];
                        QVERIFY(std::abs(made[std::size_t(row * across + head * size + i)] - expected) <
                                1e-5);
                    }
                }
    }
};

QTEST_APPLESS_MAIN(FloatKernelsTest)
#include "test_float_kernels.moc"
