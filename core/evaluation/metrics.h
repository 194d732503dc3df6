// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace kurtoscope {

// A figure with its standard error; the error is NaN while there is too little data to tell (one window).
struct Estimate {
    double value = 0, standardError = 0;
    // How each independent unit pulls at the value, where that is kept: standardError = √Σ pull², and the paired
    // error of two figures over the same units is √Σ (pull − pull')². Empty while the error is NaN.
    std::vector<double> pulls = {};
};

// Correlations of two equally long lists; NaN for fewer than two values or where one list does not vary.
// Spearman is Pearson's correlation of ranks, ties sharing their average rank (as scipy.stats.spearmanr).
KURTOSCOPE_API double pearson(std::span<const double> a, std::span<const double> b);
KURTOSCOPE_API double spearman(std::span<const double> a, std::span<const double> b);
KURTOSCOPE_API std::vector<double> averageRanks(std::span<const double> values); // from 1

// The q-quantile (0…1), linear between neighbours as numpy's default; NaN for none.
KURTOSCOPE_API double quantile(std::vector<double> values, double q);

// Mean of a growing list (Welford), with the standard error s / √n of independent values.
class KURTOSCOPE_API RunningMean {
public:
    void add(double value);
    std::int64_t count() const { return count_; }
    double mean() const { return mean_; }
    double variance() const; // unbiased; NaN for fewer than two
    Estimate estimate() const;

private:
    std::int64_t count_ = 0;
    double mean_ = 0, m2_ = 0;
};

// Windows are the independent units below: tokens of one window are not independent, so errors come from the
// spread between windows (clusters), by the delta method, with the factor n / (n − 1).

// Σ numerators / Σ denominators, e.g. right answers per answers. NaN when the denominators add up to 0.
KURTOSCOPE_API Estimate ratio(std::span<const double> numerators, std::span<const double> denominators);
// The difference of two such ratios over the same windows, a − b.
KURTOSCOPE_API Estimate ratioDifference(std::span<const double> a, std::span<const double> b,
                                        std::span<const double> denominators);
// exp(Σ nll / Σ predictions), nll in nats summed per window; the error is the mean's times the perplexity.
KURTOSCOPE_API Estimate perplexity(std::span<const double> nll, std::span<const double> predictions);
// Perplexity of a − of b over the same windows.
KURTOSCOPE_API Estimate perplexityDifference(std::span<const double> a, std::span<const double> b,
                                             std::span<const double> predictions);
// Mean of a[i] − b[i] with the paired standard error.
KURTOSCOPE_API Estimate pairedDifference(std::span<const double> a, std::span<const double> b);

// A figure of the items not in [skipBegin, skipEnd).
using Statistic = std::function<double(std::size_t skipBegin, std::size_t skipEnd)>;
// Standard error by the delete-a-group jackknife over `blocks` runs of neighbouring items (at most `count`):
// leave one out, take √((B − 1) / B · Σ (θᵢ − θ̄)²). No resampling, so the same data always give the same
// error.
KURTOSCOPE_API Estimate jackknife(double value, std::size_t count, const Statistic& statistic,
                                  std::size_t blocks = 50); // with pulls, one for each block
KURTOSCOPE_API double jackknifeError(std::size_t count, const Statistic& statistic, std::size_t blocks = 50);

KURTOSCOPE_API Estimate spearmanEstimate(std::span<const double> scores, std::span<const double> truth);
KURTOSCOPE_API Estimate pearsonEstimate(std::span<const double> scores, std::span<const double> truth);
// Spearman of a − of b against the same truth, paired: both leave out the same items.
KURTOSCOPE_API Estimate spearmanDifference(std::span<const double> a, std::span<const double> b,
                                           std::span<const double> truth);

} // namespace kurtoscope
