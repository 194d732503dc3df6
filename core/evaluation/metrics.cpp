// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/metrics.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace kurtoscope {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

void requireEqual(std::size_t a, std::size_t b) {
    if (a != b)
        throw Error("lists of " + std::to_string(a) + " and " + std::to_string(b) +
                        " values are to be compared",
                    "", "Give one value of each per item");
}

double sum(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

double norm(std::span<const double> values) {
    return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

Estimate pulledBy(double value, std::vector<double> pulls) {
    const double error = pulls.empty() ? unknown : norm(pulls);
    return {value, error, std::move(pulls)};
}

// With the error √(n / (n − 1) Σ rᵢ²) / weight, for residuals that add up to 0.
Estimate fromClusters(double value, std::vector<double> residuals, double weight) {
    const auto n = static_cast<double>(residuals.size());
    if (residuals.size() < 2) return pulledBy(value, {});
    for (double& residual : residuals)
        residual *= std::sqrt(n / (n - 1)) / std::abs(weight);
    return pulledBy(value, std::move(residuals));
}

std::vector<double> without(std::span<const double> values, std::size_t begin, std::size_t end) {
    std::vector<double> rest(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(begin));
    rest.insert(rest.end(), values.begin() + static_cast<std::ptrdiff_t>(end), values.end());
    return rest;
}

} // namespace

double pearson(std::span<const double> a, std::span<const double> b) {
    requireEqual(a.size(), b.size());
    if (a.size() < 2) return unknown;
    const double n = static_cast<double>(a.size()), meanA = sum(a) / n, meanB = sum(b) / n;
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i] - meanA, y = b[i] - meanB;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    if (!(aa > 0) || !(bb > 0)) return unknown;
    return std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

std::vector<double> averageRanks(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> ranks(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && values[order[end]] == values[order[begin]])
            ++end;
        for (std::size_t i = begin; i < end; ++i)
            ranks[order[i]] = (static_cast<double>(begin + end) + 1) / 2;
        begin = end;
    }
    return ranks;
}

double spearman(std::span<const double> a, std::span<const double> b) {
    requireEqual(a.size(), b.size());
    // NaN has no rank, and a comparison that meets one would not even be an order.
    const auto isNan = [](double x) { return std::isnan(x); };
    if (std::any_of(a.begin(), a.end(), isNan) || std::any_of(b.begin(), b.end(), isNan)) return unknown;
    return pearson(averageRanks(a), averageRanks(b));
}

double quantile(std::vector<double> values, double q) {
    if (values.empty() || std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); }))
        return unknown;
    const double place = std::clamp(q, 0.0, 1.0) * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(std::floor(place));
    std::nth_element(values.begin(), values.begin() + below, values.end());
    const double low = values[static_cast<std::size_t>(below)], part = place - std::floor(place);
    if (part == 0) return low;
    return low + part * (*std::min_element(values.begin() + below + 1, values.end()) - low);
}

void RunningMean::add(double value) {
    ++count_;
    const double delta = value - mean_;
    mean_ += delta / static_cast<double>(count_);
    m2_ += delta * (value - mean_);
}

double RunningMean::variance() const {
    return count_ > 1 ? m2_ / static_cast<double>(count_ - 1) : unknown;
}

Estimate RunningMean::estimate() const {
    if (count_ == 0) return {unknown, unknown};
    return {mean_, std::sqrt(variance() / static_cast<double>(count_))};
}

Estimate ratio(std::span<const double> numerators, std::span<const double> denominators) {
    requireEqual(numerators.size(), denominators.size());
    const double weight = sum(denominators);
    if (weight == 0) return {unknown, unknown};
    const double value = sum(numerators) / weight;
    std::vector<double> residuals(numerators.size());
    for (std::size_t i = 0; i < residuals.size(); ++i)
        residuals[i] = numerators[i] - value * denominators[i];
    return fromClusters(value, std::move(residuals), weight);
}

Estimate ratioDifference(std::span<const double> a, std::span<const double> b,
                         std::span<const double> denominators) {
    requireEqual(a.size(), b.size());
    std::vector<double> difference(a.size());
    std::transform(a.begin(), a.end(), b.begin(), difference.begin(), std::minus<>());
    return ratio(difference, denominators);
}

Estimate perplexity(std::span<const double> nll, std::span<const double> predictions) {
    Estimate mean = ratio(nll, predictions);
    const double value = std::exp(mean.value);
    for (double& pull : mean.pulls)
        pull *= value;
    return {value, value * mean.standardError, std::move(mean.pulls)};
}

Estimate perplexityDifference(std::span<const double> a, std::span<const double> b,
                              std::span<const double> predictions) {
    requireEqual(a.size(), b.size());
    const Estimate meanA = ratio(a, predictions), meanB = ratio(b, predictions);
    const double valueA = std::exp(meanA.value), valueB = std::exp(meanB.value);
    std::vector<double> residuals(a.size()); // linearised: each side's residual times its slope
    for (std::size_t i = 0; i < a.size(); ++i)
        residuals[i] =
            valueA * (a[i] - meanA.value * predictions[i]) - valueB * (b[i] - meanB.value * predictions[i]);
    return fromClusters(valueA - valueB, std::move(residuals), sum(predictions));
}

Estimate pairedDifference(std::span<const double> a, std::span<const double> b) {
    requireEqual(a.size(), b.size());
    RunningMean mean;
    for (std::size_t i = 0; i < a.size(); ++i)
        mean.add(a[i] - b[i]);
    return mean.estimate();
}

Estimate jackknife(double value, std::size_t count, const Statistic& statistic, std::size_t blocks) {
    blocks = std::min(blocks, count);
    if (blocks < 2) return pulledBy(value, {});
    std::vector<double> replicates;
    for (std::size_t block = 0; block < blocks; ++block)
        replicates.push_back(statistic(block * count / blocks, (block + 1) * count / blocks));
    const auto b = static_cast<double>(blocks);
    const double mean = sum(replicates) / b;
    for (double& replicate : replicates)
        replicate = std::sqrt((b - 1) / b) * (replicate - mean);
    return pulledBy(value, std::move(replicates));
}

double jackknifeError(std::size_t count, const Statistic& statistic, std::size_t blocks) {
    return jackknife(0, count, statistic, blocks).standardError;
}

Estimate spearmanEstimate(std::span<const double> scores, std::span<const double> truth) {
    const double value = spearman(scores, truth);
    return jackknife(value, scores.size(), [&](std::size_t begin, std::size_t end) {
        return spearman(without(scores, begin, end), without(truth, begin, end));
    });
}

Estimate pearsonEstimate(std::span<const double> scores, std::span<const double> truth) {
    const double value = pearson(scores, truth);
    return jackknife(value, scores.size(), [&](std::size_t begin, std::size_t end) {
        return pearson(without(scores, begin, end), without(truth, begin, end));
    });
}

Estimate spearmanDifference(std::span<const double> a, std::span<const double> b,
                            std::span<const double> truth) {
    const double value = spearman(a, truth) - spearman(b, truth);
    return jackknife(value, truth.size(), [&](std::size_t begin, std::size_t end) {
        const std::vector<double> rest = without(truth, begin, end);
        return spearman(without(a, begin, end), rest) - spearman(without(b, begin, end), rest);
    });
}

} // namespace kurtoscope
