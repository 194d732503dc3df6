// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/run_estimate.h"

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr double megabyte = 1e6;
// Libraries and window: 222 MB were the most in use with the bundled model of 1.2 M parameters (x86-64,
// Qt 6.4), of which these are not its weights.
constexpr double programBytes = 210 * megabyte;
constexpr double diskRate = 300 * megabyte; // read and turned into float32, stored bytes per second
constexpr int usualWindows = 8;             // of text, where the request leaves it to the task
constexpr double latencyPasses = 10,
                 latencySeconds = 3; // per column: as many passes over one window, or as long

double withoutLookUp(std::int64_t parameters, std::int64_t vocabulary, int hidden, bool head) {
    const auto lookedUp = head ? 0.0 : static_cast<double>(vocabulary) * hidden;
    return std::max(1.0, static_cast<double>(parameters) - lookedUp);
}

} // namespace

double multiplications(const KnownModel& model) {
    return withoutLookUp(model.parameters, model.vocabulary, model.hidden, model.hasHead);
}

double multiplications(const ModelInfo& model) {
    return withoutLookUp(model.parameters, model.vocabulary, model.hidden, model.channels(Place::logits) > 0);
}

RunEstimate estimateRun(const KnownModel& model, const DataRequest& data, int columns, double rate) {
    const double weights = 4.0 * static_cast<double>(model.parameters);
    const double window = data.length, tokens = window * (data.windows > 0 ? data.windows : usualWindows);
    const double pass = multiplications(model) / std::max(1.0, rate); // of one token
    const double opening = static_cast<double>(model.bytes) / diskRate;
    // FP32's log-probabilities are kept, up to 512 MiB; two windows of them are alive at any time.
    const double row = model.hasHead ? 4.0 * static_cast<double>(model.vocabulary) : 0;
    const double kept = std::min(512.0 * 1024 * 1024, row * tokens) + 3 * row * window;
    const double activations = 4.0 * window * model.hidden * 24; // one block's tensors at a time
    RunEstimate estimate;
    // A column's rounded weights stand beside FP32's while it runs, as integers too, and hidden states are
    // kept for the next click. SmolLM2-135M over 4 windows of 128 tokens took 1.80 GB with three columns
    // where this says 1.7.
    const double states = columns > 1 ? 4.0 * model.layers * tokens * model.hidden * columns : 0;
    estimate.bytes = static_cast<std::int64_t>(programBytes + weights * (columns > 1 ? 2.25 : 1) + kept +
                                               activations + std::min(states, 1024.0 * 1024 * 1024));
    estimate.pictureSeconds = opening + pass * tokens;
    const double latency = std::min(latencySeconds, latencyPasses * pass * window);
    estimate.seconds = opening + columns * (2 * pass * tokens + latency);
    return estimate;
}

} // namespace kurtoscope
