// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"
#include "core/engine/transformer.h"
#include "core/evaluation/task.h"
#include "core/quantization/recipe_arithmetic.h"

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

namespace kurtoscope {

// FP32's answers per window, kept so that no recipe runs them again. Log-probabilities are kept only up to a
// budget; beyond it they are made again from the hidden state, one head instead of the whole model.
class Baseline {
public:
    struct Entry {
        WindowOutput output;
        WindowFigures figures;
        bool made = false;
    };
    explicit Baseline(std::size_t windows) : entries_(windows) {}
    Entry& at(std::size_t window) { return entries_[window]; }
    bool fits(std::int64_t bytes); // counts them when they do

private:
    std::vector<Entry> entries_;
    std::int64_t keptBytes_ = 0;
};

struct EvaluatedRecipe {
    int column = 0;
    const RecipeArithmetic* arithmetic = nullptr; // null: FP32 itself
};

// Runs recipes over windows side by side, window by window, so that every reading is a paired difference. One
// use each; engine thread.
class Evaluator {
public:
    Evaluator(const Transformer& transformer, const WindowSet& windows, const Task& task, Pooling pooling,
              at::Device device, Baseline& baseline);

    // `windows` above 0 ends the run after that many.
    std::vector<Reading> run(const std::vector<EvaluatedRecipe>& recipes, bool latency, std::stop_token stop,
                             const std::function<void(const Reading&)>& onReading, const OnProgress& progress,
                             std::size_t windows = 0);

private:
    WindowOutput forward(const Window& window, const RecipeArithmetic* arithmetic,
                         std::stop_token stop) const;
    const Baseline::Entry& baseline(std::size_t window, at::Tensor& logProbabilities, std::stop_token stop);
    Reading reading(const EvaluatedRecipe& recipe, std::size_t done,
                    const std::vector<WindowFigures>& figures) const;
    void measureLatency(const std::vector<EvaluatedRecipe>& recipes, std::vector<Reading>& readings,
                        std::stop_token stop, const OnProgress& progress) const;

    const Transformer& transformer_;
    const WindowSet& windows_;
    const Task& task_;
    Pooling pooling_;
    at::Device device_;
    Baseline& baseline_;
};

} // namespace kurtoscope
