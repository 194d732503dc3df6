// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"
#include "core/processes.h"
#include "core/statistics/outliers.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <ostream>

namespace kurtoscope::commands {
namespace {

Json siteJson(const SiteStats& stats, const ChannelSets& outliers, const ChannelSets& firstOnly) {
    const auto at = [&](const ChannelSets& sets) {
        const auto found = sets.find(stats.site);
        return found == sets.end() ? Json::array() : Json(found->second);
    };
    return {
        {"site", stats.site.name()},
        {"layer", stats.site.layer},
        {"place", placeName(stats.site.place)},
        {"channels", stats.channels},
        {"tokens", stats.tokens},
        {"absmax", number(stats.siteAbsmax)},
        {"kurtosis", number(stats.siteKurtosis)},
        {"top1pct_energy", number(stats.top1pctEnergy)},
        {"max_to_median", number(stats.maxToMedian)},
        {"nonfinite", stats.nonfinite},
        {"outlier_channels", at(outliers)},
        {"first_token_only", at(firstOnly)}, // of these, massive at the first token and ordinary elsewhere
        {"channel_absmax", numbers(stats.absmax)},
        {"channel_kurtosis", numbers(stats.kurtosis)}};
}

// The value at the site of a Place where it is largest, with that site's layer.
template <class Value>
std::string largest(const std::vector<const SiteStats*>& sites, Value value, const auto& shown) {
    const auto* most = *std::max_element(sites.begin(), sites.end(),
                                         [&](auto* a, auto* b) { return value(*a) < value(*b); });
    return shown(value(*most)) + (most->site.layer < 0 ? "" : " @" + std::to_string(most->site.layer));
}

// Channels marked at the sites of one Place, those marked in most layers first: "507 (30×), 12 (2×)".
std::string channelList(const std::vector<const SiteStats*>& sites, const ChannelSets& outliers) {
    std::map<int, int> layers;
    for (const auto* stats : sites)
        if (const auto marked = outliers.find(stats->site); marked != outliers.end())
            for (const int channel : marked->second)
                ++layers[channel];
    std::vector<std::pair<int, int>> order(layers.begin(), layers.end());
    std::stable_sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.second > b.second; });
    if (order.empty()) return "none";
    constexpr std::size_t shown = 6;
    std::string text;
    for (std::size_t i = 0; i < std::min(shown, order.size()); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(order[i].first) +
                (sites.size() > 1 ? " (" + std::to_string(order[i].second) + "×)" : "");
    if (order.size() > shown) text += " and " + std::to_string(order.size() - shown) + " more";
    return text;
}

void printSites(std::ostream& out, const std::vector<SiteStats>& sites, const ChannelSets& outliers) {
    Table table({{"site", false},
                 {"channels"},
                 {"largest |x|"},
                 {"kurtosis"},
                 {"top 1 % energy"},
                 {"max/median"},
                 {"NaN, ∞"},
                 {"outlier channels", false}});
    for (const SiteStats& stats : sites)
        if (!stats.empty())
            table.add({stats.site.name(), std::to_string(stats.channels),
                       figure(static_cast<double>(stats.siteAbsmax)), figure(stats.siteKurtosis),
                       percent(stats.top1pctEnergy), figure(stats.maxToMedian),
                       std::to_string(stats.nonfinite), channelList({&stats}, outliers)});
    table.print(out);
}

void printPlaces(std::ostream& out, const std::vector<SiteStats>& sites, const ChannelSets& outliers) {
    Table table({{"place", false},
                 {"sites"},
                 {"channels"},
                 {"largest |x| @layer"},
                 {"kurtosis"},
                 {"top 1 % energy"},
                 {"max/median"},
                 {"NaN, ∞"},
                 {"outlier channels (layers)", false}});
    for (const Place place : allPlaces()) {
        std::vector<const SiteStats*> here;
        std::int64_t nonfinite = 0;
        for (const auto& stats : sites) {
            if (stats.site.place != place) continue;
            here.push_back(&stats);
            nonfinite += stats.nonfinite;
        }
        if (here.empty()) continue;
        const auto plain = [](double value) { return figure(value); };
        const auto share = [](double value) { return percent(value); };
        table.add({std::string(placeName(place)), std::to_string(here.size()),
                   std::to_string(here.front()->channels),
                   largest(
                       here, [](auto& s) { return static_cast<double>(s.siteAbsmax); }, plain),
                   largest(
                       here, [](auto& s) { return s.siteKurtosis; }, plain),
                   largest(
                       here, [](auto& s) { return s.top1pctEnergy; }, share),
                   largest(
                       here, [](auto& s) { return s.maxToMedian; }, plain),
                   std::to_string(nonfinite), channelList(here, outliers)});
    }
    table.print(out);
}

class Inspect : public Command {
public:
    std::string_view id() const override { return "inspect"; }
    std::string_view summary() const override {
        return "Statistics of every Place, or every site: where a model's outliers live";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, false);
        recipe_.declare(app, RecipeOptions::Number::one, false);
        backend_.declare(app, BackendOption::Sums::onTheProcessor);
        app.add_flag("--skip-first-token", skipFirst_,
                     "Leave the first token of each window out of the statistics");
        app.add_option(
               "--criterion", criterion_,
               "Which channels are outliers: ratio:R (× the median channel's absmax), sigma:S (standard "
               "deviations), top:K (channels per site), magnitude:M (|x| in 6 % of tokens, 25 % of layers)")
            ->type_name("RULE")
            ->capture_default_str();
        app.add_flag("--sites", bySite_, "A line for every site: each Place in each layer");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        const Processes processes(
            backend_.backend()); // first, so that the others hear of whatever goes wrong
        ObserveRequest request;
        request.recipe = recipe_.recipes({"fp32"}).front();
        request.data = data_.request();
        const Criterion criterion = parsedCriterion();
        if (criterion.kind == Criterion::Kind::magnitude)
            request.magnitudeBar = static_cast<float>(criterion.value);
        model_.check();
        data_.check();
        json_.checkTarget();

