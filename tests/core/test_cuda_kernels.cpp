// SPDX-License-Identifier: GPL-3.0-or-later
// The CUDA library's kernels, run on the processor thread by thread, against the processor's own arithmetic:
// levels and integers exactly, floats to the last roundings. Then whole models with them in place of the
// processor's kernels.
#include <QtTest>

#include "core/base/error.h"
#include "core/quantization/kernels/integer_product.h"
#include "core/quantization/round_values.h"
#include "core/quantization/rounding.h"
#include "core/workbench.h"
#include "tests/support/cuda_on_host.h"

#include <limits>
#include <numeric>
#include <random>

using namespace kurtoscope;

namespace {

std::vector<float> normals(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values)
        value = normal(random);
    return values;
}

// The numbers of a table's rows, and what they stand for.
struct Made {
    std::vector<std::int8_t> q;
    std::vector<float> scales, normed;
    std::vector<std::int32_t> zeros;
    std::int64_t stride = 0, ranges = 1;

    std::vector<float> values(const ValueTable& table, const std::set<int>& kept, const float* as) const {
        std::vector<float> all;
        for (std::int64_t row = 0; row < table.sequences * table.positions; ++row)
            for (int c = 0; c < table.channels; ++c) {
                const auto r = std::size_t(row);
                const float level = float(q[std::size_t(row * stride + c)] - zeros[r]) * scales[r];
                all.push_back(kept.contains(c) ? as[row * table.channels + c] : level);
            }
        return all;
    }
};

struct Norm {
    std::vector<float> weight, bias;
    float epsilon;
};

Made rowsOf(const ValueTable& table, const ActivationRule& rule, const std::set<int>& kept, const Grid& fixed,
            const Norm* norm = nullptr, bool writes = true) {
    Made made;
    const std::int64_t rows = std::int64_t(table.sequences) * table.positions;
    made.stride = (table.channels + 15) / 16 * 16;
    made.q.assign(std::size_t(rows * made.stride), 99);
    made.scales.assign(std::size_t(rows), -1), made.zeros.assign(std::size_t(rows), -1);
    made.normed.assign(table.values.size(), -1);
    std::vector<float> extents(std::size_t(2 * table.sequences), 77);
    std::vector<std::int32_t> inlier(std::size_t(table.channels), -1);
    for (const int channel : kept)
        inlier[std::size_t(channel)] = 0;
    KurtoscopeCudaRows work{};
    work.x = table.values.data();
    work.sequences = table.sequences, work.rows = work.positions = table.positions,
    work.channels = table.channels;
    work.lengths = table.lengths.empty() ? nullptr : table.lengths.data();
    work.inlier = kept.empty() ? nullptr : inlier.data();
    if (norm) {
        work.normWeight = norm->weight.data(),
        work.normBias = norm->bias.empty() ? nullptr : norm->bias.data();
        work.epsilon = norm->epsilon, work.normed = writes ? made.normed.data() : nullptr;
    }
    work.ranges = 1;
    if (!rule.dynamic) work.fixedScales = &fixed.scale, work.fixedZeros = &fixed.zero;
    work.extents = extents.data();
    work.bits = rule.bits, work.symmetric = rule.symmetric, work.fullRange = rule.fullRange;
    work.perToken = rule.perToken();
    work.q = made.q.data(), work.stride = made.stride;
    work.scales = made.scales.data(), work.zeros = made.zeros.data();
    if (host::library().rows(&work)) made.q.clear();
    return made;
}

ActivationRule ruleOf(int bits, bool symmetric, int kind, bool full = false) {
    ActivationRule rule;
    rule.bits = bits, rule.symmetric = symmetric, rule.fullRange = full, rule.dynamic = kind > 0;
    rule.granularity = kind == 2 ? Granularity::per_token : Granularity::per_tensor;
    return rule;
}

// Two sequences, the second shorter than the table, with an outlier channel and an ∞. One row of each holds
// no negative number: it must not narrow what the others span.
ValueTable tableOf(int channels) {
    ValueTable table{2, 5, channels, normals(std::size_t(10 * channels), unsigned(channels)), {5, 3}};
    for (std::size_t i = 0; i < table.values.size(); ++i)
        table.values[i] = 3 * table.values[i] + 0.7F;
    for (std::size_t i = 2; i < table.values.size(); i += std::size_t(channels))
        table.values[i] *= 40;
    for (const int row : {1, 7})
        for (int c = 0; c < channels; ++c) {
            float& value = table.values[std::size_t(row * channels + c)];
            value = std::abs(value);
        }
    table.values[7] = std::numeric_limits<float>::infinity();
    return table;
}

