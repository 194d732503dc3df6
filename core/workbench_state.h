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
    std::map<int, std::unique_ptr<CalibrationSet>> calibrations;            // by Recipe::samples
    std::vector<std::pair<int, std::shared_ptr<const ShapedModel>>> shaped; // likewise, newest last
    std::vector<std::pair<Recipe, std::shared_ptr<const RecipeArithmetic>>> arithmetics;
};

struct OpenModel {
    ModelFolder folder;
    std::unique_ptr<Transformer> transformer;
    WeightStore weights;
    std::vector<std::unique_ptr<PreparedData>> prepared; // newest last
};

struct Workbench::Impl {
    explicit Impl(WorkbenchOptions asked);

    OpenModel& current() const;         // throws Error when none is open
    const Tokenizer& tokenizer() const; // throws Error when the model has none
    PreparedData& prepare(const DataRequest& request, bool holdOut, const std::stop_token& stop);
    // What a recipe that asks for `samples` windows calibrates on (0: the request's). Throws Error where the
    // file has fewer to spare.
    CalibrationSet& calibration(PreparedData& data, int samples);
    // The model as the plan's transforms leave it.
    std::shared_ptr<const ShapedModel> shaped(const Plan& plan, int samples, PreparedData& data,
                                              std::stop_token stop, const OnProgress& progress);
    Recipe resolve(const Recipe& recipe, PreparedData& data, std::stop_token stop,
                   const OnProgress& progress);
    // Null for FP32.
    std::shared_ptr<const RecipeArithmetic> arithmetic(const Recipe& recipe, PreparedData& data,
                                                       std::stop_token stop, const OnProgress& progress);

    WorkbenchOptions options;
    c10::Device device;
    std::unique_ptr<OpenModel> open;
};

} // namespace kurtoscope