        Observation observation;
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        const DataInfo data = workbench.describe(request.data, true, stop);
        recipe_.validate(workbench, {request.recipe});
        progress.say(workbench.model().name + " · " + workbench.deviceText() + " · " + data.name + ", " +
                     data.summary);
        if (!request.recipe.keep.empty())
            request.recipe = workbench.resolveKeep(request.recipe, request.data, stop, progress.callback());
        observation = workbench.observe(request, stop, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        if (!processes.leads()) return 0;

        const auto& sites = skipFirst_ ? observation.withoutFirstToken : observation.sites;
        const ChannelSets outliers = outlierChannels(sites, criterion);
        const ChannelSets firstOnly = skipFirst_ ? ChannelSets() : firstTokenOnly(observation, criterion);
        if (!json_.wanted()) {
            progress.say("");
            if (bySite_)
                printSites(json_.human(), sites, outliers);
            else
                printPlaces(json_.human(), sites, outliers);
            std::size_t massive = 0, all = 0;
            for (const auto& [site, channels] : firstOnly)
                massive += channels.size();
            for (const auto& [site, channels] : outliers)
                all += channels.size();
            json_.human()
                << "Kurtosis is Pearson's (a Gaussian has 3). @n is the layer where the figure is largest. "
                << "Outliers by " << criterion.text() << (skipFirst_ ? ", first tokens left out" : "") << "; "
                << observation.tokens << " tokens.\n";
            if (!skipFirst_)
                json_.human() << massive << " of " << all << " outliers are massive at the first token only; "
                              << "--skip-first-token leaves it out.\n";
            return 0;
        }
        Json list = Json::array();
        for (const auto& stats : sites)
            list.push_back(siteJson(stats, outliers, firstOnly));
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"data", data.name},
                     {"windows", observation.windows},
                     {"length", request.data.length},
                     {"seed", model_.seed()},
                     {"device", workbench.deviceText()},
                     {"recipe", recipe_.names().front()},
                     {"criterion", criterion.text()},
                     {"skip_first_token", skipFirst_},
                     {"tokens", observation.tokens},
                     {"sites", list}},
                    -1);
        return 0;
    }

private:
    Criterion parsedCriterion() const {
        try {
            return Criterion::parse(criterion_);
        } catch (const Error& error) {
            throw UsageError(error.message(), "--criterion " + criterion_, error.hint());
        }
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipe_;
    BackendOption backend_;
    JsonOutput json_;
    std::string criterion_ = "ratio:20";
    bool skipFirst_ = false, bySite_ = false;
};

} // namespace

const Registration<Command, Inspect> inspectRegistration;

} // namespace kurtoscope::commands
