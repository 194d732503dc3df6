// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's way out: what an export would hold, and the export itself.
#include "core/export/export_check.h"
#include "core/export/export_folder.h"
#include "core/export/export_report.h"
#include "core/export/export_steps.h"
#include "core/workbench_state.h"

#include "core/base/error.h"
#include "core/base/stop.h"

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

ExportPlan planFor(const ExportFormat& format, const ExportSubject& subject, const Told& told) {
    ExportPlan plan = format.plan(subject, told);
    if (!plan.checks.empty()) plan.bytes += stepsBytes(subject, plan.modules, longestProbe);
    return plan;
}

// Opened anew, as anybody would, and run as the folder says.
CheckResult reopen(const WorkbenchOptions& options, const std::filesystem::path& folder,
                   const ExportCheck& check, const ExportProbe& probe, std::stop_token stop) {
    CheckResult result{check, "kurtoscope " + Workbench::version(), "", 0, 0, {}};
    Workbench bench(options);
    const Recipe recipe = Recipe::parse(bench.open(folder.string(), stop).quantized ? "stored" : "fp32");
    std::vector<std::vector<float>> answers;
    for (const auto& ids : probe.ids) {
        throwIfStopped(stop);
        auto made = bench.predict("", ids, recipe);
        answers.push_back(made.logits.empty() ? std::move(made.hidden) : std::move(made.logits));
    }
    compare(probe.answers, answers, result);
    return result;
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
    std::function<Observation(bool)> observe;
    std::function<std::vector<std::vector<int>>()> calibrationIds;

    ExportSubject subject(const OpenModel& model) const {
        return {model.folder,     *model.transformer, recipe,  plan,
                arithmetic.get(), calibration,        observe, calibrationIds};
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
    const CalibrationSet* text = nullptr;
    const bool needsArithmetic = format.info().needsArithmetic && !recipe.isFp32();
    if (!request.calibration.path.empty()) {
        PreparedData& data = prepare(request.calibration, true, stop);
        recipe = resolve(recipe, data, stop, progress);
        text = &calibration(data, recipe);
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
    const auto observe = [&bench, data = request.calibration, recipe, stop, progress](bool underRecipe) {
        if (data.path.empty()) throw Error("statistics need a text", "", "Give one with --calibration FILE");
        ObserveRequest asked;
        asked.data = data;
        if (underRecipe) asked.recipe = recipe;
        return bench.observe(asked, stop, progress);
    };
    const auto calibrationIds = [text] {
        std::vector<std::vector<int>> windows;
        for (const Batch& batch : text ? text->batches() : std::vector<Batch>())
            for (int sequence = 0; sequence < batch.sequences; ++sequence) {
                auto& window = windows.emplace_back();
                for (int at = 0; at < batch.lengths[std::size_t(sequence)]; ++at)
                    window.push_back(batch.at(sequence, at));
            }
        return windows;
    };
    Plan plan = planOf(recipe);
    return std::unique_ptr<Leaving>(new Leaving{format, request.format, std::move(recipe), std::move(plan),
                                                std::move(made), request.calibration, observe,
                                                calibrationIds});
}

ExportPlan Workbench::planExport(const ExportRequest& request, std::stop_token stop,
                                 const OnProgress& progress) {
    const c10::InferenceMode inference;
    const auto leaving = impl_->leave(*this, request, stop, progress);
    return planFor(leaving->format, leaving->subject(impl_->current()),
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
    result.plan = planFor(format, subject, told);
    if (const std::string refused = refusals(result.plan); !refused.empty())
        throw Error(format.info().title + " cannot carry recipe " + leaving->recipe.text() + ": " + refused,
                    "", "Choose another target (\"kurtoscope formats\" lists them), or change the recipe");
    throwIfStopped(stop);
    ExportFolder out(request.folder, request.force, result.plan.bytes, stop, progress);
    format.write(subject, told, result.plan, out);
    carryLicence(subject, out);
    out.write("README.md", exportReadme(subject, format.info(), result.plan));
    ExportProbe probe;
    ExportSteps steps;
    if (!result.plan.checks.empty()) {
        const std::uint64_t seed = impl_->options.seed;
        probe = makeProbe(subject, impl_->device, seed, stop);
        steps = makeSteps(subject, result.plan.modules, stepsIds(subject, seed), impl_->device, stop);
    }
    out.write(exportReportName, exportReport(subject, leaving->told, result.plan, probe, steps));
    if (!steps.ids.empty()) steps.write(out);
    if (!probe.ids.empty()) {
        probe.write(out);
        for (const ExportCheck& check : result.plan.checks)
            if (check.way == ownCheck)
                result.checks.push_back(reopen(impl_->options, out.file(""), check, probe, stop));
        for (const CheckResult& check : result.checks)
            if (!check.passed())
                throw Error(
                    "was read again with other answers: they differ by " + std::to_string(check.difference) +
                        " of their size, allowed " + std::to_string(check.check.tolerance),
                    request.folder, "This is a fault in Kurtoscope: please report it with these words");
        addChecks(out.file(exportReportName), result.checks);
    }
    out.commit();
    result.recipe = leaving->recipe;
    result.folder = request.folder;
    result.files = out.files();
    result.bytes = out.bytes();
    return result;
}

std::vector<CheckResult> Workbench::verifyExport(const std::string& folder, const std::string& python,
                                                 std::stop_token stop, const OnProgress& progress) {
    const c10::InferenceMode inference;
    const ExportedFolder exported = ExportedFolder::open(folder);
    std::vector<CheckResult> results;
    std::vector<ExportCheck> others;
    for (const ExportCheck& check : exported.checks) {
        if (progress)
            progress({"Checking: " + check.way, std::int64_t(results.size()),
                      std::int64_t(exported.checks.size()), -1});
        if (check.way == ownCheck)
            results.push_back(reopen(impl_->options, folder, check, exported.probe, stop));
        else
            others.push_back(check);
    }
    if (!others.empty())
        for (CheckResult& result : runPython(exported, python, others, stop))
            results.push_back(std::move(result));
    addChecks(std::filesystem::path(folder) / exportReportName, results);
    return results;
}

std::vector<ExportFormatInfo> Workbench::exportFormats() {
    std::vector<ExportFormatInfo> all;
    for (const auto& format : Registry<ExportFormat>::instance().members())
        all.push_back(format->info());
    return all;
}

} // namespace kurtoscope
