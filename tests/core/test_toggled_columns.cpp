// SPDX-License-Identifier: GPL-3.0-or-later
// A packed weight after a toggle against one that is packed from the start.
#include <QtTest>

#include "core/quantization/toggled_columns.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace kurtoscope;

namespace {

std::vector<float> normals(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    std::generate(values.begin(), values.end(), [&] { return normal(random); });
    return values;
}

} // namespace

class ToggledColumnsTest : public QObject {
    Q_OBJECT

private slots:
    // A weight packed with some channels kept, turned into the one with others: each bit as if packed anew,
    // and no more rows made anew than have another scale. `channels`: of a part; empty: of all.
    void areAsPackedAnew_data() {
        QTest::addColumn<QList<int>>("before");
        QTest::addColumn<QList<int>>("now");
        QTest::addColumn<bool>("part");
        const QList<int> none, one{5}, other{40, 41}, many{0, 5, 17, 41, 63, 95, 96};
        for (const bool part : {false, true}) {
            const char* of = part ? ", a part" : "";
            QTest::addRow("one is kept%s", of) << none << one << part;
            QTest::addRow("one no longer%s", of) << one << none << part;
            QTest::addRow("an outlier%s", of) << one << QList<int>{3, 5} << part;
            QTest::addRow("an outlier no longer%s", of) << QList<int>{3} << none << part;
            QTest::addRow("some for others%s", of) << other << many << part;
            QTest::addRow("many no longer%s", of) << many << other << part;
            QTest::addRow("nothing%s", of) << many << many << part;
        }
    }
    void areAsPackedAnew() {
        QFETCH(QList<int>, before);
        QFETCH(QList<int>, now);
        QFETCH(bool, part);
        constexpr int outputs = 37, inputs = 97;
        std::vector<float> w = normals(outputs * inputs, 12), bias = normals(outputs, 13);
        for (int output = 0; output < outputs; ++output)
            w[std::size_t(output * inputs + 3)] *= output % 2 ? 50 : 1; // decides every other row's range
        std::fill_n(w.begin() + 4 * inputs, inputs, 0.0F);
        w[4 * inputs + 5] = 1; // a row of one number, and without it of none
        w[6 * inputs + 40] = std::numeric_limits<float>::infinity();
        std::vector<std::int64_t> channels;
        for (int i = 0; part && i < inputs; i += 1 + i % 3)
            channels.push_back(i);
        WeightRule rule;
        rule.bits = 8, rule.symmetric = true, rule.granularity = Granularity::per_channel;
        const auto anew = [&](const QList<int>& list) {
            const std::set<int> kept(list.begin(), list.end());
            std::vector<std::int8_t> q;
            std::vector<float> scales, columns;
            std::vector<int> places;
            for (int output = 0; output < outputs; ++output) {
                float most = 0;
                for (int i = 0; i < inputs; ++i)
                    if (const float size = std::abs(w[std::size_t(output * inputs + i)]);
                        !kept.contains(i) && std::isfinite(size))
                        most = std::max(most, size);
                const float scale = most / 127 > 0 ? most / 127 : 1;
                scales.push_back(scale);
                for (std::size_t at = 0; at < (part ? channels.size() : std::size_t(inputs)); ++at) {
                    const int i = part ? int(channels[at]) : int(at);
                    const float x = w[std::size_t(output * inputs + i)] / scale;
                    q.push_back(kept.contains(i)
                                    ? std::int8_t{0}
                                    : std::int8_t(std::nearbyint(std::clamp(x, -127.0F, 127.0F))));
                    if (output == 0 && kept.contains(i)) places.push_back(int(at));
                }
            }
            for (const int place : places)
                for (int output = 0; output < outputs; ++output)
                    columns.push_back(
                        w[std::size_t(output * inputs + (part ? int(channels[std::size_t(place)]) : place))]);
            return PackedWeight(q.data(), outputs, part ? std::int64_t(channels.size()) : inputs, scales,
                                bias.data(), places, columns);
        };
        const PackedWeight base = anew(before), expected = anew(now);
        const std::set<int> keptBefore(before.begin(), before.end()), kept(now.begin(), now.end());
        const auto change = toggledColumns(base, channels, keptBefore, {w.data(), inputs, rule, kept});
        QVERIFY(change);
        const PackedWeight made(base, *change);
        QCOMPARE(made.bytes(), expected.bytes());
        QCOMPARE(made.keptInputs(), expected.keptInputs());
        const auto same = [&](const auto* a, const auto* b, std::int64_t count) {
            return std::memcmp(a, b, std::size_t(count) * sizeof *a) == 0;
        };
        const std::int64_t padded = made.paddedOutputs();
        QVERIFY(same(made.panelAt(0), expected.panelAt(0), padded * made.groups() * 4));
        QVERIFY(same(made.scales(), expected.scales(), padded));
        QVERIFY(same(made.sums(), expected.sums(), padded));
        QVERIFY(same(made.bias(), expected.bias(), padded));
        if (!made.keptInputs().empty())
            QVERIFY(same(made.keptColumn(0), expected.keptColumn(0),
                         padded * std::int64_t(made.keptInputs().size())));
        std::vector<std::int64_t> others;
        for (std::int64_t output = 0; output < outputs; ++output)
            if (base.scales()[output] != expected.scales()[output]) others.push_back(output);
        QCOMPARE(change->rows, others);
    }

    void sayWhenAllIsToBePacked() {
        std::vector<float> w = normals(4 * 32, 3);
        w[32 + 7] = std::numeric_limits<float>::quiet_NaN();
        WeightRule rule;
        rule.bits = 8, rule.symmetric = true, rule.granularity = Granularity::per_channel;
        const std::vector<std::int8_t> q(4 * 32, 1);
        const PackedWeight base(q.data(), 4, 32, {0.1F, 0.1F, 0.1F, 0.1F}, nullptr, {}, {});
        const auto changes = [&](const std::set<int>& before, const std::set<int>& now) {
            return toggledColumns(base, {}, before, {w.data(), 32, rule, now}).has_value();
        };
        QVERIFY(changes({}, {1, 2, 3, 4}));
        QVERIFY(!changes({}, {1, 2, 3, 4, 5})); // more than an eighth
        QVERIFY(changes({}, {7}));
        QVERIFY(!changes({7}, {})); // no integer stands for a NaN
        rule.granularity = Granularity::per_tensor;
        QVERIFY(!changes({}, {1})); // every row's scale may be another
    }
};

QTEST_APPLESS_MAIN(ToggledColumnsTest)
#include "test_toggled_columns.moc"
