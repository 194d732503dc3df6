// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"
#include "core/statistics/outliers.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace kurtoscope::commands {
namespace {

class StabilityCommand : public Command {
public:
    std::string_view id() const override { return "stability"; }
    std::string_view summary() const override {
        return "Whether outlier channels found once are those of later text: recall of a fixed list, window "
               "by window";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, false);
        app.add_option("--other", other_, "A second file to judge the same list on")->type_name("FILE");
        app.add_option("--criterion", criterion_,
                       "Which channels are outliers: ratio:R, sigma:S, top:K, magnitude:M")
            ->type_name("RULE")
            ->capture_default_str();
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        try {
            Criterion::parse(criterion_);
        } catch (const Error& error) {
            throw UsageError(error.message(), "--criterion " + criterion_, error.hint());
        }
        model_.check();
        data_.check();
        json_.checkTarget();
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        const Stability found =
            workbench.stability(data_.request(), other_, criterion_, stop, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        progress.say("");
        json_.human() << found.fixed << " channels by " << found.criterion
                      << " on calibration text, at linear inputs.\n";
        Table table({{"data", false}, {"window"}, {"outliers here"}, {"recall of the list"}, {"precision"}});
        for (const StabilityRow& row : found.rows)
            table.add({row.data, std::to_string(row.window), std::to_string(row.found), percent(row.recall),
                       percent(row.precision)});
        table.print(json_.human());
        json_.human() << '\n';
        Table places(
            {{"place", false}, {"overlap of neighbouring layers"}, {"in half of the layers or more", false}});
        Json placeRows = Json::array(), rows = Json::array();
        for (const auto& place : found.places) {
            std::string channels;
            for (int channel : place.everywhere)
                channels += (channels.empty() ? "" : ", ") + std::to_string(channel);
            places.add({std::string(placeName(place.place)), percent(place.overlap),
                        channels.empty() ? "none" : channels});
            placeRows.push_back({{"place", placeName(place.place)},
                                 {"overlap", number(place.overlap)},
                                 {"everywhere", place.everywhere}});
        }
        places.print(json_.human());
        if (!json_.wanted()) return 0;
        for (const StabilityRow& row : found.rows)
            rows.push_back({{"data", row.data},
                            {"window", row.window},
                            {"outliers", row.found},
                            {"recall", number(row.recall)},
                            {"precision", number(row.precision)}});
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"criterion", found.criterion},
                     {"fixed", found.fixed},
                     {"rows", rows},
                     {"places", placeRows}});
        return 0;
    }

private:
    ModelOptions model_;
    DataOptions data_;
    JsonOutput json_;
    std::string other_, criterion_ = "ratio:20";
};

} // namespace

const Registration<Command, StabilityCommand> stabilityRegistration;

} // namespace kurtoscope::commands
