// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/work.h"

#include <algorithm>

namespace kurtoscope {
namespace {

// Readings are small, but a person may click for hours.
constexpr std::size_t rememberedReadings = 512;

template <class Value>
auto findByRecipe(std::vector<std::pair<Recipe, Value>>& entries, const Recipe& recipe) {
    return std::find_if(entries.begin(), entries.end(),
                        [&](const auto& entry) { return entry.first == recipe; });
}

template <class Value>
const Value* valueOf(const std::vector<std::pair<Recipe, Value>>& entries, const Recipe& recipe) {
    for (const auto& [key, value] : entries)
        if (key == recipe) return &value;
    return nullptr;
}

bool isBaseline(const Recipe& recipe) {
    return recipe.isFp32();
}

// The baseline, then the column that is being worked on, then the rest.
std::vector<const ColumnChoice*> byUrgency(const Choice& choice) {
    std::vector<const ColumnChoice*> order;
    const auto take = [&](std::size_t index) {
        if (index < choice.columns.size() && std::ranges::find(order, &choice.columns[index]) == order.end())
            order.push_back(&choice.columns[index]);
    };
    take(0);
    if (choice.active >= 0) take(static_cast<std::size_t>(choice.active));
    for (std::size_t i = 0; i < choice.columns.size(); ++i)
        take(i);
    return order;
}

} // namespace

Lane Work::lane() const {
    switch (kind) {
    case Kind::open:
    case Kind::describe:
        return Lane::load;
    case Kind::evaluate:
    case Kind::sensitivity:
        return Lane::evaluate;
    case Kind::emergence:
        return Lane::train;
    case Kind::exporting:
        return Lane::exporting;
    default:
        return Lane::observe;
    }
}

bool Work::preempts(const Work& running) const {
    const bool quick = kind == Kind::type || kind == Kind::sample || kind == Kind::grid ||
                       kind == Kind::read || kind == Kind::attend;
    const bool whole = running.kind == Kind::baseline || running.kind == Kind::resolve ||
                       running.kind == Kind::open || running.kind == Kind::describe;
    return !(quick && whole) && kind != Kind::exporting;
}

const Reading* Known::reading(const Recipe& recipe) const {
    return valueOf(readings, recipe);
}

std::shared_ptr<const Observation> Known::observation(const Recipe& recipe) const {
    if (isBaseline(recipe)) return baseline;
    const auto* found = valueOf(observations, recipe);
    return found ? *found : nullptr;
}

const Recipe* Known::resolution(const Recipe& recipe) const {
    return valueOf(resolved, recipe);
}

bool Known::isFromFile(const Recipe& recipe) const {
    return std::ranges::find(fromFile, recipe) != fromFile.end();
}

void Known::addFromFile(const Recipe& recipe, const Reading& reading) {
    add(recipe, reading);
    fromFile.push_back(recipe);
}

void Known::forgetFromFile() {
    std::erase_if(readings, [this](const auto& entry) { return isFromFile(entry.first); });
    fromFile.clear();
}

std::shared_ptr<const TextReading> Known::text(const Work& work) const {
    for (const auto& [key, text] : texts)
        if (key == work) return text;
    return nullptr;
}

std::shared_ptr<const RoundingErrors> Known::errorsOf(const Recipe& recipe) const {
    const auto* found = valueOf(errors, recipe);
    return found ? *found : nullptr;
}

void Known::add(const Recipe& recipe, const Reading& reading) {
    std::erase(fromFile, recipe);
    if (const auto found = findByRecipe(readings, recipe); found != readings.end()) readings.erase(found);
    if (readings.size() >= rememberedReadings) readings.erase(readings.begin());
    readings.emplace_back(recipe, reading);
}

void Known::add(const Recipe& recipe, std::shared_ptr<const Observation> observation) {
    if (const auto found = findByRecipe(observations, recipe); found != observations.end())
        found->second = std::move(observation);
    else
        observations.emplace_back(recipe, std::move(observation));
}

void Known::keepOnly(const Choice& choice) {
    const auto gone = [&](const auto& entry) {
        return std::ranges::none_of(choice.columns,
                                    [&](const ColumnChoice& column) { return column.recipe == entry.first; });
    };
    std::erase_if(observations, gone);
    std::erase_if(errors, gone);
}

Work describing(const DataRequest& data) {
    std::string text;
    for (const std::string& part :
         {data.path, data.task, std::to_string(data.windows), std::to_string(data.length),
          std::to_string(data.calibrationWindows), data.calibrationPath})
        text += part + '\n';
    return {Work::Kind::describe, {}, {}, text};
}

std::optional<Work> wantedText(const Choice& choice, const Looking& looking) {
    if (!(looking.needs & Need::reading) || choice.active < 0 ||
        choice.active >= static_cast<int>(choice.columns.size()))
        return std::nullopt;
    const Recipe& recipe = choice.columns[static_cast<std::size_t>(choice.active)].recipe;
    if (!recipe.keep.empty()) return std::nullopt; // resolved first
    return Work{Work::Kind::read, recipe, {}, looking.text};
}

std::optional<Work> wantedAttention(const Looking& looking) {
    if (!(looking.needs & Need::attention)) return std::nullopt;
    return Work{Work::Kind::attend, {}, {std::max(0, looking.site.layer), Place::attn_probs}, looking.text};
}

std::vector<Work> missingWork(const Choice& choice, const Looking& looking, const Known& known) {
    using Kind = Work::Kind;
    std::vector<Work> missing;
    const auto want = [&](Work work) {
        if (std::ranges::find(missing, work) == missing.end()) missing.push_back(std::move(work));
    };
    const auto order = byUrgency(choice);

    if (!known.baselineComplete()) want({Kind::baseline, {}, {}, {}});
    if (looking.siteChosen && !looking.text.empty()) {
        const Work work{Kind::type, {}, looking.site, looking.text};
        if (known.typed != work) want(work);
    }
    if (looking.siteChosen) {
        const Work work{Kind::sample, {}, looking.site, {}};
        if (known.sample != work) want(work);
    }
    for (const auto* column : order)
        if (!column->recipe.keep.empty() && !known.resolution(column->recipe))
            want({Kind::resolve, column->recipe, {}, {}});
    if (looking.siteChosen && known.baselineComplete() &&
        choice.active < static_cast<int>(choice.columns.size())) {
        const Work work{
            Kind::grid, choice.columns[static_cast<std::size_t>(choice.active)].recipe, looking.site, {}};
        if (known.grid != work) want(work);
    }
    if (const auto work = wantedText(choice, looking); work && !known.text(*work)) want(*work);
    if (const auto work = wantedAttention(looking); work && known.attention != work) want(*work);
    for (const auto* column : order)
        if (column->recipe.keep.empty() && !known.reading(column->recipe))
            want({Kind::evaluate, column->recipe, {}, {}});
    for (const auto* column : order) {
        const bool active = column == &choice.columns[static_cast<std::size_t>(std::max(0, choice.active))];
        const bool needed = looking.needs & Need::everyErrors || (active && looking.needs & Need::errors);
        if (needed && column->recipe.keep.empty() && !column->recipe.isFp32() &&
            !known.errorsOf(column->recipe))
            want({Kind::errors, column->recipe, {}, {}});
    }
    for (const auto* column : order)
        if (column->recipe.keep.empty() && !known.observation(column->recipe))
            want({Kind::observe, column->recipe, {}, {}});
    if (looking.sensitivity && known.sensitive != looking.sensitivity)
        want({Kind::sensitivity, *looking.sensitivity, {}, {}});
    return missing;
}

} // namespace kurtoscope
