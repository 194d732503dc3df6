// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/device.h"
#include "core/engine/transformer.h"
#include "core/evaluation/evaluator.h"
#include "core/quantization/recipe_arithmetic.h"
#include "core/statistics/outliers.h"
#include "core/workbench.h"

#include <memory>
#include <utility>
#include <vector>

namespace kurtoscope {

// A data request made ready for the open model, with what later calls use again: FP32's answers, calibration
// statistics, recipes made ready.
struct PreparedData {
    DataRequest request;
    bool holdOut = false;
    WindowSet windows;
    const Task* task = nullptr;
    std::unique_ptr<Baseline> baseline;
    using Samples = std::pair<int, int>; // Recipe::samples and ::sampleSeed
    std::map<Samples, std::unique_ptr<CalibrationSet>> calibrations;
    std::vector<std::pair<Samples, std::shared_ptr<const ShapedModel>>> shaped; // newest last
    struct Ready {
        Recipe recipe;
        std::shared_ptr<const RecipeArithmetic> simulated;
        std::shared_ptr<const RecipeArithmetic> real; // null until asked for, or where there are none
        bool askedReal = false;
    };
    std::vector<Ready> arithmetics; // newest last
};

struct OpenModel {
    ModelFolder folder;
    std::unique_ptr<Transformer> transformer;
    WeightStore weights;
    PackedWeights packed;
    std::unique_ptr<KeptStates> states;
    std::vector<std::unique_ptr<PreparedData>> prepared; // newest last
};

struct Workbench::Impl {
    explicit Impl(WorkbenchOptions asked);

    OpenModel& current() const;         // throws Error when none is open
    const Tokenizer& tokenizer() const; // throws Error when the model has none
    PreparedData& prepare(const DataRequest& request, bool holdOut, const std::stop_token& stop);
    // The windows that a recipe calibrates on. Throws Error where it asks for more than the file has to
    // spare.
    CalibrationSet& calibration(PreparedData& data, const Recipe& recipe);
    // The model as the plan's transforms leave it.
    std::shared_ptr<const ShapedModel> shaped(const Plan& plan, const Recipe& recipe, PreparedData& data,
                                              std::stop_token stop, const OnProgress& progress);
    std::int64_t stateBudget() const;
    Evaluator evaluator(PreparedData& data);
    void checkChannels(const ChannelSets& sets) const; // throws Error for one that the model does not have
    Recipe resolve(const Recipe& recipe, PreparedData& data, std::stop_token stop,
                   const OnProgress& progress);
    // Null for FP32. Integers are multiplied where that is asked for and there are kernels for the recipe.
    std::shared_ptr<const RecipeArithmetic> arithmetic(const Recipe& recipe, PreparedData& data,
                                                       std::stop_token stop, const OnProgress& progress,
                                                       KernelChoice kernels = KernelChoice::simulated);

    // A recipe made ready for the target that it is exported to (workbench_export.cpp).
    struct Leaving;
    std::unique_ptr<Leaving> leave(Workbench& bench, const ExportRequest& request, std::stop_token stop,
                                   const OnProgress& progress);

    WorkbenchOptions options;
    c10::Device device;
    PassCounts counts;
    std::unique_ptr<OpenModel> open;
};

} // namespace kurtoscope
