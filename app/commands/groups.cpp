// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace kurtoscope::commands {
namespace {

class Groups : public Command {
public:
    std::string_view id() const override { return "groups"; }
    std::string_view summary() const override {
        return "A site's channels in embedding groups: their ranges, their cost, and what more groups save";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, true);
        app.add_option("--site", site_, "The site, as `kurtoscope inspect` names it")
            ->required()
            ->type_name("SITE");
        app.add_option("--groups", groups_, "Numbers of groups to set side by side")
            ->type_name("K")
            ->check(atLeast(1))
            ->capture_default_str();
        app.add_option("--bits", bits_, "Bits of a value")
            ->check(CLI::Range(2, 8))
            ->type_name("B")
            ->capture_default_str();
        app.add_flag("--in-order", inOrder_, "Group neighbouring channels instead of sorting them by range");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        Site site;
        try {
            site = Site::fromName(site_);
        } catch (const Error& error) {
            throw UsageError(error.message(), "--site " + site_, error.hint());
        }
        model_.check();
        data_.check();
        json_.checkTarget();
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        Json tables = Json::array();
        Table summary({{"groups"}, {"noise per value"}, {"of per-tensor"}});
        std::vector<GroupTable> all;
        for (int groups : groups_)
            all.push_back(workbench.groupTable(site, groups, !inOrder_, bits_, data_.request(), stop,
                                               progress.callback()));
        if (stop.stop_requested()) throw Cancelled();
        progress.say("");
        for (const GroupTable& table : all) {
            print(table);
            int channels = 0;
            Json rows = Json::array();
            for (const EmbeddingGroup& group : table.rows) {
                channels += group.channels;
                rows.push_back({{"channels", group.channels},
                                {"low", number(group.low)},
                                {"high", number(group.high)},
                                {"step", number(group.scale)},
                                {"noise", number(group.noise)},
                                {"members", group.members}});
            }
            summary.add({std::to_string(table.groups), figure(table.noise / channels, 3),
                         percent(table.perTensorNoise > 0 ? table.noise / table.perTensorNoise : 1, 2)});
            tables.push_back({{"groups", table.groups},
                              {"noise", number(table.noise)},
                              {"per_tensor_noise", number(table.perTensorNoise)},
                              {"rows", rows}});
        }
        summary.print(json_.human());
        if (json_.wanted())
            json_.write({{"schema", 1},
                         {"model", modelJson(workbench.model())},
                         {"site", site.name()},
                         {"bits", bits_},
                         {"permuted", !inOrder_},
                         {"tables", tables}});
        return 0;
    }

private:
    void print(const GroupTable& table) const {
        json_.human() << "K = " << table.groups << '\n';
        Table rows({{"group"},
                    {"channels"},
                    {"from"},
                    {"to"},
                    {"step"},
                    {"share of the noise"},
                    {"widest channels", false}});
        for (std::size_t i = 0; i < table.rows.size(); ++i) {
            const EmbeddingGroup& group = table.rows[i];
            std::string widest;
            for (std::size_t n = 0; n < std::min<std::size_t>(4, group.members.size()); ++n)
                widest += (n ? ", " : "") + std::to_string(group.members[group.members.size() - 1 - n]);
            rows.add({std::to_string(i + 1), std::to_string(group.channels), figure(group.low, 3),
                      figure(group.high, 3), figure(group.scale, 3),
                      percent(table.noise > 0 ? group.noise / table.noise : 0), widest});
        }
        rows.print(json_.human());
        json_.human() << '\n';
    }

    ModelOptions model_;
    DataOptions data_;
    JsonOutput json_;
    std::string site_;
    std::vector<int> groups_{1, 3, 4, 6, 12};
    int bits_ = 8;
    bool inOrder_ = false;
};

} // namespace

const Registration<Command, Groups> groupsRegistration;

} // namespace kurtoscope::commands
