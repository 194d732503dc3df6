// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/site.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

// What a training step saw at one linear input. Absent figures are empty, never zero.
struct TrainingSiteFigures {
    Site site;
    std::optional<double> clipLow, clipHigh; // learned clipping values
    std::optional<double> clippedShare;      // of values over half a step outside them, 0…1
    std::optional<double> penalty;           // of the layers that read this site, before λ
    std::optional<double> kurtosis;          // Pearson's, over all values of the step's batch
    std::optional<double> maxToMedian;       // largest channel's mean |x| over the median channel's

    bool operator==(const TrainingSiteFigures&) const = default;
};

// One line of metrics.jsonl: what one step of training saw. Losses are nats per prediction.
struct TrainingRecord {
    int step = 0, steps = 0; // counted from 1; of how many
    double loss = 0;         // of the step's batch, penalties left out
    double penalty = 0;      // λ times the penalties, as added to the loss
    double learningRate = 0;
    double gradientNorm = 0;                               // before it was clipped
    double tokensPerSecond = 0, secondsLeft = -1;          // −1: not yet estimated
    std::int64_t tokens = 0;                               // trained on so far
    std::optional<double> validationLoss, validationError; // mean over windows, its standard error
    std::optional<double> validationScore;  // accuracy of a classifier, Pearson's r of a regression
    std::vector<TrainingSiteFigures> sites; // of every linear input; empty at steps that are not watched
    std::string event;      // what is worth saying at once: a spike, NaN, divergence, a checkpoint
    bool paused = false;    // the run waits behind this step
    std::string checkpoint; // folder written at this step, relative to the run's; empty for none

    bool operator==(const TrainingRecord&) const = default;
    KURTOSCOPE_API std::string toJson() const; // one line, no line end
    KURTOSCOPE_API static TrainingRecord fromJson(std::string_view line,
                                                  const std::string& where); // throws Error
};

} // namespace kurtoscope
