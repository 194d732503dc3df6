// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/export_report.h"

#include "core/data/fingerprint.h"
#include "core/data/strict_json.h"
#include "core/export/export_check.h"
#include "core/export/export_folder.h"
#include "core/export/export_steps.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <torch/headeronly/version.h>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

Json calibrationJson(const DataRequest& data) {
    if (data.path.empty()) return nullptr;
    const std::string& path = data.calibrationPath.empty() ? data.path : data.calibrationPath;
    return {{"file", fs::path(path).filename().string()},
            {"fingerprint", fingerprint(path)},
            {"windows", data.calibrationWindows},
            {"length", data.length}};
}

Json probeJson(const ExportPlan& plan, const ExportProbe& probe, const ExportSteps& steps) {
    if (probe.ids.empty()) return nullptr;
    Json ways = Json::object();
    for (const ExportCheck& check : plan.checks)
        ways[check.way] = realJson(check.tolerance);
    Json made{
        {"ids", probe.ids}, {"answers", probeName}, {"ways", ways}, {"words", Json::parse(plan.checkWords)}};
    if (!probe.byLibTorch.empty()) made["libtorch"] = {{"version", TORCH_VERSION}, {"ids", probe.textIds}};
    if (!steps.ids.empty()) made["steps"] = steps.json();
    return made;
}

bool isLicence(const std::string& name) {
    for (const char* start : {"LICENSE", "LICENCE", "COPYING", "NOTICE", "USE_POLICY"})
        if (name.starts_with(start)) return true;
    return false;
}

} // namespace

std::string exportReport(const ExportSubject& subject, const RecipePart& format, const ExportPlan& plan,
                         const ExportProbe& probe, const ExportSteps& steps) {
    Json limits = Json::array(), modules = Json::array();
    for (const ExportLimit& limit : plan.limits)
        limits.push_back({{"what", limit.what}, {"nearest", limit.nearest}});
    for (const ExportedModule& module : plan.modules)
        modules.push_back({{"name", module.name},
                           {"group", module.group},
                           {"treatment", module.treatment},
                           {"kept_channels", module.keptChannels}});
    const Json report{{"schema", 1},
                      {"kurtoscope", KURTOSCOPE_VERSION},
                      {"format", {{"id", format.scheme}, {"parameters", format.parameters}}},
                      {"model",
                       {{"name", subject.base.info().name},
                        {"architecture", subject.base.info().architecture},
                        {"fingerprint", fingerprint(subject.folder.path)}}},
                      {"recipe", Json::parse(subject.recipe.toJson())},
                      {"calibration", calibrationJson(subject.calibration)},
                      {"cannot_carry", limits},
                      {"expected_difference", plan.expectedDifference},
                      {"modules", modules},
                      {"left_in_floating_point", plan.left},
                      {"probe", probeJson(plan, probe, steps)},
                      {"checks", Json::array()}};
    return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string exportReadme(const ExportSubject& subject, const ExportFormatInfo& format,
                         const ExportPlan& plan) {
    std::string text = "# " + subject.base.info().name + ", " + subject.recipe.text() +
                       "\n\nWritten by Kurtoscope " + KURTOSCOPE_VERSION + " as " + format.title + ": " +
                       format.summary + ".\n\n## How to load it\n\n" + plan.loading;
    const auto list = [&](const char* title, const auto& entries, const auto& sentence) {
        if (entries.empty()) return;
        text += std::string("\n## ") + title + "\n\n";
        for (const auto& entry : entries)
            text += "- " + sentence(entry) + "\n";
    };
    list("What to know", plan.notes, [](const std::string& note) { return note; });
    list("What this target cannot carry", plan.limits,
         [](const ExportLimit& limit) { return limit.what + ". Instead: " + limit.nearest; });
    text += "\n## Expected difference from the recipe's simulation\n\n" + plan.expectedDifference + ".\n";
    text += std::string("\n`") + exportReportName +
            "` holds the recipe, every quantized module with the group it lands in, and what was checked "
            "(`kurtoscope verify` adds to it).\n";
    return text;
}

void carryLicence(const ExportSubject& subject, ExportFolder& out) {
    std::error_code code;
    const fs::path given = subject.folder.path;
    if (!fs::is_directory(given, code)) return;
    for (const auto& entry : fs::directory_iterator(given)) {
        const std::string name = entry.path().filename().string();
        if (!entry.is_regular_file(code)) continue;
        if (isLicence(name)) out.copy(entry.path(), name);
        if (name == "README.md") out.copy(entry.path(), "MODEL_CARD.md");
    }
}

} // namespace kurtoscope
