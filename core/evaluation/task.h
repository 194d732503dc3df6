// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "core/data/reading.h"
#include "core/evaluation/windows.h"
#include "core/model/model_folder.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kurtoscope {

// What a model made of one window. `logProbabilities` is the log-softmax of its logits: [position rows,
// vocabulary] for token heads (valid positions of all sequences in a row), [sequence, label] for classifiers,
// undefined without a head.
struct WindowOutput {
    at::Tensor hidden; // valid rows only: [token, channel]
    at::Tensor pooled; // [sequence, channel]; only for tasks that ask
    at::Tensor logProbabilities;
};

// What is kept of one window under one recipe: enough for every figure, and a few kilobytes.
struct WindowFigures {
    double nll = 0, predictions = 0; // summed negative log-likelihood, nats
    std::vector<double> values;      // per row: right (1) or wrong (0), or the predicted score
    std::vector<float> kl;           // per output distribution, against FP32
    double agreed = 0;               // output distributions whose likeliest entry is FP32's
    double cosine = 0, tokens = 0;   // summed over tokens
    double signal = 0, noise = 0;    // Σ h², Σ (h − h')² of the final hidden state
};

// A way to score a model on windows. One file each, registered on its last line.
class Task {
public:
    virtual ~Task() = default;
    virtual std::string_view id() const = 0;
    virtual std::string_view title() const = 0;
    virtual std::string_view summary() const = 0;
    virtual std::string_view metric(const ModelInfo& model) const = 0;
    // Empty when it can score this model on this kind of file; else a sentence why not.
    virtual std::string refusal(const ModelInfo& model, DataKind kind) const = 0;
    virtual int preference() const = 0; // among the tasks that fit, the largest is picked
    virtual bool needsPooled() const { return false; }
    virtual void measure(const Window& window, const WindowOutput& output, WindowFigures& figures) const = 0;
    // Fills metric, lowerIsBetter, score, difference and their errors from windows in the same order.
    virtual void score(std::span<const Window* const> windows, std::span<const WindowFigures> figures,
                       std::span<const WindowFigures> baseline, Reading& reading) const = 0;
};

template <>
Registry<Task>& Registry<Task>::instance();

// The task asked for, or the one that fits best. Throws Error with the reason when it does not fit.
const Task& pickTask(const std::string& asked, const ModelInfo& model, DataKind kind);

// How far a reading is from FP32 in one number: KL, or 1 − cosine where the model has no output distribution.
double divergenceOf(const Reading& reading);
std::string divergenceName(const ModelInfo& model); // "KL (nats)"

// KL, agreement, cosine and noise of `output` against FP32's, added to figures.
void compareOutputs(const WindowOutput& baseline, const WindowOutput& output, WindowFigures& figures);
// The same figures over windows, into the reading.
void scoreFidelity(std::span<const WindowFigures> figures, Reading& reading);

} // namespace kurtoscope
