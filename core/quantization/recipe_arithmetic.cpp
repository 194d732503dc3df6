// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/recipe_arithmetic.h"

#include "core/base/parallel.h"

namespace kurtoscope {
namespace {

std::vector<std::int32_t> inlierMask(std::int64_t channels, const std::set<int>& kept) {
    if (kept.empty()) return {};
    std::vector<std::int32_t> mask(static_cast<std::size_t>(channels), -1);
    for (int channel : kept)
        mask.at(static_cast<std::size_t>(channel)) = 0;
    return mask;
}

// What the recipe keeps of the tensor that `site` names, under whichever of its names it was chosen.
std::set<int> keptAt(const Transformer& transformer, const Recipe& recipe, Site site) {
    std::set<int> kept;
    const bool wholeTensor = recipe.scope == Scope::all_activations;
    for (const auto& [chosen, channels] : recipe.kept)
        if (chosen == site || (wholeTensor && transformer.origin(chosen) == transformer.origin(site)) ||
            (!wholeTensor && chosen.place == Place::attn_norm && transformer.origin(chosen) == site))
            kept.insert(channels.begin(), channels.end());
    return kept;
}

bool inHighPrecision(const Transformer& transformer, const Recipe& recipe, Site site) {
    for (Site chosen : recipe.highPrecision)
        if (chosen == site || (recipe.scope == Scope::all_activations &&
                               transformer.origin(chosen) == transformer.origin(site)))
            return true;
    return false;
}

} // namespace

std::shared_ptr<const at::Tensor> WeightStore::rounded(const Linear& linear, const WeightRule& rule,
                                                       const std::set<int>& kept) {
    std::string key = linear.name + "/" + std::to_string(rule.bits) + (rule.perChannel ? "c" : "t");
    for (int channel : kept)
        key += "," + std::to_string(channel);
    if (auto found = entries_[key].lock()) return found;
    std::erase_if(entries_, [&](const auto& entry) { return entry.first != key && entry.second.expired(); });

    const at::Tensor weight = linear.weight.contiguous();
    const auto mask = inlierMask(weight.size(1), kept);
    ActivationRule rounding{rule.bits, true, true,
                            rule.perChannel}; // a weight's row is a "token" of its output channel
    auto made = std::make_shared<at::Tensor>(
        roundActivation(weight.unsqueeze(0), rounding, {}, mask, {static_cast<int>(weight.size(0))})
            .squeeze(0));
    entries_[key] = made;
    return made;
}

bool RecipeArithmetic::needsCalibration(const Recipe& recipe) {
    const auto rule = checkedScheme(recipe).activations(recipe);
    return !recipe.keep.empty() || (rule && !rule->dynamic);
}

std::vector<Site> RecipeArithmetic::quantizedSites(const Transformer& transformer, const Recipe& recipe) {
    const Scheme& scheme = checkedScheme(recipe);
    std::vector<Site> sites;
    if (!scheme.activations(recipe) && !scheme.weights(recipe)) return sites;
    const auto add = [&](Site site) {
        if (std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
    };
    if (recipe.scope == Scope::linear_inputs) {
        for (const auto& linear : transformer.linears())
            if (!linear->head) add(linear->input);
    } else {
        // The output head and what it reads stay in high precision; an alias is rounded where its tensor is
        // made.
        for (Place place : transformer.info().places) {
            if (place == Place::logits || place == Place::final_norm) continue;
            for (int layer = 0; layer < (isPerLayer(place) ? transformer.info().layers : 1); ++layer) {
                const Site site{isPerLayer(place) ? layer : -1, place};
                if (transformer.origin(site) == site) add(site);
            }
        }
    }
    return sites;
}

Grid RecipeArithmetic::gridFor(const ActivationRule& rule, const SiteStats& stats,
                               const std::set<int>& kept) {
    float minimum = 0, maximum = 0;
    for (int channel = 0; channel < stats.channels; ++channel) {
        if (kept.contains(channel)) continue;
        minimum = std::min(minimum, stats.min[static_cast<std::size_t>(channel)]);
        maximum = std::max(maximum, stats.max[static_cast<std::size_t>(channel)]);
    }
    return Grid::over(minimum, maximum, rule.bits, rule.symmetric);
}

RecipeArithmetic::RecipeArithmetic(const Transformer& transformer, const Recipe& recipe,
                                   const Observation* calibration, WeightStore& store, std::stop_token stop)
    : scope_(recipe.scope) {
    const Scheme& scheme = checkedScheme(recipe);
    const auto activations = scheme.activations(recipe);
    const auto weights = scheme.weights(recipe);
    kernels_ = scheme.kernels(recipe);

    for (Site site : activations ? quantizedSites(transformer, recipe) : std::vector<Site>()) {
        if (inHighPrecision(transformer, recipe, site)) continue;
        const std::set<int> kept = keptAt(transformer, recipe, site);
        SiteRule rule{*activations, {}, inlierMask(transformer.info().channels(site.place), kept)};
        if (!activations->dynamic) {
            const SiteStats* stats = calibration ? calibration->find(site) : nullptr;
            if (!stats)
                throw Error("no calibration statistics for " + site.name(), "",
                            "Calibrate on text that the model can read");
            rule.grid = gridFor(*activations, *stats, kept);
        }
        rules_.emplace(site, std::move(rule));
    }

    std::int64_t linearWeights = 0;
    double linearBytes = 0;
    storage_.bytes = transformer.info().parameters * 4;
    for (const auto& linear : transformer.linears()) {
        if (linear->head) continue;
        if (stop.stop_requested()) throw Cancelled();
        const std::set<int> kept = keptAt(transformer, recipe, linear->input);
        const std::int64_t count = linear->weight.numel(), outputs = linear->weight.size(0);
        kept_.of += static_cast<std::size_t>(linear->weight.size(1));
        if (activations || weights) kept_.kept += kept.size();
        linearWeights += count;
        const bool whole =
            scope_ == Scope::linear_inputs && inHighPrecision(transformer, recipe, linear->input);
        if (!weights || whole) {
            linearBytes += 4.0 * double(count);
            continue;
        }
        weights_.emplace(linear.get(), store.rounded(*linear, *weights, kept));
        linearBytes += double(count) * weights->bits / 8.0 + 4.0 * double(weights->perChannel ? outputs : 1) +
                       4.0 * double(outputs) * double(kept.size());
    }
    storage_.bytes += static_cast<std::int64_t>(linearBytes) - linearWeights * 4;
    if (linearWeights > 0) storage_.effectiveBits = 8.0 * linearBytes / double(linearWeights);
}

at::Tensor RecipeArithmetic::apply(const SiteRule& rule, const at::Tensor& x, const Batch& batch) const {
    return roundActivation(x, rule.rule, rule.grid, rule.inlier, batch.lengths);
}

at::Tensor RecipeArithmetic::value(Site site, const at::Tensor& x, const Batch& batch) const {
    if (scope_ != Scope::all_activations) return x;
    const auto found = rules_.find(site);
    return found == rules_.end() ? x : apply(found->second, x, batch);
}

at::Tensor RecipeArithmetic::operand(Site site, const at::Tensor& x, const Batch& batch) const {
    if (scope_ != Scope::linear_inputs) return x;
    const auto found = rules_.find(site);
    return found == rules_.end() ? x : apply(found->second, x, batch);
}

at::Tensor RecipeArithmetic::linear(const Linear& linear, const at::Tensor& x) const {
    const auto found = weights_.find(&linear);
    return at::linear(x, found == weights_.end() ? linear.weight : *found->second, linear.bias);
}

} // namespace kurtoscope
