// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's search for the smallest set of kept channels, or of whole sites, that reaches a goal.
#include "core/workbench_state.h"

#include "core/base/error.h"
#include "core/evaluation/site_errors.h"
#include "core/quantization/keep_path.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

constexpr std::size_t longestPath = 4096;

double noiseToSignal(const SiteError& error) {
    const double decibels = error.outputSqnrDb.value_or(error.sqnrDb);
    return std::isinf(decibels) ? 0 : std::pow(10, -decibels / 10);
}

// What a search for things to keep cannot work on says so before it begins.
void check(const Recipe& recipe, const KeepGoal& goal) {
    const Plan plan = planOf(recipe);
    if (plan.ablation)
        throw Error("ablate rounds nothing: its channels are those it changes, not those it keeps",
                    recipe.text(), "Give a recipe that rounds");
    if (!goal.wholeSites && recipe.keep.empty() && recipe.kept.empty() && !plan.keep.empty())
        throw Error("a scheme of this recipe finds kept channels by a criterion of its own", recipe.text(),
                    "Give the recipe without it, such as w8a8 with the same bits: the search chooses");
    const std::size_t pinned = goal.wholeSites ? goal.pinned.size() : channelCount(goal.pinned);
    if (goal.budget && pinned > *goal.budget)
        throw Error("the budget of " + std::to_string(*goal.budget) + " is smaller than the " +
                        std::to_string(pinned) + " that are pinned",
                    "", "Raise the budget or pin fewer");
}

// The ways to go, from nothing kept to everything on the path: a recipe for each count.
struct Way {
    KeepPath channels;
    std::vector<std::pair<Site, double>> sites; // whole ones, with the noise left after each
    bool whole = false;

    std::size_t length() const { return whole ? sites.size() : channels.choices.size(); }
    double predicted(std::size_t count) const {
        if (count == 0) return 1;
        return whole ? sites[count - 1].second : channels.choices[count - 1].predicted;
    }
    Recipe at(const Recipe& base, std::size_t count) const {
        Recipe recipe = base;
        if (whole)
            for (std::size_t i = 0; i < count; ++i)
                recipe.highPrecision.insert(sites[i].first);
        else
            for (const auto& [site, chosen] : channels.first(count))
                recipe.kept[site].insert(chosen.begin(), chosen.end());
        return recipe;
    }
};

} // namespace

