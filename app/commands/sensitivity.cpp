// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace kurtoscope::commands {
namespace {

class SensitivityCommand : public Command {
public:
    std::string_view id() const override { return "sensitivity"; }
    std::string_view summary() const override {
        return "Which sites a recipe's loss comes from: only this one rounded, and all but this one";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, true);
        recipe_.declare(app, RecipeOptions::Number::one, true);
        app.add_option("--by", by_, "What is switched at once: one site, a Place in all layers, or a layer")
            ->check(CLI::IsMember({"site", "place", "layer"}))
            ->type_name("UNIT")
            ->capture_default_str();
        app.add_option("--measured", windows_,
                       "Windows behind the true divergences; 0 leaves it at the local estimate")
            ->check(atLeast(0))
            ->type_name("N")
            ->capture_default_str();
        app.add_option("--top", top_, "Rows on the terminal")
            ->check(atLeast(1))
            ->type_name("N")
            ->capture_default_str();
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        SensitivityRequest request;
        request.recipe = recipe_.recipes({}).front();
        request.windows = windows_;
        request.by = by_ == "place"   ? SensitivityRequest::By::place
                     : by_ == "layer" ? SensitivityRequest::By::layer
                                      : SensitivityRequest::By::site;
        model_.check();
        data_.check();
        json_.checkTarget();
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipe_.validate(workbench, {request.recipe});
        const auto note = [&](const Sensitivity& found) {
            if (!found.rows.empty()) progress.setNote("worst " + found.rows.front().name);
        };
        const Sensitivity found =
            workbench.sensitivity(request, data_.request(), stop, note, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        progress.say("");
        print(found, request.recipe.scope);
        if (json_.wanted()) write(found, workbench);
        return 0;
    }

private:
    void print(const Sensitivity& found, Scope scope) const {
        Table table({{by_, false}, {"only this: " + found.measure}, {"all but this"}, {"local SQNR (dB)"}});
        for (std::size_t i = 0; i < std::min(found.rows.size(), std::size_t(top_)); ++i) {
            const SiteSensitivity& row = found.rows[i];
            table.add({row.name, figure(row.only, 3), figure(row.allBut, 3), figure(row.localSqnrDb, 3)});
        }
        table.print(json_.human());
        if (found.rows.size() > std::size_t(top_))
            json_.human() << found.rows.size() - std::size_t(top_) << " more; --top shows them.\n";
        if (scope == Scope::all_activations)
            json_.human() << "Weights that the recipe rounds stay rounded throughout: under "
                             "scope=all-activations they belong to no one site.\n";
        if (found.all)
            json_.human() << "Everything rounded: " << figure(*found.all, 3) << " " << found.measure << ".\n";
    }

    void write(const Sensitivity& found, const Workbench& workbench) const {
        Json rows = Json::array();
        for (const SiteSensitivity& row : found.rows)
            rows.push_back({{"name", row.name},
                            {"only", number(row.only)},
                            {"all_but", number(row.allBut)},
                            {"local_sqnr_db", number(row.localSqnrDb)},
                            {"windows", row.windows}});
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"recipe", recipe_.names().front()},
                     {"by", by_},
                     {"measure", found.measure},
                     {"all", number(found.all)},
                     {"rows", rows}});
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipe_;
    JsonOutput json_;
    std::string by_ = "site";
    int windows_ = 2, top_ = 20;
};

} // namespace

const Registration<Command, SensitivityCommand> sensitivityRegistration;

} // namespace kurtoscope::commands
