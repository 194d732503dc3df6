// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's way out: what an export would hold, and the export itself.
#include "core/export/export_folder.h"
#include "core/export/export_report.h"
#include "core/workbench_state.h"

#include "core/base/error.h"

namespace kurtoscope {
namespace {

std::string refusals(const ExportPlan& plan) {
    std::string text;
    for (const ExportLimit& limit : plan.limits)
        if (limit.isRefused()) text += (text.empty() ? "" : "; ") + limit.what;
    for (const ExportedModule& module : plan.modules)
        if (module.group.empty())
            text += (text.empty() ? "" : "; ") + module.name + " would land in no group";
    return text;
}

} // namespace

// A recipe ready to leave, and the target it leaves to.
struct Workbench::Impl::Leaving {
    const ExportFormat& format;
    RecipePart told;
    Recipe recipe;
    Plan plan;
    std::shared_ptr<const RecipeArithmetic> arithmetic;
    DataRequest calibration;
    std::function<Observation()> observe;

    ExportSubject subject(const OpenModel& model) const {
        return {model.folder, *model.transformer, recipe, plan, arithmetic.get(), calibration, observe};
    }
};

std::unique_ptr<Workbench::Impl::Leaving> Workbench::Impl::leave(Workbench& bench,
                                                                 const ExportRequest& request,
                                                                 std::stop_token stop,
                                                                 const OnProgress& progress) {
    const ExportFormat& format =
        Registry<ExportFormat>::instance().get(request.format.scheme, "export format");
    checkTold(format.info(), request.format, "export format");
    bench.validate(request.recipe);
    const OpenModel& model = current();
    Recipe recipe = request.recipe;
    std::shared_ptr<const RecipeArithmetic> made;
    const bool needsArithmetic = format.info().needsArithmetic && !recipe.isFp32();
    if (!request.calibration.path.empty()) {
        PreparedData& data = prepare(request.calibration, true, stop);
        recipe = resolve(recipe, data, stop, progress);
        if (needsArithmetic) made = arithmetic(recipe, data, stop, progress);
    } else if (needsArithmetic) {
        Plan plan = planOf(recipe);
        if (plan.needsCalibration())
            throw Error("recipe " + recipe.text() + " needs calibration", "",
                        "Give a text with --calibration FILE (in the window: open data)");
        auto shaped = shape(*model.transformer, plan, nullptr, stop, progress);
        made = std::make_shared<const RecipeArithmetic>(std::move(shaped), recipe, std::move(plan), nullptr,
                                                        open->weights, stop, progress);
    }
    const auto observe = [&bench, data = request.calibration, stop, progress] {
        if (data.path.empty()) throw Error("statistics need a text", "", "Give one with --calibration FILE");
        ObserveRequest asked;
        asked.data = data;
        return bench.observe(asked, stop, progress);
    };
    Plan plan = planOf(recipe);
    return std::unique_ptr<Leaving>(new Leaving{format, request.format, std::move(recipe), std::move(plan),
                                                std::move(made), request.calibration, observe});
}

ExportPlan Workbench::planExport(const ExportRequest& request, std::stop_token stop,
                                 const OnProgress& progress) {
    const c10::InferenceMode inference;
    const auto leaving = impl_->leave(*this, request, stop, progress);
    return leaving->format.plan(leaving->subject(impl_->current()),
                                Told(leaving->format.info(), leaving->told));
}

ExportResult Workbench::exportModel(const ExportRequest& request, std::stop_token stop,
                                    const OnProgress& progress) {
    const c10::InferenceMode inference;
    const auto leaving = impl_->leave(*this, request, stop, progress);
    const ExportFormat& format = leaving->format;
    const ExportSubject subject = leaving->subject(impl_->current());
    const Told told(format.info(), leaving->told);
    ExportResult result;
    result.plan = format.plan(subject, told);
    if (const std::string refused = refusals(result.plan); !refused.empty())
        throw Error(format.info().title + " cannot carry recipe " + leaving->recipe.text() + ": " + refused,
                    "", "Choose another target (\"kurtoscope formats\" lists them), or change the recipe");
    ExportFolder out(request.folder, request.force, result.plan.bytes, stop, progress);
    format.write(subject, told, result.plan, out);
    carryLicence(subject, out);
    out.write("README.md", exportReadme(subject, format.info(), result.plan));
    out.write(exportReportName, exportReport(subject, leaving->told, result.plan));
    out.commit();
    result.recipe = leaving->recipe;
    result.folder = request.folder;
    result.files = out.files();
    result.bytes = out.bytes();
    return result;
}

std::vector<ExportFormatInfo> Workbench::exportFormats() {
    std::vector<ExportFormatInfo> all;
    for (const auto& format : Registry<ExportFormat>::instance().members())
        all.push_back(format->info());
    return all;
}

} // namespace kurtoscope