double normOf(const Norm& norm, const float* row, int channels, int channel) {
    double mean = 0, squares = 0;
    for (int c = 0; c < channels && !norm.bias.empty(); ++c)
        mean += double(row[c]) / channels;
    for (int c = 0; c < channels; ++c)
        squares += (row[c] - mean) * (row[c] - mean) / channels;
    const double y =
        (row[channel] - mean) / std::sqrt(squares + norm.epsilon) * norm.weight[std::size_t(channel)];
    return norm.bias.empty() ? y : y + norm.bias[std::size_t(channel)];
}

// As long as it lives, models are multiplied by the kernels on the host.
class Pretended {
public:
    Pretended() { pretendCudaLibrary(&host::library()); }
    ~Pretended() {
        pretendCudaLibrary(nullptr);
        host::refusedAbove = 0, host::capturable = true;
    }
};

EvaluateRequest bothWays(const std::string& model, const QString& recipe) {
    EvaluateRequest request;
    request.data.path = KURTOSCOPE_TESTS_DIR "/golden/" + model + "/text.txt";
    request.data.task = "fidelity";
    request.data.windows = 3, request.data.calibrationWindows = 3;
    request.recipes = {Recipe::parse(recipe.toStdString()), Recipe::parse(recipe.toStdString())};
    request.kernels = {KernelChoice::automatic, KernelChoice::simulated};
    request.latency = false;
    return request;
}

} // namespace

class CudaKernelsTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
#if defined(__SANITIZE_THREAD__)
        QSKIP("the thread sanitizer does not follow fibers");
