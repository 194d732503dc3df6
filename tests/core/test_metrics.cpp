// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/evaluation/metrics.h"
#include "tests/support/failure.h"
#include "tests/support/statistics_table.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <random>

using namespace kurtoscope;

namespace {

bool near(double got, double expected, double relative = 1e-12) {
    return std::abs(got - expected) <= relative * std::max(1.0, std::abs(expected));
}

using List = std::vector<double>;

} // namespace

class TestMetrics : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void correlationsEqualScipy();
    void ranksShareTies();
    void correlationsWithoutVariationAreUnknown();
    void quantilesEqualNumpy();
    void ratioEqualsReference();
    void pairedDifferenceEqualsScipy();
    void perplexityIsExpOfTheMean();
    void perplexityErrorIsHonest();
    void pairingShrinksTheError();
    void oneWindowHasNoError();
    void jackknifeOfAMeanIsItsError();
    void spearmanErrorIsHonest();
    void spearmanDifferenceIsPaired();
    void pullsGiveThePairedError();
    void unequalListsAreRefused();

private:
    nlohmann::json golden_;
    List a_, b_;
};

void TestMetrics::initTestCase() {
    golden_ = nlohmann::json::parse(readFile(KURTOSCOPE_TESTS_DIR "/golden/statistics.json"));
    const int rows = golden_["rows"], channels = golden_["channels"];
    const auto table = test::statisticsTable(rows, channels);
    for (int r = 0; r < rows; ++r) {
        const float first = table[static_cast<std::size_t>(r * channels)];
        a_.push_back(static_cast<double>(first));
        // The generator works in float32 here, as numpy does.
        b_.push_back(static_cast<double>(table[static_cast<std::size_t>(r * channels + 1)] +
                                         0.3F * (first * first * first)));
    }
}

void TestMetrics::correlationsEqualScipy() {
    QVERIFY(near(pearson(a_, b_), golden_["pearson"], 1e-6));
    QVERIFY(near(spearman(a_, b_), golden_["spearman"], 1e-9));
    List ties = b_;
    for (double& x : ties)
        x = std::nearbyint(x);
    QVERIFY(near(spearman(a_, ties), golden_["spearmanTies"], 1e-9));
    QCOMPARE(averageRanks(std::span(ties).first(20)), golden_["ranksTies"].get<List>());
    QCOMPARE(pearson(a_, a_), 1.0);
}

void TestMetrics::ranksShareTies() {
    QCOMPARE(averageRanks(List{10, 30, 10, 20, 10}), (List{2, 5, 2, 4, 2}));
    QVERIFY(averageRanks(List{}).empty());
}

void TestMetrics::correlationsWithoutVariationAreUnknown() {
    QVERIFY(std::isnan(pearson(List{1, 1, 1}, List{1, 2, 3})));
    QVERIFY(std::isnan(spearman(List{1}, List{2})));
    QVERIFY(std::isnan(spearman(List{1, std::nan(""), 3}, List{1, 2, 3})));
}

void TestMetrics::quantilesEqualNumpy() {
    for (const auto& entry : golden_["quantiles"])
        QVERIFY(near(quantile(b_, entry[0]), entry[1], 1e-6));
    QCOMPARE(quantile({4, 1, 3, 2}, 0.5), 2.5);
    QCOMPARE(quantile({7}, 0.99), 7.0);
    QVERIFY(std::isnan(quantile({}, 0.5)));
}

void TestMetrics::ratioEqualsReference() {
    List nll, counts;
    for (std::size_t i = 0; i < 40; ++i) {
        nll.push_back(std::abs(a_[i]) * 30 + 500);
        counts.push_back(i % 3 != 0 ? 255.0 : 101.0);
    }
    const Estimate got = ratio(nll, counts);
    QVERIFY(near(got.value, golden_["ratio"][0]));
    QVERIFY(near(got.standardError, golden_["ratio"][1]));
    QVERIFY(std::isnan(ratio(List{}, List{}).value));
}

