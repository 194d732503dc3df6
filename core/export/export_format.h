// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "core/data/channel_stats.h"
#include "core/data/export_plan.h"
#include "core/quantization/recipe_arithmetic.h"

#include <functional>

namespace kurtoscope {

class ExportFolder;

// The choice that leaves: an open model and what a recipe makes of it. Lives for one export, on the engine
// thread.
struct ExportSubject {
    const ModelFolder& folder; // the files that were opened
    const Transformer& base;   // the model as it was opened
    const Recipe& recipe;      // its criterion resolved where there was data
    const Plan& plan;
    const RecipeArithmetic* arithmetic; // made ready; null for fp32 and for formats that do not need it
    const DataRequest& calibration;     // what ranges were taken from; path empty for none
    // Statistics of every site over the text: of the model as it was opened, or as the recipe reshapes and
    // rounds it. Runs it. Throws Error without a text.
    std::function<Observation(bool underRecipe)> observe;
    // The windows of that text that ranges were taken from, as ids; none without a text.
    std::function<std::vector<std::vector<int>>()> calibrationIds;

    // What runs: the recipe's reshaped model, else the one that was opened.
    const Transformer& model() const { return arithmetic ? arithmetic->model() : base; }
};

// A target of export: says first what it will do, then does it. One file each, registered on its last line.
class ExportFormat {
public:
    virtual ~ExportFormat() = default;
    std::string_view id() const { return info().id; }
    virtual const ExportFormatInfo& info() const = 0;
    // Reads nothing but the subject. Throws Error for parameters that exclude one another.
    virtual ExportPlan plan(const ExportSubject& subject, const Told& told) const = 0;
    // Writes into the folder, which is temporary until all is written. `plan` is what plan() answered, and
    // holds no refusal. Throws Error, Cancelled.
    virtual void write(const ExportSubject& subject, const Told& told, const ExportPlan& plan,
                       ExportFolder& out) const = 0;
};

template <>
Registry<ExportFormat>& Registry<ExportFormat>::instance();

} // namespace kurtoscope