#endif
    }

    void rowsHaveTheLevelsOfTheSimulation_data() {
        QTest::addColumn<int>("channels");
        QTest::addColumn<int>("bits");
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<int>("kind");
        QTest::addColumn<bool>("keeps");
        for (int channels : {16, 19, 768, 1100})
            for (int bits : {3, 8})
                for (bool symmetric : {true, false})
                    for (int kind = 0; kind < 3; ++kind)
                        for (bool keeps : {false, true})
                            QTest::addRow("%d channels, %d bits %s %s%s", channels, bits,
                                          symmetric ? "symmetric" : "asymmetric",
                                          kind == 0   ? "static"
                                          : kind == 1 ? "dynamic"
                                                      : "per-token",
                                          keeps ? ", kept" : "")
                                << channels << bits << symmetric << kind << keeps;
    }
    void rowsHaveTheLevelsOfTheSimulation() {
        QFETCH(int, channels);
        QFETCH(int, bits);
        QFETCH(bool, symmetric);
        QFETCH(int, kind);
        QFETCH(bool, keeps);
        const ValueTable table = tableOf(channels);
        const ActivationRule rule = ruleOf(bits, symmetric, kind);
        const std::set<int> kept = keeps ? std::set<int>{2, 11} : std::set<int>{};
        // A static range is that of the values themselves.
        Extent extent;
        for (int row = 0; row < 10; ++row) {
            std::vector<std::int32_t> inlier(std::size_t(channels), -1);
            for (const int channel : kept)
                inlier[std::size_t(channel)] = 0;
            const Extent one = extentOf(table.values.data() + row * channels, channels, inlier.data());
            extent = {std::min(extent.min, one.min), std::max(extent.max, one.max)};
        }
        const Grid fixed = Grid::over(extent.min, extent.max, bits, symmetric);
        ValueTable ends{1, 2, channels, std::vector<float>(std::size_t(2 * channels)), {}}; // the same range
        ends.values[0] = extent.min, ends.values[std::size_t(channels)] = extent.max;
        const std::vector<float> expected = roundValues(rule, table, kept, ends);
        const Made made = rowsOf(table, rule, kept, fixed);
        QCOMPARE(made.values(table, kept, table.values.data()), expected);
        for (std::int64_t row = 0; row < 10; ++row)
            for (std::int64_t place = 0; place < made.stride; ++place) {
                const int q = made.q[std::size_t(row * made.stride + place)];
                if (place >= channels)
                    QCOMPARE(q, 0);
                else if (kept.contains(int(place)))
                    QCOMPARE(q, made.zeros[std::size_t(row)]);
            }
    }

    void fullRangesReachOneLevelFurther() {
        ValueTable table{1, 3, 32, normals(96, 4), {}};
        table.values[5] = -9;
        const ActivationRule rule = ruleOf(8, true, 2, true);
        QCOMPARE(rowsOf(table, rule, {}, {}).values(table, {}, table.values.data()),
                 roundValues(rule, table, {}, table));
    }

    void aNaNSpoilsItsRowAlone() {
        ValueTable table{1, 3, 20, normals(60, 5), {}};
        table.values[25] = std::numeric_limits<float>::quiet_NaN();
        for (int kind = 0; kind < 3; ++kind) {
            const Made made = rowsOf(table, ruleOf(8, false, kind), {}, {0.1F, 3, -128, 127});
            QVERIFY(!std::isnan(made.scales[0]) && std::isnan(made.scales[1]) && !std::isnan(made.scales[2]));
        }
    }

    void rowsAreNormedInTheSameSweep_data() {
        QTest::addColumn<int>("channels");
        QTest::addColumn<bool>("layer");
        QTest::addColumn<int>("kind");
        for (int channels : {19, 768})
            for (bool layer : {true, false})
                for (int kind = 0; kind < 3; ++kind)
                    QTest::addRow("%d channels, %s, %d", channels, layer ? "layer norm" : "RMS norm", kind)
                        << channels << layer << kind;
    }
    void rowsAreNormedInTheSameSweep() {
        QFETCH(int, channels);
        QFETCH(bool, layer);
        QFETCH(int, kind);
        ValueTable table = tableOf(channels);
        table.values[7] = 1;
        const Norm norm{normals(std::size_t(channels), 1),
                        layer ? normals(std::size_t(channels), 2) : std::vector<float>(), 1e-5F};
        const ActivationRule rule = ruleOf(8, false, kind);
        const Grid fixed{0.05F, 7, -128, 127};
        const Made made = rowsOf(table, rule, {3}, fixed, &norm);
        for (int row = 0; row < 10; ++row)
            for (int c = 0; c < channels; ++c) {
                const double expected = normOf(norm, table.values.data() + row * channels, channels, c),
                             got = made.normed[std::size_t(row * channels + c)];
                QVERIFY2(std::abs(got - expected) <= 4e-6 * (1 + std::abs(expected)),
                         qPrintable(QString("%1 for %2").arg(got).arg(expected)));
            }
        // The same numbers as of the normed rows alone.
        ValueTable normed = table;
        normed.values = made.normed;
        const Made alone = rowsOf(normed, rule, {3}, fixed);
        QCOMPARE(made.q, alone.q);
        QCOMPARE(made.scales, alone.scales);
        QCOMPARE(made.zeros, alone.zeros);
        if (kind != 1)
            QCOMPARE(rowsOf(table, rule, {3}, fixed, &norm, false).q, alone.q); // nobody wants the floats
    }

    // Several ranges in one row, their channels in another order.
    void rangesLieSideBySide_data() {
        QTest::addColumn<int>("kind");
        for (int kind : {0, 1, 2})
            QTest::addRow("%d", kind) << kind;
    }
    void rangesLieSideBySide() {
        QFETCH(int, kind);
        const ValueTable table = tableOf(40);
        std::vector<int> channels(40);
        std::iota(channels.begin(), channels.end(), 0);
        std::shuffle(channels.begin(), channels.end(), std::mt19937(3));
        const std::vector<int> sizes{5, 17, 18};
        std::vector<std::int32_t> order, ends;
        std::vector<std::vector<int>> of;
        for (int size : sizes) {
            const auto first =
                channels.begin() + std::accumulate(sizes.begin(), sizes.begin() + long(of.size()), 0);
            of.emplace_back(first, first + size);
            order.insert(order.end(), of.back().begin(), of.back().end());
            order.resize((order.size() + 15) / 16 * 16, -1);
            ends.push_back(int(order.size()));
        }
        const std::vector<float> scales{0.5F, 0.2F, 2}, zeros{3, -4, 0};
        const std::int64_t stride = std::int64_t(order.size());
        std::vector<std::int8_t> q(std::size_t(10 * stride), 99);
        std::vector<float> rowScales(30), extents(12, 5);
        std::vector<std::int32_t> rowZeros(30);
        KurtoscopeCudaRows work{};
        work.x = table.values.data();
        work.sequences = 2, work.rows = work.positions = 5, work.channels = 40;
        work.lengths = table.lengths.data();
        work.order = order.data(), work.rangeEnd = ends.data(), work.ranges = 3;
        if (kind == 0) work.fixedScales = scales.data(), work.fixedZeros = zeros.data();
        work.perToken = kind == 2;
        work.extents = extents.data(), work.bits = 8;
        work.q = q.data(), work.stride = stride, work.scales = rowScales.data(), work.zeros = rowZeros.data();
        QVERIFY(!host::library().rows(&work));
        for (std::size_t range = 0; range < of.size(); ++range) {
            ValueTable part{2, 5, sizes[range], {}, table.lengths};
            for (int row = 0; row < 10; ++row)
                for (int channel : of[range])
                    part.values.push_back(table.values[std::size_t(row * 40 + channel)]);
            const ActivationRule rule = ruleOf(8, false, kind);
            const Made alone = rowsOf(part, rule, {}, {scales[range], zeros[range], -128, 127});
            if (kind > 0) QCOMPARE(alone.values(part, {}, nullptr), roundValues(rule, part, {}, part));
            const std::int64_t first = range == 0 ? 0 : ends[range - 1];
            for (std::int64_t row = 0; row < 10; ++row) {
                QCOMPARE(rowScales[std::size_t(row * 3) + range], alone.scales[std::size_t(row)]);
                QCOMPARE(rowZeros[std::size_t(row * 3) + range], alone.zeros[std::size_t(row)]);
                for (std::int64_t place = 0; first + place < ends[range]; ++place)
                    QCOMPARE(int(q[std::size_t(row * stride + first + place)]),
                             place < sizes[range] ? int(alone.q[std::size_t(row * alone.stride + place)])
                                                  : 0);
            }
        }
    }

    void roundsAsTheSimulation_data() {
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<int>("kind");
        for (bool symmetric : {true, false})
            for (int kind = 0; kind < 3; ++kind)
                QTest::addRow("%s %d", symmetric ? "symmetric" : "asymmetric", kind) << symmetric << kind;
    }
    void roundsAsTheSimulation() {
        QFETCH(bool, symmetric);
        QFETCH(int, kind);
        const ValueTable table = tableOf(77);
        const ActivationRule rule = ruleOf(8, symmetric, kind);
        const ValueTable calibration{1, 4, 77, normals(308, 9), {}};
        Extent extent;
        for (int row = 0; row < 4; ++row) {
            const Extent one = extentOf(calibration.values.data() + row * 77, 77, nullptr);
            extent = {std::min(extent.min, one.min), std::max(extent.max, one.max)};
        }
        std::vector<std::int32_t> inlier(77, -1);
        inlier[2] = 0;
        // What is kept has no part in the range.
        Extent without;
        for (int row = 0; row < 4; ++row) {
            const Extent one = extentOf(calibration.values.data() + row * 77, 77, inlier.data());
            without = {std::min(without.min, one.min), std::max(without.max, one.max)};
        }
        const Grid fixed = Grid::over(without.min, without.max, 8, symmetric);
        std::vector<float> out(table.values.size()), extents(4, 9);
        const KurtoscopeCudaRound work{
            table.values.data(), out.data(),     2,           5,          77, 5,         table.lengths.data(),
            inlier.data(),       extents.data(), fixed.scale, fixed.zero, 8,  symmetric, kind > 0,
            kind == 2,           nullptr};
        QVERIFY(!host::library().round(&work));
        QCOMPARE(out, roundValues(rule, table, {2}, calibration));
    }

    // Every float's bits that a narrower format can tell apart, and what lies half-way between.
    void narrowFloatsAreTheNearest() {
        std::vector<float> values;
        for (unsigned int bits = 0; bits < 1U << 16; ++bits)
            values.push_back(host::ofHalf(std::uint16_t(bits)));
        for (unsigned int bits = 0; bits < 0x7bff; ++bits) {
            const double middle =
                (double(host::ofHalf(std::uint16_t(bits))) + double(host::ofHalf(std::uint16_t(bits + 1)))) /
                2;
            for (double x : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, 1e9)})
                values.push_back(float(x));
        }
        for (float x : {65519.996F, 65520.0F, 70000.0F, 463.9F, 464.0F, 448.0F, 1e-30F, 1e30F})
            values.insert(values.end(), {x, -x});
        ActivationRule rule;
        rule.format = Format::fp16;
        const ValueTable all{1, 1, int(values.size()), values, {}};
        const std::vector<float> halves = roundValues(rule, all, {}, all);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const float got = host::ofHalf(halfBits(values[i]));
            QVERIFY2(got == halves[i] || (std::isnan(got) && std::isnan(halves[i])),
                     qPrintable(QString::number(double(values[i]))));
            // A scale of 1: the largest is the format's own.
            if (std::isnan(values[i])) continue;
            const float size = std::min(std::abs(values[i]), 448.0F);
            float nearest = 0;
            int code = 0;
            for (int candidate = 0; candidate < 0x7f; ++candidate) {
                const float there = host::ofE4m3(std::uint8_t(candidate));
                const double mine = std::abs(double(there) - double(size)),
                             best = std::abs(double(nearest) - double(size));
                if (mine < best || (mine == best && candidate % 2 == 0)) nearest = there, code = candidate;
            }
            QCOMPARE(int(e4m3Bits(values[i])), code | (std::signbit(values[i]) ? 0x80 : 0));
        }
        QVERIFY(std::isnan(host::ofE4m3(e4m3Bits(std::numeric_limits<float>::quiet_NaN()))));
    }

    void finishesAsTheProcessorDoes_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("outputs");
        QTest::addColumn<int>("inputs");
        QTest::addColumn<int>("kept");
        const int sizes[][4] = {
            {1, 1, 1, 0}, {33, 32, 64, 0}, {5, 37, 75, 3}, {17, 384, 96, 8}, {40, 300, 31, 31}};
        for (const auto& s : sizes)
            QTest::addRow("%d rows, %d outputs, %d inputs, %d kept", s[0], s[1], s[2], s[3])
                << s[0] << s[1] << s[2] << s[3];
    }
    void finishesAsTheProcessorDoes() {
        QFETCH(int, rows);
        QFETCH(int, outputs);
        QFETCH(int, inputs);
        QFETCH(int, kept);
        std::mt19937 random(unsigned(rows * 1000 + inputs));
        const auto some = [&](int most) { return int(random() % unsigned(2 * most)) - most; };
        const std::int64_t stride = (outputs + 15) / 16 * 16, paddedRows = (rows + 15) / 16 * 16;
        std::vector<std::int8_t> w(std::size_t(outputs * inputs));
        std::vector<float> scales, bias, columns;
        std::vector<int> channels;
        for (auto& value : w)
            value = std::int8_t(some(127));
        for (int output = 0; output < outputs; ++output)
            scales.push_back(0.001F * float(1 + random() % 50)), bias.push_back(float(some(100)) / 7);
        for (int k = 0; k < kept; ++k) {
            channels.push_back(k * inputs / kept);
            for (int output = 0; output < outputs; ++output) {
                columns.push_back(float(some(100)) / 11);
                w[std::size_t(output * inputs + channels.back())] = 0;
            }
        }
        const PackedWeight packed(w.data(), outputs, inputs, scales, bias.data(), channels, columns);
        IntegerRows x;
        x.rows = rows, x.channels = inputs, x.stride = (inputs + 31) / 32 * 32;
        x.values = AlignedBytes(std::size_t(x.rows * x.stride)), x.keptCount = kept;
        std::vector<std::int32_t> sums(std::size_t(paddedRows * stride), 7),
            columnSums(std::size_t(outputs), 0);
        std::vector<float> whole(std::size_t(rows) * std::size_t(inputs));
        for (std::int64_t row = 0; row < rows; ++row) {
            for (std::int64_t i = 0; i < inputs; ++i)
                x.values.as<std::int8_t>()[row * x.stride + i] = std::int8_t(some(128));
            x.sums.push_back(std::accumulate(x.values.as<std::int8_t>() + row * x.stride,
                                             x.values.as<std::int8_t>() + row * x.stride + inputs, 0));
            x.zeros.push_back(some(128)), x.scales.push_back(0.01F * float(1 + random() % 30));
            for (int channel : channels) {
                x.kept.push_back(float(some(1000)) / 3);
                whole[std::size_t(row * inputs + channel)] = x.kept.back();
            }
            for (std::int64_t output = 0; output < outputs; ++output) {
                std::int32_t sum = 0;
                for (std::int64_t i = 0; i < inputs; ++i)
                    sum +=
                        x.values.as<std::int8_t>()[row * x.stride + i] * w[std::size_t(output * inputs + i)];
                sums[std::size_t(row * stride + output)] = sum;
            }
        }
        for (std::int64_t output = 0; output < outputs; ++output)
            for (std::int64_t i = 0; i < inputs; ++i)
                columnSums[std::size_t(output)] += w[std::size_t(output * inputs + i)];
        std::vector<float> expected(std::size_t(rows) * std::size_t(outputs)), out(expected.size() + 4, -9);
        packed.multiplyPlainly(x, expected.data());
        KurtoscopeCudaFinish work{};
        work.sums = sums.data(), work.parts = 1, work.rows = rows, work.outputs = outputs;
        work.sumsStride = stride, work.partStride = paddedRows * stride, work.ranges = 1;
        work.rowScales = x.scales.data(), work.rowZeros = x.zeros.data();
        work.columnScales = scales.data(), work.columnSums = columnSums.data(), work.bias = bias.data();
        work.x = whole.data(), work.channels = inputs, work.kept = channels.data(), work.keptCount = kept;
        work.keptColumns = columns.data(), work.out = out.data();
        QVERIFY(!host::library().finish(&work));
        QCOMPARE(std::vector<float>(out.begin(), out.end() - 4), expected); // to the last bit
        QCOMPARE(out.back(), -9.0F);

        // Onto what is there, then an activation function, factors and terms.
        const std::vector<float> times = normals(expected.size(), 5), plus = normals(expected.size(), 6);
        work.onto = out.data(), work.bias = nullptr, work.keptCount = 0;
        work.times = times.data(), work.plus = plus.data();
        for (int activation = kurtoscopeNoActivation; activation <= kurtoscopeSilu; ++activation) {
            std::copy(expected.begin(), expected.end(), out.begin());
            work.activation = activation;
            QVERIFY(!host::library().finish(&work));
            for (std::size_t i = 0; i < expected.size(); ++i) {
                const std::size_t row = i / std::size_t(outputs), column = i % std::size_t(outputs);
                const double sum = double(sums[row * std::size_t(stride) + column]) -
                                   double(x.zeros[row]) * columnSums[column];
                const double y = double(expected[i]) + sum * double(x.scales[row] * scales[column]);
                const double made =
                    activation == kurtoscopeGelu   ? 0.5 * y * (1 + std::erf(y / std::sqrt(2.0)))
                    : activation == kurtoscopeRelu ? std::max(0.0, y)
                    : activation == kurtoscopeSilu ? y / (1 + std::exp(-y))
                    : activation == kurtoscopeGeluTanh
                        ? 0.5 * y * (1 + std::tanh(std::sqrt(2 / M_PI) * (y + 0.044715 * y * y * y)))
                        : y;
                const double result = made * double(times[i]) + double(plus[i]);
                const double size = std::abs(expected[i]) + std::abs(y) + 1;
                QVERIFY2(
                    std::abs(double(out[i]) - result) <= 3e-6 * size * (1 + std::abs(double(times[i]))),
                    qPrintable(QString("%1 for %2, function %3").arg(out[i]).arg(result).arg(activation)));
            }
        }
    }

    // Products of several parts, each with a range of its own, add up.
    void partsAddUp() {
        const int rows = 3, outputs = 20, stride = 32, parts = 3;
        std::vector<std::int32_t> sums(std::size_t(parts * 16 * stride));
        std::vector<float> floatSums(sums.size());
        std::mt19937 random(1);
        for (std::size_t i = 0; i < sums.size(); ++i)
            floatSums[i] = float(sums[i] = int(random() % 20000) - 10000);
        const std::vector<float> rowScales = normals(rows * parts, 1),
                                 columnScales = normals(parts * outputs, 2),
                                 gathered = normals(16 * stride, 3), gatheredScales{1, 2, 4};
        for (const bool isFloat : {false, true}) {
            std::vector<float> out(rows * outputs);
            KurtoscopeCudaFinish work{};
            work.sums = isFloat ? static_cast<const void*>(floatSums.data()) : sums.data();
            work.isFloat = isFloat, work.parts = parts, work.rows = rows, work.outputs = outputs;
            work.sumsStride = stride, work.partStride = 16 * stride;
            work.rowScales = rowScales.data(), work.ranges = parts, work.columnScales = columnScales.data();
            for (int part = 0; part < parts; ++part)
                work.range[part] = part;
            work.gathered = gathered.data(), work.gatheredScales = gatheredScales.data();
            work.out = out.data();
            QVERIFY(!host::library().finish(&work));
            for (int row = 0; row < rows; ++row)
                for (int output = 0; output < outputs; ++output) {
                    float y = 0;
                    for (int part = 0; part < parts; ++part)
                        y = std::fma(floatSums[std::size_t((part * 16 + row) * stride + output)],
                                     rowScales[std::size_t(row * parts + part)] *
                                         columnScales[std::size_t(part * outputs + output)],
                                     y);
                    y = std::fma(gathered[std::size_t(row * stride + output)],
                                 gatheredScales[std::size_t(row)], y);
                    QCOMPARE(out[std::size_t(row * outputs + output)], y);
                }
        }
    }

    void gathersColumnsAsHalves() {
        const int rows = 11, channels = 50;
        std::vector<float> x = normals(rows * channels, 8);
        for (int row = 0; row < rows; ++row)
            x[std::size_t(row * channels + 7)] *= std::pow(10.0F, float(row) - 2); // beyond what a half holds
        std::fill_n(x.begin() + 3 * channels, channels, 0.0F);
        const std::vector<std::int32_t> chosen{1, 7, 8, 20, 49};
        std::vector<std::uint16_t> out(rows * 8, 0xffff);
        std::vector<float> scales(rows);
        const KurtoscopeCudaGather work{x.data(), rows,       channels,      chosen.data(), 5,
                                        8,        out.data(), scales.data(), nullptr};
        QVERIFY(!host::library().gather(&work));
        for (int row = 0; row < rows; ++row) {
            float largest = 0;
            for (int i = 0; i < 5; ++i)
                largest =
                    std::max(largest, std::abs(x[std::size_t(row * channels + chosen[std::size_t(i)])]));
            for (int i = 0; i < 8; ++i) {
                const float got = host::ofHalf(out[std::size_t(row * 8 + i)]) * scales[std::size_t(row)];
                const float expected = i < 5 ? x[std::size_t(row * channels + chosen[std::size_t(i)])] : 0;
                QVERIFY(std::abs(got - expected) <= largest * 0x1p-11F);
            }
        }
    }

    void modelsAnswerAsSimulated_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<KernelTag>("tag");
        const auto add = [](const char* model, std::initializer_list<const char*> recipes, KernelTag tag) {
            for (const char* recipe : recipes)
                QTest::addRow("%s %s", model, recipe) << model << recipe << tag;
        };
        for (const char* model : {"tiny-llama", "tiny-bert-classifier"}) {
            add(model,
                {"w8a8", "w8a8:dynamic=on", "w8a8:activation=per-token", "w8a8:dynamic=on,symmetric=off",
                 "w8a8:activation=per-token,symmetric=off,keep=top:3", "w8a8:keep=top:40",
                 "smoothquant:activation=per-token", "rotation", "peg:groups=3", "peg:groups=6,keep=top:2",
                 "peg:groups=2,permute=off,dynamic=on", "peg:groups=8,dynamic=on", "w4a8:weight_group=32",
                 "gptq:bits=8,group=0+w8a8:weight_bits=16,activation=per-token,keep=top:2"},
                KernelTag::integer);
            add(model, {"fp8", "fp8:keep=top:2", "fp16:keep=top:3", "bf16"}, KernelTag::floating);
        }
        add("tiny-gpt2", {"w8a8:symmetric=off", "w8a8:activation=per-token+head", "w8a8:activation=per-token,keep=top:3"}, KernelTag::integer);
    }
    void modelsAnswerAsSimulated() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        QFETCH(KernelTag, tag);
        const Pretended pretended;
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/" + model.toStdString());
        EvaluateRequest request = bothWays(model.toStdString(), recipe);
        const std::int64_t before = host::products;
        // Three of five texts must be clear of values that last bits tip over to the next level. Halves are
        // so near to FP32 that what float32's own last bits make is as large; 40 kept channels are halves, of
        // 11 bits.
        const double noise = recipe.startsWith("fp16") ? 1e-4 : 5e-6,
                     bound = recipe.contains("top:40") ? 0.02 : 0.002;
        std::vector<double> apart;
        for (const int length : {12, 14, 16, 18, 20}) {
            request.data.length = length;
            const auto readings = workbench.evaluate(request);
            QCOMPARE(readings[0].kernels, tag);
            QCOMPARE(readings[1].kernels, KernelTag::simulated);
            QVERIFY(*readings[1].klMean > 0);
            apart.push_back(std::abs(*readings[0].klMean - *readings[1].klMean) /
                            (*readings[1].klMean + noise));
        }
        QVERIFY(host::products > before);
        std::sort(apart.begin(), apart.end());
        QVERIFY2(apart[2] < bound, qPrintable(QString::number(apart[2])));
    }

    // Weights are shared by recipes that differ in their inputs' zero points alone.
    void recipesThatShareWeightsAnswerAsAlone_data() {
        QTest::addColumn<QStringList>("recipes");
        const QStringList both{"w8a8", "w8a8:symmetric=off"},
            grouped{"peg:groups=2", "peg:groups=2,symmetric=off"};
        for (const QStringList& pair : {both, grouped}) {
            QTest::addRow("%s first", qPrintable(pair[0])) << pair;
            QTest::addRow("%s first", qPrintable(pair[1])) << QStringList{pair[1], pair[0]};
        }
    }
    void recipesThatShareWeightsAnswerAsAlone() {
        QFETCH(QStringList, recipes);
        const Pretended pretended;
        const auto divergences = [](const QStringList& asked) {
            Workbench workbench({DeviceKind::cpu, 1, 1});
            workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
            EvaluateRequest request = bothWays("tiny-llama", asked.first());
            request.data.length = 16;
            request.recipes.clear(), request.kernels.clear();
            for (const QString& recipe : asked)
                request.recipes.push_back(Recipe::parse(recipe.toStdString()));
            std::vector<double> all;
            for (const Reading& reading : workbench.evaluate(request))
                all.push_back(*reading.klMean);
            return all;
        };
        const std::vector<double> together = divergences(recipes);
        for (int i = 0; i < 2; ++i)
            QCOMPARE(together[std::size_t(i)], divergences({recipes[i]}).front());
    }

    void passesArePlayedFromGraphs() {
        const Pretended pretended;
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
        BenchRequest request;
        request.recipes = {Recipe::parse("fp32"), Recipe::parse("w8a8"),
                           Recipe::parse("w8a8:weight_levels=full")};
        request.batches = {1, 2}, request.lengths = {8};
        request.runs = 5, request.machine = false;
        const int before = host::graphsPlayed;
        for (const BenchResult& one : workbench.bench(request).results) {
            QCOMPARE(one.graph, one.recipe < 2); // what is simulated is run step by step
            QVERIFY(one.graphShortfall.empty());
        }
        QVERIFY(host::graphsPlayed >= before + 2 * 2 * 5);
        QCOMPARE(host::graphsHeld, 0); // gone with what timed them
        host::capturable = false;
        for (const BenchResult& one : workbench.bench(request).results) {
            QVERIFY(!one.graph);
            QCOMPARE(one.graphShortfall.find("could not be recorded") != std::string::npos, one.recipe < 2);
        }
        request.graphs = false;
        QVERIFY(workbench.bench(request).results.front().graphShortfall.empty());
    }

    void whatIsRefusedIsSaid() {
        const Pretended pretended;
        host::refusedAbove = 32; // what is tried while weights are packed is not
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
        EvaluateRequest request = bothWays("tiny-llama", "w8a8:activation=per-token,symmetric=off");
        request.data.length = 48;
        std::vector<std::string> notes;
        request.onNote = [&](const std::string& note) { notes.push_back(note); };
        const auto readings = workbench.evaluate(request);
        QCOMPARE(readings[0].kernels, KernelTag::simulated);
        QVERIFY(std::abs(*readings[0].klMean / *readings[1].klMean - 1) < 0.05);
        QVERIFY(!notes.empty());
        QVERIFY2(notes.front().find("multiplied in float32") != std::string::npos, notes.front().c_str());
    }

    // Of a size that is refused, and not of the next.
    void benchSaysWhatIsRefused() {
        const Pretended pretended;
        host::refusedAbove = 32;
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
        BenchRequest request;
        request.recipes = {Recipe::parse("w8a8"), Recipe::parse("w8a8"),
                           Recipe::parse("w8a8:weight_levels=full")};
        request.kernels = {KernelChoice::automatic, KernelChoice::simulated, KernelChoice::automatic};
        request.lengths = {48, 8}, request.runs = 5, request.machine = false;
        const std::vector<BenchResult> results = workbench.bench(request).results;
        QVERIFY(results[0].shortfall.find("multiplied in float32") != std::string::npos);
        QCOMPARE(results[0].kernels, KernelTag::simulated);
        QVERIFY(results[3].shortfall.empty());
        QCOMPARE(results[3].kernels, KernelTag::integer);
        for (const std::size_t size : {0, 3}) {
            QVERIFY(results[size + 1].shortfall.empty()); // asked for so
            QVERIFY(results[size + 2].shortfall.find("no plain integers") != std::string::npos);
        }
    }

    void whatIsRefusedIsNotPackedAgain() {
        const Pretended pretended;
        host::refusedAbove = 16; // fewer rows than any product has
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
        EvaluateRequest request = bothWays("tiny-llama", "w8a8");
        request.data.length = 16;
        std::vector<std::string> notes;
        request.onNote = [&](const std::string& note) { notes.push_back(note); };
        std::int64_t before = host::asked;
        QCOMPARE(workbench.evaluate(request)[0].kernels, KernelTag::simulated);
        QVERIFY(host::asked > before);
        before = host::asked;
        QCOMPARE(workbench.evaluate(request)[0].kernels, KernelTag::simulated);
        QCOMPARE(host::asked, before);
        QCOMPARE(notes.size(), std::size_t(2)); // each evaluation says it
    }

    void aPassFromAGraphIsStopped() {
        const Pretended pretended;
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
        EvaluateRequest request = bothWays("tiny-llama", "w8a8");
        request.data.length = 16;
        request.recipes.resize(1), request.kernels.resize(1);
        request.latency = true;
        std::stop_source source;
        const auto stopAtLatency = [&](const Progress& progress) {
            if (progress.phase == "Measuring latency") source.request_stop();
        };
        const int before = host::graphsPlayed;
        QVERIFY_EXCEPTION_THROWN(workbench.evaluate(request, source.get_token(), {}, stopAtLatency),
                                 Cancelled);
        QVERIFY(host::graphsPlayed <= before + 2); // recorded and played once before the first progress
    }

    void whatHasNoKernelIsSimulatedAndSaid() {
        const Pretended pretended;
        Workbench workbench({DeviceKind::cpu, 1, 1});
        workbench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-llama");
        EvaluateRequest request = bothWays("tiny-llama", "w8a8:weight_levels=full");
        request.data.length = 16;
        std::vector<std::string> notes;
        request.onNote = [&](const std::string& note) { notes.push_back(note); };
        QCOMPARE(workbench.evaluate(request)[0].kernels, KernelTag::simulated);
        QVERIFY(!notes.empty());
        QVERIFY2(notes.front().find("no plain integers") != std::string::npos, notes.front().c_str());
    }
};

QTEST_APPLESS_MAIN(CudaKernelsTest)
#include "test_cuda_kernels.moc"