void TestMetrics::pairedDifferenceEqualsScipy() {
    List nll, other;
    for (std::size_t i = 0; i < 40; ++i) {
        nll.push_back(std::abs(a_[i]) * 30 + 500);
        other.push_back(nll.back() + std::abs(b_[i]) * 3);
    }
    const Estimate got = pairedDifference(other, nll);
    QVERIFY(near(got.value, golden_["pairedDifference"][0], 1e-6));
    QVERIFY(near(got.standardError, golden_["pairedDifference"][1], 1e-6));
}

void TestMetrics::perplexityIsExpOfTheMean() {
    const Estimate got = perplexity(List{255 * std::log(30.0), 255 * std::log(34.0)}, List{255, 255});
    QVERIFY(near(got.value, std::sqrt(30.0 * 34.0)));
    const Estimate same = perplexity(List{255 * std::log(30.0), 100 * std::log(30.0)}, List{255, 100});
    QVERIFY(near(same.value, 30) && same.standardError < 1e-9);
    QVERIFY(std::isinf(perplexity(List{1e6, 1e6}, List{1, 1}).value));
}

// The stated error against the spread of the figure over many repetitions of the same experiment.
void TestMetrics::perplexityErrorIsHonest() {
    std::mt19937 random(2);
    std::normal_distribution<double> level(3.4, 0.3);
    RunningMean scores, errors;
    for (int repeat = 0; repeat < 2000; ++repeat) {
        List nll, counts;
        for (int w = 0; w < 16; ++w) {
            counts.push_back(w % 4 == 0 ? 120 : 255);
            nll.push_back(level(random) * counts.back());
        }
        const Estimate got = perplexity(nll, counts);
        scores.add(got.value);
        errors.add(got.standardError);
    }
    const double spread = std::sqrt(scores.variance());
    QVERIFY2(std::abs(errors.mean() / spread - 1) < 0.1, qPrintable(QString::number(errors.mean() / spread)));
}

void TestMetrics::pairingShrinksTheError() {
    std::mt19937 random(3);
    std::normal_distribution<double> level(3.4, 0.5), small(0.02, 0.01);
    List a, b, counts;
    for (int w = 0; w < 20; ++w) {
        counts.push_back(255);
        b.push_back(level(random) * 255);
        a.push_back(b.back() + small(random) * 255);
    }
    const Estimate difference = perplexityDifference(a, b, counts);
    QVERIFY(near(difference.value, perplexity(a, counts).value - perplexity(b, counts).value));
    QVERIFY(difference.standardError < perplexity(a, counts).standardError / 5);
    QVERIFY(std::abs(difference.value) > 2 * difference.standardError);
    const Estimate none = perplexityDifference(b, b, counts);
    QVERIFY(none.value == 0 && none.standardError == 0);
    const Estimate means = ratioDifference(a, b, counts);
    QVERIFY(near(means.value, ratio(a, counts).value - ratio(b, counts).value));
}

void TestMetrics::oneWindowHasNoError() {
    const Estimate got = perplexity(List{500}, List{255});
    QVERIFY(std::isfinite(got.value) && std::isnan(got.standardError));
    RunningMean mean;
    QVERIFY(std::isnan(mean.estimate().value));
    mean.add(3);
    QVERIFY(mean.estimate().value == 3 && std::isnan(mean.estimate().standardError));
}

void TestMetrics::jackknifeOfAMeanIsItsError() {
    const auto meanWithout = [&](std::size_t begin, std::size_t end) {
        RunningMean mean;
        for (std::size_t i = 0; i < 30; ++i)
            if (i < begin || i >= end) mean.add(a_[i]);
        return mean.mean();
    };
    RunningMean all;
    for (std::size_t i = 0; i < 30; ++i)
        all.add(a_[i]);
    QVERIFY(near(jackknifeError(30, meanWithout, 30), all.estimate().standardError));
    QVERIFY(std::isnan(jackknifeError(1, meanWithout)));
}