KeepSelection Workbench::selectKept(const Recipe& asked, const KeepGoal& goal, const DataRequest& request,
                                    std::stop_token stop, const std::function<void(const KeepStep&)>& onStep,
                                    const OnProgress& progress) {
    const c10::InferenceMode inference;
    const bool target = goal.scoreWithin || goal.divergenceBelow;
    if (!target && !goal.budget && !goal.effectiveBits)
        throw Error("no goal is set", "",
                    "Give a score, a divergence, a number of channels or of bits to reach");
    validate(asked);
    check(asked, goal);
    impl_->checkChannels(goal.pinned);
    impl_->checkChannels(goal.banned);
    PreparedData& data = impl_->prepare(request, true, stop);
    Recipe base = asked;
    if (goal.wholeSites) { // beside what the recipe keeps anyway
        base = impl_->resolve(asked, data, stop, progress);
    } else { // the search chooses
        base.keep.clear();
        base.kept = {};
    }
    const auto bare = impl_->arithmetic(base, data, stop, progress);
    if (!bare) throw Error("fp32 rounds nothing, so nothing need be kept", "", "Give another recipe");
    const Transformer& transformer = bare->model();

    const SiteErrorProbe probe(*bare);
    CalibrationSet& calibration = impl_->calibration(data, base);
    for (const Batch& batch : calibration.batches()) {
        if (progress) progress({"Estimating noise", 0, 0, -1});
        Pass pass(batch, impl_->device, nullptr, &probe, stop);
        transformer.hidden(pass);
    }
    const Plan plan = planOf(base);
    const auto shaped = impl_->shaped(plan, base, data, stop, progress);
    CalibrationRequest ranges;
    ranges.everySite = base.scope == Scope::all_activations;
    const auto seen = calibration.statistics(shaped->piece, shaped->key, ranges, stop, progress);
    std::vector<KeepCandidate> candidates;
    const std::vector<Site> quantized = RecipeArithmetic::quantizedSites(transformer, base);
    for (const SiteError& error : probe.errors()) {
        const bool chosen = std::find(quantized.begin(), quantized.end(), error.site) != quantized.end();
        const CalibratedSite* at = base.scope == Scope::linear_inputs ? seen->operand(transformer, error.site)
                                                                      : seen->value(transformer, error.site);
        if (chosen && at && error.site.place != Place::attn_probs)
            candidates.push_back({error.site, at->stats.absmax, noiseToSignal(error)});
    }
    if (candidates.empty())
        throw Error("this recipe rounds no site whose channels could be kept", base.text(),
                    "Give a recipe that rounds weights or activations");
    Way way;
    way.whole = goal.wholeSites;
    if (way.whole) {
        std::stable_sort(candidates.begin(), candidates.end(),
                         [](auto& a, auto& b) { return a.noiseToSignal > b.noiseToSignal; });
        std::stable_partition(candidates.begin(), candidates.end(),
                              [&](const KeepCandidate& one) { return goal.pinned.contains(one.site); });
        double all = 0, left = 0;
        for (const KeepCandidate& candidate : candidates)
            all += candidate.noiseToSignal;
        left = all;
        for (const KeepCandidate& candidate : candidates) {
            if (goal.banned.contains(candidate.site)) continue;
            left -= candidate.noiseToSignal;
            way.sites.emplace_back(candidate.site, all > 0 ? std::max(0.0, left / all) : 0);
        }
    } else {
        way.channels =
            keepPath(candidates, goal, goal.budget ? std::min(*goal.budget, longestPath) : longestPath);
    }
    std::size_t most = way.length(), least = 0;
    if (goal.budget) most = std::min(most, *goal.budget);
    for (const auto& choice : way.channels.choices) {
        const auto pins = goal.pinned.find(choice.site);
        least += pins != goal.pinned.end() && pins->second.contains(choice.channel);
    }
    for (const auto& [site, noise] : way.sites)
        least += goal.pinned.contains(site);

    KeepSelection selection;
    selection.measure = divergenceName(transformer.info());
    Evaluator evaluator = impl_->evaluator(data);
    const auto arithmeticAt = [&](std::size_t count) {
        const Recipe recipe = way.at(base, count);
        Plan mine = planOf(recipe);
        return std::make_shared<const RecipeArithmetic>(shaped, recipe, std::move(mine), &calibration,
                                                        impl_->current().weights, stop);
    };
    if (goal.effectiveBits) { // more kept columns take more bits: the largest count that fits
        std::size_t low = least, high = most;
        if (arithmeticAt(low)->storage().effectiveBits > *goal.effectiveBits)
            throw Error("the recipe takes more effective bits than the budget with nothing kept", "",
                        "Give at least " + std::to_string(arithmeticAt(low)->storage().effectiveBits) +
                            " bits");
        while (low < high) {
            const std::size_t middle = low + (high - low + 1) / 2;
            if (arithmeticAt(middle)->storage().effectiveBits <= *goal.effectiveBits)
                low = middle;
            else
                high = middle - 1;
        }
        most = low;
    }
    // Of class logits there is one distribution a sequence, whatever its length.
    const bool perToken = transformer.info().causal || transformer.info().labels.empty();
    std::map<std::size_t, bool> tried;
    std::shared_ptr<const RecipeArithmetic> last; // its weights and states serve the next
    const auto reaches = [&](std::size_t count) {
        if (const auto known = tried.find(count); known != tried.end()) return known->second;
        if (progress)
            progress({"Trying " + std::to_string(count) + " kept", std::int64_t(tried.size()), 0, -1});
        const auto arithmetic = arithmeticAt(count);
        const auto before = std::exchange(last, arithmetic); // until this one shares what is alike
        EvaluatorOptions options;
        // No token's KL is below zero: what the windows so far add up to is the least that all can mean.
        if (goal.divergenceBelow && transformer.info().channels(Place::logits) > 0)
            options.settled = [&](const Reading& reading, double share) {
                return perToken && reading.klMean &&
                       *reading.klMean * share * (1 - 1e-9) > *goal.divergenceBelow;
            };
        const Reading reading = evaluator.run({{0, arithmetic.get()}}, options, stop, {}, {}).front();
        const double divergence = divergenceOf(reading);
        const double worse = reading.lowerIsBetter ? reading.difference : -reading.difference;
        const bool cut = reading.windowsDone < reading.windowsTotal;
        const bool good = !cut && (!goal.scoreWithin || worse <= *goal.scoreWithin) &&
                          (!goal.divergenceBelow || divergence <= *goal.divergenceBelow);
        KeepStep step{count, way.predicted(count), reading.score, divergence, reading.windowsDone};
        selection.path.push_back(step);
        if (onStep) onStep(step);
        return tried[count] = good;
    };
    std::size_t best = most;
    if (target) {
        // Doubling until the goal is met, then halving the gap: the score need not fall evenly along the
        // path, so this is the smallest set that was tried and holds.
        std::size_t failed = least;
        if (reaches(least)) {
            best = least, selection.reached = true;
        } else {
            for (std::size_t count = std::max<std::size_t>(1, least * 2);; count *= 2) {
                count = std::min(count, most);
                if (count > failed && reaches(count)) {
                    best = count, selection.reached = true;
                    break;
                }
                failed = std::max(failed, count);
                if (count == most) break;
            }
            while (selection.reached && best - failed > 1 && best - failed > best / 32) {
                const std::size_t middle = failed + (best - failed) / 2;
                (reaches(middle) ? best : failed) = middle;
            }
        }
    } else {
        for (std::size_t count : {least, most / 4, most / 2, most})
            if (count >= least) reaches(count);
        selection.reached = true;
    }
    selection.recipe = way.at(base, best);
    std::sort(selection.path.begin(), selection.path.end(),
              [](const KeepStep& a, const KeepStep& b) { return a.kept < b.kept; });
    return selection;
}

} // namespace kurtoscope
