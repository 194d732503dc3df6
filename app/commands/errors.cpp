// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <ostream>

namespace kurtoscope::commands {
namespace {

class Errors : public Command {
public:
    std::string_view id() const override { return "errors"; }
    std::string_view summary() const override {
        return "What a recipe's rounding does to every site, clipping and rounding apart, and to each token";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, true);
        recipe_.declare(app, RecipeOptions::Number::one, true);
        app.add_option("--measured", windows_, "Windows to look at")
            ->check(atLeast(1))
            ->type_name("N")
            ->capture_default_str();
        app.add_option("--top", top_, "Sites and tokens on the terminal")
            ->check(atLeast(1))
            ->type_name("N")
            ->capture_default_str();
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        const Recipe recipe = recipe_.recipes({}).front();
        model_.check();
        data_.check();
        json_.checkTarget();
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipe_.validate(workbench, {recipe});
        const ErrorReport report = workbench.errors(recipe, data_.request(), windows_, std::max(top_, 50),
                                                    stop, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        progress.say("");
        print(report);
        if (json_.wanted()) write(report, workbench);
        return 0;
    }

private:
    void print(const ErrorReport& report) const {
        std::vector<SiteError> sites = report.sites;
        std::stable_sort(sites.begin(), sites.end(), [](const SiteError& a, const SiteError& b) {
            return a.outputSqnrDb.value_or(a.sqnrDb) < b.outputSqnrDb.value_or(b.sqnrDb);
        });
        Table table({{"site", false},
                     {"SQNR (dB)"},
                     {"output SQNR"},
                     {"rounding MSE"},
                     {"clipping MSE"},
                     {"clipped"},
                     {"cosine"}});
        for (std::size_t i = 0; i < std::min(sites.size(), std::size_t(top_)); ++i) {
            const SiteError& e = sites[i];
            table.add({e.site.name(), figure(e.sqnrDb, 3), figure(e.outputSqnrDb, 3), figure(e.rounding, 3),
                       figure(e.clipping, 3), percent(e.clippedShare, 2), figure(e.cosine, 5)});
        }
        table.print(json_.human());
        json_.human() << "\nTokens whose answer moved most, " << report.measure << ":\n";
        Table worst({{"token", false}, {"window"}, {"position"}, {"divergence"}});
        for (std::size_t i = 0; i < std::min(report.worst.size(), std::size_t(top_)); ++i)
            worst.add({report.worst[i].text, std::to_string(report.worst[i].window),
                       std::to_string(report.worst[i].position), figure(report.worst[i].divergence, 3)});
        worst.print(json_.human());
    }

    void write(const ErrorReport& report, const Workbench& workbench) const {
        Json sites = Json::array(), worst = Json::array();
        for (const SiteError& e : report.sites)
            sites.push_back({{"site", e.site.name()},
                             {"values", e.values},
                             {"mse", number(e.meanSquaredError())},
                             {"rounding_mse", number(e.rounding)},
                             {"clipping_mse", number(e.clipping)},
                             {"clipped_share", number(e.clippedShare)},
                             {"sqnr_db", number(e.sqnrDb)},
                             {"output_sqnr_db", number(e.outputSqnrDb)},
                             {"cosine", number(e.cosine)}});
        for (const TokenError& t : report.worst)
            worst.push_back({{"token", t.text},
                             {"window", t.window},
                             {"position", t.position},
                             {"divergence", number(t.divergence)}});
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"recipe", recipe_.names().front()},
                     {"sites", sites},
                     {"measure", report.measure},
                     {"worst_tokens", worst}});
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipe_;
    JsonOutput json_;
    int windows_ = 4, top_ = 15;
};

} // namespace

const Registration<Command, Errors> errorsRegistration;

} // namespace kurtoscope::commands
