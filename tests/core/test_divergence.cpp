// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/divergence.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace kurtoscope;

namespace {

std::vector<float> logSoftmax(std::mt19937& random, std::size_t count, float spread) {
    std::normal_distribution<double> logits(0, double(spread));
    std::vector<double> values(count);
    double sum = 0;
    for (double& value : values)
        value = logits(random), sum += std::exp(value);
    std::vector<float> logs;
    for (const double value : values)
        logs.push_back(static_cast<float>(value - std::log(sum)));
    return logs;
}

} // namespace

class TestDivergence : public QObject {
    Q_OBJECT
private slots:
    void isTheDefinition_data() {
        QTest::addColumn<int>("count");
        QTest::addColumn<float>("spread");
        for (const int count : {1, 2, 7, 64, 4097, 49152})
            for (const float spread : {0.1F, 3.0F, 30.0F})
                QTest::addRow("%d entries, logits within about %g", count, double(spread)) << count << spread;
    }
    void isTheDefinition() {
        QFETCH(int, count);
        QFETCH(float, spread);
        std::mt19937 random(3);
        constexpr std::size_t rows = 5;
        const auto n = std::size_t(count);
        std::vector<float> p, q;
        for (std::size_t row = 0; row < rows; ++row) {
            const auto a = logSoftmax(random, n, spread), b = logSoftmax(random, n, spread);
            p.insert(p.end(), a.begin(), a.end());
            q.insert(q.end(), b.begin(), b.end());
        }
        std::copy_n(p.begin(), n, q.begin()); // one row that agrees
        std::vector<float> kl(rows);
        const std::int64_t agreed = compareDistributions(p.data(), q.data(), rows, count, kl.data());
        std::int64_t expected = 0;
        for (std::size_t row = 0; row < rows; ++row) {
            const auto a = p.begin() + std::ptrdiff_t(row * n), b = q.begin() + std::ptrdiff_t(row * n);
            double sum = 0, size = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const double term = std::exp(double(a[i])) * (double(a[i]) - double(b[i]));
                sum += term, size += std::abs(term);
            }
            QVERIFY2(std::abs(double(kl[row]) - std::max(0.0, sum)) <= 2e-6 * size + 1e-30,
                     qPrintable(QString("row %1: %2, %3").arg(row).arg(double(kl[row])).arg(sum)));
            expected += std::max_element(a, a + count) - a == std::max_element(b, b + count) - b;
        }
        QCOMPARE(kl.front(), 0.0F);
        QCOMPARE(agreed, expected);
    }

    void firstOfEqualsIsTheLikeliest() {
        const std::vector<float> p{-1, -1, -2}, later{-2, -1, -1};
        float kl = 0;
        QCOMPARE(compareDistributions(p.data(), later.data(), 1, 3, &kl), std::int64_t(0));
        const std::vector<float> alone{-1, -3, -2};
        QCOMPARE(compareDistributions(p.data(), alone.data(), 1, 3, &kl), std::int64_t(1));
    }

    void nanIsNotHidden() {
        const std::vector<float> p{-1, -2, -3}, q{-1, NAN, -3};
        float kl = 0;
        compareDistributions(p.data(), q.data(), 1, 3, &kl);
        QVERIFY(std::isnan(kl));
        compareDistributions(q.data(), p.data(), 1, 3, &kl);
        QVERIFY(std::isnan(kl));
    }
};

QTEST_APPLESS_MAIN(TestDivergence)
#include "test_divergence.moc"