void TestMetrics::spearmanErrorIsHonest() {
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    RunningMean scores, errors;
    for (int repeat = 0; repeat < 300; ++repeat) {
        List a, b;
        for (int i = 0; i < 200; ++i) {
            a.push_back(normal(random));
            b.push_back(a.back() + 0.7 * normal(random));
        }
        const Estimate got = spearmanEstimate(a, b);
        scores.add(got.value);
        errors.add(got.standardError);
    }
    const double spread = std::sqrt(scores.variance());
    QVERIFY2(std::abs(errors.mean() / spread - 1) < 0.15,
             qPrintable(QString::number(errors.mean() / spread)));
}

void TestMetrics::spearmanDifferenceIsPaired() {
    std::mt19937 random(6);
    std::normal_distribution<double> normal;
    List truth, a, b;
    for (int i = 0; i < 500; ++i) {
        truth.push_back(normal(random));
        b.push_back(truth.back() + 0.7 * normal(random));
        a.push_back(b.back() + 0.1 * normal(random));
    }
    const Estimate difference = spearmanDifference(a, b, truth);
    QVERIFY(near(difference.value, spearman(a, truth) - spearman(b, truth)));
    QVERIFY(difference.standardError < spearmanEstimate(a, truth).standardError / 2);
    QCOMPARE(spearmanDifference(b, b, truth).standardError, 0.0);
    QVERIFY(pearsonEstimate(a, truth).standardError > 0);
}

// The error of a difference from two columns' pulls is the one that the paired formula gives for them.
void TestMetrics::pullsGiveThePairedError() {
    std::mt19937 random(8);
    std::normal_distribution<double> normal;
    List a, b, count, truth;
    for (int i = 0; i < 90; ++i) {
        count.push_back(200 + i % 7);
        const double hard = 3 + 0.5 * normal(random); // what a window does to both
        a.push_back(count.back() * (hard + 0.05 * normal(random)));
        b.push_back(count.back() * (hard + 0.02 + 0.05 * normal(random)));
        truth.push_back(hard + normal(random));
    }
    const auto paired = [](const Estimate& one, const Estimate& other) {
        double squares = 0;
        for (std::size_t i = 0; i < one.pulls.size(); ++i)
            squares += std::pow(one.pulls[i] - other.pulls[i], 2);
        return std::sqrt(squares);
    };
    const std::pair<Estimate, Estimate> scores[] = {{perplexity(a, count), perplexity(b, count)},
                                                    {ratio(a, count), ratio(b, count)},
                                                    {spearmanEstimate(a, truth), spearmanEstimate(b, truth)}};
    const Estimate differences[] = {perplexityDifference(a, b, count), ratioDifference(a, b, count),
                                    spearmanDifference(a, b, truth)};
    for (int i = 0; i < 3; ++i) {
        const auto& [one, other] = scores[i];
        QVERIFY(!one.pulls.empty());
        double squares = 0;
        for (const double pull : one.pulls)
            squares += pull * pull;
        QVERIFY(near(std::sqrt(squares), one.standardError));
        QVERIFY(near(paired(one, other), differences[i].standardError));
    }
    QVERIFY2(differences[0].standardError <
                 0.3 * (scores[0].first.standardError + scores[0].second.standardError),
             "and that is far below the sum of both");
    QVERIFY(perplexity(List{3}, List{1}).pulls.empty());
}

void TestMetrics::unequalListsAreRefused() {
    const std::string sentence = test::failure([] { spearman(List{1, 2, 3}, List{1, 2}); });
    QVERIFY2(sentence.find("3 and 2") != std::string::npos, sentence.c_str());
}

QTEST_APPLESS_MAIN(TestMetrics)
#include "test_metrics.moc"
