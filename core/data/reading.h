// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

enum class KernelTag : unsigned char { floating, simulated, integer };
KURTOSCOPE_API std::string_view kernelTagName(KernelTag tag); // "float", "simulated", "integer"

// One progressive result of one recipe. Absent figures are empty, never zero.
struct Reading {
    int column = 0; // index of the recipe in the request
    int windowsDone = 0, windowsTotal = 0;
    std::string metric; // "perplexity", "accuracy", "spearman", "cosine"
    bool lowerIsBetter = false;
    double score = 0;
    double standardError = 0;      // of score
    double difference = 0;         // score − baseline's score over the same windows
    double differenceError = 0;    // its standard error, paired by window
    // How each independent unit (window, row or block of rows) pulls at the score: standardError is √Σ pull².
    // Empty where it is not known.
    std::vector<double> pulls;
    std::optional<double> pearson; // similarity only
    std::optional<double> perplexity;
    std::optional<double> klMean, klMedian, klP99; // nats, of the output distribution against FP32
    std::optional<double> top1Agreement;           // 0…1
    std::optional<double> cosine, sqnrDb; // of the final hidden state against FP32; ∞ dB when identical
    std::optional<double> latencyP50Ms, latencyP99Ms; // one window's forward pass, measured alone
    int latencyRuns = 0;
    // What those passes spent their time on, in shares: "quantize", "gemm", "epilogue", "attention", "rest".
    std::map<std::string, double> phases;
    std::int64_t weightBytes = 0; // all parameters as the recipe would store them
    double effectiveBits = 32;    // per weight of the linear layers, scales and kept columns included
    double activationBits = 32;   // per value that a linear layer multiplies, likewise
    double cacheBits = 32;        // per value of attention's keys and values
    std::size_t keptChannels = 0, keptOf = 0;
    KernelTag kernels = KernelTag::floating;

    bool complete() const { return windowsTotal > 0 && windowsDone == windowsTotal; }
    // A difference is worth colour only when it exceeds twice its error. A perplexity is e to a mean, and the
    // mean is what has an error of a known shape: from 25 to four million is a difference, whatever its
    // error.
    bool differs() const {
        const double before = score - difference, larger = score > before ? score : before;
        if (perplexity && score > 0 && before > 0 && difference != 0)
            return std::abs(std::log(score / before)) > 2 * differenceError / larger;
        return difference != 0 && std::abs(difference) > 2 * differenceError;
    }
};

// The score of `a` − that of `b` over the same windows, with its paired standard error √Σ (pullₐ − pull_b)²;
// where pulls are not known the sum of both errors to FP32, which a standard deviation, a norm, cannot
// exceed. Empty for readings over other windows or of another metric.
struct ScoreDifference {
    double value = 0, error = 0;
    bool paired = false; // else an upper bound
    bool exceedsError() const { return value != 0 && std::abs(value) > 2 * error; }
};
KURTOSCOPE_API std::optional<ScoreDifference> differenceBetween(const Reading& a, const Reading& b);

} // namespace kurtoscope
