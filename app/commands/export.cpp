// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"

#include <CLI/CLI.hpp>
#include <ostream>

namespace kurtoscope::commands {
namespace {

std::string megabytes(std::int64_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f MB", double(bytes) / 1e6);
    return text;
}

class Export : public Command {
public:
    std::string_view id() const override { return "export"; }
    std::string_view summary() const override {
        return "Writes a recipe, or the model under it, as other software loads it";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        recipe_.declare(app, RecipeOptions::Number::one, true);
        app.add_option("--format", format_,
                       "The target: format[:key=value,…]; `kurtoscope formats` lists them")
            ->required()
            ->type_name("F");
        app.add_option("--out", out_, "The folder to make")->type_name("DIR");
        data_.declare(app, DataOptions::Need::optional, false);
        app.add_flag("--force", force_, "Replace the folder if it is an earlier export");
        app.add_flag("--plan", planOnly_,
                     "Say what would be written and what the target cannot carry, and stop");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        ExportRequest request;
        request.recipe = recipe_.recipes({}).front();
        request.format = formatOf();
        request.folder = out_;
        request.force = force_;
        if (out_.empty() && !planOnly_)
            throw UsageError("--out is required", "export", "Name a folder to make, or use --plan");
        model_.check();
        data_.check();
        json_.checkTarget();
        request.calibration = data_.request();
        if (request.calibration.path.empty()) request.calibration.path = request.calibration.calibrationPath;

        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipe_.validate(workbench, {request.recipe});
        ExportResult result;
        if (planOnly_) {
            result.plan = workbench.planExport(request, stop, progress.callback());
            result.recipe = request.recipe;
        } else {
            result = workbench.exportModel(request, stop, progress.callback());
        }
        progress.say("");
        print(result);
        if (json_.wanted()) write(result, workbench);
        return 0;
    }

private:
    RecipePart formatOf() const {
        try {
            RecipePart part = exportFormatFromText(format_);
            for (const ExportFormatInfo& known : Workbench::exportFormats())
                if (known.id == part.scheme) return part;
            throw Error("unknown export format \"" + part.scheme + "\"", format_,
                        "`kurtoscope formats` lists them");
        } catch (const Error& error) {
            throw UsageError(error.message(), error.where(), error.hint());
        }
    }

    void print(const ExportResult& result) const {
        std::ostream& out = json_.human();
        const ExportPlan& plan = result.plan;
        if (!plan.modules.empty()) {
            Table table({{"module", false}, {"group", false}, {"treatment", false}, {"kept"}});
            for (const ExportedModule& module : plan.modules)
                table.add({module.name, module.group.empty() ? "NONE" : module.group, module.treatment,
                           std::to_string(module.keptChannels)});
            table.print(out);
        }
        if (!plan.left.empty()) {
            out << "Left in floating point:";
            for (const std::string& name : plan.left)
                out << ' ' << name;
            out << '\n';
        }
        for (const ExportLimit& limit : plan.limits)
            out << "This target cannot carry: " << limit.what
                << (limit.isRefused() ? ". The export is refused" : ". Instead: " + limit.nearest) << ".\n";
        for (const std::string& note : plan.notes)
            out << "Note: " << note << '\n';
        out << "Expected difference: " << plan.expectedDifference << ".\n";
        if (planOnly_)
            out << "About " << megabytes(plan.bytes) << "; nothing was written.\n";
        else
            out << "Written to " << result.folder << ": " << result.files.size() << " files, "
                << megabytes(result.bytes) << ".\n";
    }

    void write(const ExportResult& result, const Workbench& workbench) const {
        Json modules = Json::array(), limits = Json::array();
        for (const ExportedModule& module : result.plan.modules)
            modules.push_back({{"name", module.name},
                               {"group", module.group},
                               {"treatment", module.treatment},
                               {"kept_channels", module.keptChannels}});
        for (const ExportLimit& limit : result.plan.limits)
            limits.push_back({{"what", limit.what}, {"nearest", limit.nearest}});
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"recipe", Json::parse(result.recipe.toJson())},
                     {"format", format_},
                     {"written", !planOnly_},
                     {"folder", result.folder},
                     {"files", result.files},
                     {"bytes", planOnly_ ? result.plan.bytes : result.bytes},
                     {"cannot_carry", limits},
                     {"expected_difference", result.plan.expectedDifference},
                     {"modules", modules},
                     {"left_in_floating_point", result.plan.left},
                     {"notes", result.plan.notes}});
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipe_;
    JsonOutput json_;
    std::string format_, out_;
    bool force_ = false, planOnly_ = false;
};

} // namespace

const Registration<Command, Export> exportRegistration;

} // namespace kurtoscope::commands
