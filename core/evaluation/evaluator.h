// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"
#include "core/engine/transformer.h"
#include "core/evaluation/kept_states.h"
#include "core/evaluation/task.h"
#include "core/quantization/recipe_arithmetic.h"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace kurtoscope {

class Ranks;

// FP32's figures under one task, window by window; its answers themselves are among the kept states.
class Baseline {
public:
    explicit Baseline(std::size_t windows) : figures_(windows) {}
    std::optional<WindowFigures>& at(std::size_t window) { return figures_[window]; }

private:
    std::vector<std::optional<WindowFigures>> figures_;
};

struct EvaluatedRecipe {
    int column = 0;
    const RecipeArithmetic* arithmetic = nullptr; // null: FP32 itself
};

// What runs cost, counted in blocks of one window: those that passed, and those whose outcome was there.
struct PassCounts {
    std::int64_t blocks = 0, blocksReused = 0;
    std::int64_t baselineBlocks = 0; // of `blocks`: FP32's own
};

struct EvaluatorOptions {
    bool latency = false;
    std::size_t windows = 0; // above 0 ends the run after that many
    // The recipes leave this one's trail or FP32's each at a site of its own: only what is on those is worth
    // keeping.
    const RecipeArithmetic* sweepOf = nullptr;
    // Ends the run before its last window: asked of a single recipe's reading after each, with the share of
    // all windows' tokens that it stands on.
    std::function<bool(const Reading&, double share)> settled = {};
    // Processes that run this very evaluation and share its windows; null: none. Readings come at the end
    // then, and `settled` is not asked.
    Ranks* ranks = nullptr;
};

// Runs recipes over windows side by side, window by window, so that every reading is a paired difference. A
// recipe starts from the last state that an earlier run left on its trail. Engine thread.
class Evaluator {
public:
    Evaluator(const Transformer& transformer, const WindowSet& windows, const Task& task, Pooling pooling,
              at::Device device, Baseline& baseline, KeptStates& states, PassCounts& counts);

    // Where memory runs out, the kept states go and the window is run again in halves, once; `onNote` is
    // told.
    std::vector<Reading> run(const std::vector<EvaluatedRecipe>& recipes, const EvaluatorOptions& options,
                             std::stop_token stop, const std::function<void(const Reading&)>& onReading,
                             const OnProgress& progress,
                             const std::function<void(const std::string&)>& onNote = {});

private:
    using Trail = KeptStates::Trail;
    // A recipe on its way through the model's steps.
    struct Column {
        const RecipeArithmetic* arithmetic = nullptr;
        std::vector<Trail> trail; // behind each step
        std::vector<bool> isKept; // of each step: worth it
    };
    Column columnOf(const RecipeArithmetic* arithmetic) const;
    void chooseKept(Column& baseline, std::vector<Column>& columns, const EvaluatorOptions& options,
                    std::size_t windows) const;
    at::Tensor hidden(const Batch& batch, const Column& column, bool keep, std::stop_token stop);
    at::Tensor logProbabilities(const Batch& batch, const Column& column, const at::Tensor& hidden,
                                std::stop_token stop) const;
    WindowOutput forward(const Window& window, const Column& column, std::stop_token stop);
    WindowOutput inParts(const Window& window, const Column& column, int parts, std::stop_token stop);
    // FP32's answers to a window, its figures filled.
    WindowOutput baseline(std::size_t window, std::stop_token stop);
    std::vector<std::vector<WindowFigures>> sharedFigures(const std::vector<EvaluatedRecipe>& recipes,
                                                          const std::vector<Column>& columns,
                                                          std::size_t total, Ranks& ranks,
                                                          std::stop_token stop, const OnProgress& progress);
    Reading reading(const EvaluatedRecipe& recipe, std::size_t done,
                    const std::vector<WindowFigures>& figures) const;
    void measureLatency(const std::vector<EvaluatedRecipe>& recipes, std::vector<Reading>& readings,
                        std::stop_token stop, const OnProgress& progress) const;
    const Transformer& modelOf(const Column& column) const {
        return column.arithmetic ? column.arithmetic->model() : transformer_;
    }

    const Transformer& transformer_;
    const WindowSet& windows_;
    const Task& task_;
    Pooling pooling_;
    at::Device device_;
    Baseline& baseline_;
    KeptStates& states_;
    PassCounts& counts_;
    Column plain_;  // FP32
    int parts_ = 1; // that a window is run in
    std::function<void(const std::string&)> onNote_;
};

} // namespace kurtoscope
