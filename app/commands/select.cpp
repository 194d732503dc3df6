// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"
#include "core/base/atomic_file.h"
#include "core/data/recipe_json.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace kurtoscope::commands {
namespace {

class Select : public Command {
public:
    std::string_view id() const override { return "select"; }
    std::string_view summary() const override {
        return "Finds the smallest set of kept channels, or of whole sites, that reaches a goal";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, true);
        recipe_.declare(app, RecipeOptions::Number::one, true);
        app.add_option("--within", within_, "Goal: a score at most this much worse than FP32's")
            ->type_name("X");
        app.add_option("--divergence", divergence_,
                       "Goal: a divergence from FP32 of at most this (KL in nats, or 1 − cosine)")
            ->type_name("Y");
        app.add_option("--budget", budget_, "At most this many kept channels (or sites)")
            ->check(atLeast(1))
            ->type_name("N");
        app.add_option("--bits", bits_, "At most this many effective bits per weight")->type_name("B");
        app.add_flag("--sites", sites_, "Leave whole sites in high precision instead of single channels");
        app.add_option("--pin", pin_, "A file of channels that are always kept")->type_name("FILE");
        app.add_option("--ban", ban_, "A file of channels that are never kept")->type_name("FILE");
        app.add_option("--out", out_, "Write the recipe that was found")->type_name("FILE");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        const Recipe recipe = recipe_.recipes({}).front();
        KeepGoal goal;
        goal.scoreWithin = within_;
        goal.divergenceBelow = divergence_;
        if (budget_) goal.budget = static_cast<std::size_t>(*budget_);
        goal.effectiveBits = bits_;
        goal.wholeSites = sites_;
        if (!within_ && !divergence_ && !budget_ && !bits_)
            throw UsageError("no goal is set", "", "Give --within, --divergence, --budget or --bits");
        if (!pin_.empty()) goal.pinned = keptFromJson(readFile(pin_), pin_);
        if (!ban_.empty()) goal.banned = keptFromJson(readFile(ban_), ban_);
        model_.check();
        data_.check();
        json_.checkTarget();
        if (!out_.empty()) checkWritable(out_);
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipe_.validate(workbench, {recipe});
        const auto tell = [&](const KeepStep& step) {
            progress.say(std::to_string(step.kept) + " kept: score " + figure(step.score) + ", divergence " +
                         figure(step.divergence, 3));
        };
        const KeepSelection found =
            workbench.selectKept(recipe, goal, data_.request(), stop, tell, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        progress.say("");
        print(found);
        if (!out_.empty()) writeFileAtomically(out_, found.recipe.toJson());
        if (json_.wanted()) write(found, workbench);
        return 0;
    }

private:
    std::size_t count(const KeepSelection& found) const {
        return sites_ ? found.recipe.highPrecision.size() : found.recipe.keptCount();
    }

    void print(const KeepSelection& found) const {
        Table table({{sites_ ? "whole sites" : "kept channels"},
                     {"score"},
                     {found.measure},
                     {"windows"},
                     {"predicted noise left"}});
        for (const KeepStep& step : found.path)
            table.add({std::to_string(step.kept), figure(step.score), figure(step.divergence, 3),
                       std::to_string(step.windows), percent(step.predicted)});
        table.print(json_.human());
        json_.human() << (found.reached ? "Reached with " : "Not reached; the most that was tried is ")
                      << count(found) << (sites_ ? " whole sites" : " kept channels");
        if (!out_.empty()) json_.human() << ", written to " << out_;
        json_.human() << (sites_ ? ".\n"
                                 : ", each counted once at its site; a reading counts it once for every "
                                   "linear layer that reads it.\n");
    }

    void write(const KeepSelection& found, const Workbench& workbench) const {
        Json path = Json::array();
        for (const KeepStep& step : found.path)
            path.push_back({{"kept", step.kept},
                            {"score", number(step.score)},
                            {"divergence", number(step.divergence)},
                            {"windows", step.windows},
                            {"predicted_noise", number(step.predicted)}});
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"recipe", Json::parse(found.recipe.toJson())},
                     {"reached", found.reached},
                     {"kept", count(found)},
                     {"measure", found.measure},
                     {"path", path}});
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipe_;
    JsonOutput json_;
    std::optional<double> within_, divergence_, bits_;
    std::optional<int> budget_;
    bool sites_ = false;
    std::string pin_, ban_, out_;
};

} // namespace

const Registration<Command, Select> selectRegistration;

} // namespace kurtoscope::commands
