// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/recipe_arithmetic.h"

#include "core/base/error.h"
#include "core/base/phases.h"
#include "core/engine/library_operators.h"
#include "core/engine/pass_memory.h"
#include "core/quantization/output_head.h"
#include "core/quantization/weight_solver.h"

namespace kurtoscope {
namespace {

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

bool names(const Transformer& transformer, const Recipe& recipe, Site chosen, Site site) {
    return chosen == site ||
           (recipe.scope == Scope::all_activations && transformer.origin(chosen) == transformer.origin(site));
}

bool inHighPrecision(const Transformer& transformer, const Recipe& recipe, Site site) {
    return std::any_of(recipe.highPrecision.begin(), recipe.highPrecision.end(),
                       [&](Site chosen) { return names(transformer, recipe, chosen, site); });
}

// Whether a plan's word for a site or a whole Place means the tensor at `site`.
bool means(const Transformer& transformer, const Recipe& recipe, const std::string& chosen, Site site) {
    const auto place = placeFromName(chosen);
    if (!place) return names(transformer, recipe, Site::fromName(chosen), site);
    const Site named{isPerLayer(*place) ? site.layer : -1, *place};
    if (*place == site.place || names(transformer, recipe, named, site)) return true;
    // An alias reaches into the next layer: a post-norm attn_input is the previous layer's mlp_norm.
    const Site next{isPerLayer(*place) ? site.layer + 1 : -1, *place};
    return isPerLayer(*place) && next.layer < transformer.info().layers &&
           names(transformer, recipe, next, site);
}

ActivationRule withBitsOf(const Transformer& transformer, const Recipe& recipe, const Plan& plan, Site site,
                          ActivationRule rule) {
    for (const auto& [chosen, bits] : plan.siteBits)
        if (means(transformer, recipe, chosen, site)) rule.bits = bits;
    for (const auto& [chosen, bits] : recipe.bits)
        if (names(transformer, recipe, chosen, site)) rule.bits = bits;
    return rule;
}

// The recipe's own range as if calibration had seen it.
CalibratedSite givenRange(const Transformer& transformer, const Recipe& recipe, Site site) {
    const auto found = recipe.ranges.find(site);
    if (found == recipe.ranges.end())
        throw Error("the recipe gives ranges, but none for " + site.name(), "ranges",
                    "Give one for every site that it rounds, or none at all");
    const auto channels = static_cast<std::size_t>(transformer.info().channels(site.place));
    CalibratedSite seen;
    seen.stats.site = site;
    seen.stats.channels = static_cast<int>(channels);
    seen.stats.tokens = 1;
    seen.stats.min.assign(channels, found->second.low);
    seen.stats.max.assign(channels, found->second.high);
    return seen;
}

// y = x wᵀ + b with kept columns as a product of their own, as software sums it whose checkpoints have no
// such columns.
at::Tensor besideKept(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const std::set<int>& kept) {
    const at::Tensor columns =
        at::tensor(std::vector<std::int64_t>(kept.begin(), kept.end()), x.options().dtype(at::kLong));
    const at::Tensor beside = product(x.index_select(-1, columns), weight.index_select(1, columns), {});
    return product(x.index_fill(-1, columns, 0), weight.index_fill(1, columns, 0), bias) + beside;
}

// As torchao multiplies: sums of integers, exact, then the scale of the row and that of the output, then the
// bias.
at::Tensor scaledBehind(const at::Tensor& x, const ActivationRule& rule, const Linear& linear,
                        const WeightRule& weightRule) {
    ActivationRule perOutput;
    perOutput.bits = weightRule.bits;
    perOutput.fullRange = weightRule.fullRange, perOutput.reciprocal = weightRule.reciprocal;
    const RowLevels rows = rowLevels(x, rule), outputs = rowLevels(linear.weight, perOutput);
    const at::Tensor sums = at::matmul(rows.levels.to(at::kDouble), outputs.levels.to(at::kDouble).t());
    const at::Tensor y = sums.to(at::kFloat) * rows.scales * outputs.scales.flatten();
    return linear.bias.defined() ? y + linear.bias : y;
}

} // namespace

bool RecipeArithmetic::staysWhole(const Recipe& recipe, Site site) const {
    return inHighPrecision(model(), recipe, site);
}

std::set<int> RecipeArithmetic::layersLeftWhole(const Recipe& recipe) const {
    std::set<int> layers;
    for (int layer = 0; layer < model().info().layers; ++layer)
        if (staysWhole(recipe, {layer, Place::attn_probs})) layers.insert(layer);
    return layers;
}

std::set<int> RecipeArithmetic::keptOf(const Recipe& recipe, Site site) const {
    return keptAt(model(), recipe, site);
}

std::shared_ptr<const ShapedModel> shape(const Transformer& base, const Plan& plan,
                                         CalibrationSet* calibration, std::stop_token stop,
                                         const OnProgress& progress) {
    auto shaped = std::make_shared<ShapedModel>(ShapedModel{"", "", Workpiece(base)});
    for (const auto& transform : plan.transforms) {
        if (stop.stop_requested()) throw Cancelled();
        CalibrationSet* text = transform->needsCalibration() ? calibration : nullptr;
        if (transform->needsCalibration() && !text)
            throw Error("the recipe shapes the model by calibration", "", "Give a text to calibrate on");
        transform->apply(shaped->piece, plan, text, shaped->key, stop, progress);
        shaped->key += transform->key(plan) + ";";
        shaped->weights += transform->key(plan) + (text ? text->id() : "") + ";";
    }
    return shaped;
}

std::vector<Site> RecipeArithmetic::quantizedSites(const Transformer& transformer, const Recipe& recipe) {
    const Plan plan = planOf(recipe);
    std::vector<Site> sites;
    if (plan.stored)
        for (const auto& [site, activation] : transformer.stored())
            sites.push_back(site);
    if (!plan.activations && !plan.weights && !plan.ablation) return sites;
    const auto add = [&](Site site) {
        if (std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
    };
    if (recipe.scope == Scope::linear_inputs && !plan.ablation) {
        for (const auto& linear : transformer.linears())
            if (!linear->head || (plan.head && linear.get() == vocabularyHead(transformer)))
                add(linear->input);
        return sites;
    }
    // The output head and what it reads stay in high precision unless told otherwise; an alias is rounded
    // where its tensor is made.
    const bool head = plan.head && vocabularyHead(transformer);
    for (Place place : transformer.info().places) {
        if (place == Place::logits || (place == Place::final_norm && !head)) continue;
        if (plan.ablation && placeName(place) != plan.ablation->place) continue;
        for (int layer = 0; layer < (isPerLayer(place) ? transformer.info().layers : 1); ++layer) {
            const Site site{isPerLayer(place) ? layer : -1, place};
            if (transformer.origin(site) == site || plan.ablation) add(site);
        }
    }
    return sites;
}

RecipeArithmetic::RecipeArithmetic(std::shared_ptr<const ShapedModel> shaped, const Recipe& recipe, Plan plan,
                                   CalibrationSet* calibration, WeightStore& store, std::stop_token stop,
                                   const OnProgress& progress)
    : shaped_(std::move(shaped)) {
    if (!plan.rounds()) kernels_ = KernelTag::floating;
    bf16Attention_ = plan.bf16Attention;
    wholeAttention_ = layersLeftWhole(recipe);
    if (plan.head && !vocabularyHead(model()))
        throw Error("this model has no output head over a vocabulary that head could round", recipe.text(),
                    "Leave head out: it is for decoders");
    planSites(recipe, plan, calibration, stop, progress);
    if (plan.stored) planStored(recipe);
    if (plan.weights && plan.weights->solver)
        solveWeights(recipe, plan, *calibration, store, stop, progress);
    else
        roundWeights(recipe, plan, store);
    count(recipe, plan);
}

void RecipeArithmetic::planSites(const Recipe& recipe, const Plan& plan, CalibrationSet* calibration,
                                 std::stop_token stop, const OnProgress& progress) {
    const Transformer& transformer = model();
    const auto sites = plan.activations ? quantizedSites(transformer, recipe) : std::vector<Site>();
    const auto& rule = plan.activations;
    const bool everySite = recipe.scope == Scope::all_activations || plan.ablation;
    const bool ranged =
        rule && !plan.rangesGiven && (!rule->dynamic || (rule->embeddingGroups > 0 && rule->permute));
    std::shared_ptr<const CalibratedModel> seen;
    const bool fixedCache = plan.cache && plan.cache->fixed;
    if (ranged || fixedCache || (plan.ablation && plan.ablation->how != AblationRule::How::zero)) {
        CalibrationRequest request;
        request.cache = fixedCache;
        request.head = plan.head;
        request.everySite = everySite;
        request.histograms = rule && !rule->dynamic && rule->range != RangeMethod::minmax;
        if (request.histograms)
            for (Site site : sites)
                if (auto kept = keptAt(transformer, recipe, site); !kept.empty())
                    request.kept[transformer.origin(site)] = std::move(kept);
        if (!calibration)
            throw Error("recipe " + recipe.text() + " needs calibration", "", "Give a text to calibrate on");
        seen = calibration->statistics(shaped_->piece, shaped_->key, request, stop, progress);
    }
    const auto prepare = [&](Site site, bool operand) {
        const CalibratedSite given =
            plan.rangesGiven ? givenRange(transformer, recipe, site) : CalibratedSite();
        const CalibratedSite* at = plan.rangesGiven ? &given
                                   : !seen          ? nullptr
                                   : operand        ? seen->operand(transformer, site)
                                                    : seen->value(transformer, site);
        ActivationRule mine = withBitsOf(transformer, recipe, plan, site, *rule);
        // Embedding groups are for tensors as wide as the residual stream (Bondarenko et al. 2021, section
        // 4).
        if (transformer.info().channels(site.place) != transformer.info().hidden) mine.embeddingGroups = 0;
        return roundingFor(mine, site, transformer.info().channels(site.place), at,
                           keptAt(transformer, recipe, site));
    };
    if (rule) threshold_ = rule->threshold, outliersMeetRounded_ = rule->outliersMeetRounded;
    for (Site site : sites) {
        if (stop.stop_requested()) throw Cancelled(); // a search for the least error takes its time
        if (inHighPrecision(transformer, recipe, site)) continue;
        if (recipe.scope == Scope::all_activations)
            atValue_.emplace(site, prepare(site, false));
        else
            atOperand_.emplace(site, prepare(site, true));
    }
    // What a step at run time makes is a tensor of its own, and is rounded too.
    if (rule && recipe.scope == Scope::all_activations)
        for (const auto& [site, steps] : shaped_->piece.online())
            if (!inHighPrecision(transformer, recipe, site)) atOperand_.emplace(site, prepare(site, true));
    if (plan.cache) planCache(recipe, plan, seen.get());
    if (plan.ablation) planAblation(recipe, plan, seen.get());
}

void RecipeArithmetic::planCache(const Recipe& recipe, const Plan& plan, const CalibratedModel* seen) {
    const Transformer& transformer = model();
    const CacheRule& cache = *plan.cache;
    for (int layer = 0; layer < transformer.info().layers; ++layer)
        for (Place place : {Place::key, Place::value}) {
            const Site site{layer, place};
            const int width = transformer.info().channels(place);
            ActivationRule stored;
            stored.bits = cache.bits, stored.format = cache.format;
            if (cache.fixed) {
                stored.fullRange = true;
            } else {
                stored.dynamic = true, stored.symmetric = false;
                // Keys by channel over runs of tokens, values by token within each head.
                stored.granularity = place == Place::key ? Granularity::per_channel : Granularity::per_group;
                if (place == Place::key) stored.tokenRun = cache.group;
                stored.group =
                    place == Place::key ? cache.group : width / std::max(1, transformer.info().keyValueHeads);
            }
            if (inHighPrecision(transformer, recipe, site)) continue;
            SiteRounding rounding = roundingFor(
                withBitsOf(transformer, recipe, plan, site, stored), site, width,
                cache.fixed ? seen->operand(transformer, site) : nullptr, keptAt(transformer, recipe, site));
            // Nothing else rounds what the cache does.
            atValue_.erase(site);
            (cache.fixed ? atCache_ : atValue_).insert_or_assign(site, std::move(rounding));
        }
}

void RecipeArithmetic::planStored(const Recipe& recipe) {
    for (const auto& [site, activation] : model().stored())
        if (!inHighPrecision(model(), recipe, site))
            (site.place == Place::key || site.place == Place::value ? atCache_ : atOperand_)
                .emplace(site, roundingOf(activation, model().info().channels(site.place)));
}

void RecipeArithmetic::planAblation(const Recipe& recipe, const Plan& plan, const CalibratedModel* seen) {
    const Transformer& transformer = model();
    for (Site site : quantizedSites(transformer, recipe)) {
        const std::set<int> chosen = keptAt(transformer, recipe, site);
        const Site made = transformer.origin(site);
        const int channels = transformer.info().channels(site.place);
        if (chosen.empty() || channels <= 0) continue;
        Ablation ablation{at::zeros({channels}, at::kBool), at::zeros({channels}), 0, *plan.ablation};
        for (int channel : chosen)
            ablation.chosen[channel] = true;
        if (seen) {
            const CalibratedSite* at = seen->value(transformer, site);
            if (!at)
                throw Error("no calibration statistics for " + site.name(), "", "Calibrate on other text");
            for (int channel = 0; channel < channels; ++channel) {
                ablation.mean[channel] = static_cast<float>(at->stats.mean[std::size_t(channel)]);
                if (!chosen.contains(channel))
                    ablation.bound = std::max(ablation.bound, at->stats.absmax[std::size_t(channel)]);
            }
        }
        ablated_.insert_or_assign(made, std::move(ablation));
    }
}

RecipeArithmetic::RoundedWeight::RoundedWeight(std::string family, std::set<int> kept)
    : family(std::move(family)), name(this->family), kept(std::move(kept)) {
    for (const int channel : this->kept)
        name += "," + std::to_string(channel);
}

void RecipeArithmetic::roundWeights(const Recipe& recipe, const Plan& plan, WeightStore& store) {
    if (!plan.weights) return;
    weightRule_ = plan.weights;
    store_ = &store;
    for (const auto& linear : model().linears()) {
        if (linear->head && (!plan.head || linear.get() != vocabularyHead(model()))) continue;
        if (recipe.scope == Scope::linear_inputs && inHighPrecision(model(), recipe, linear->input)) continue;
        roundsHead_ |= linear->head;
        weights_.emplace(linear.get(),
                         RoundedWeight(shaped_->weights + linear->name + "/" + plan.weights->key(),
                                       keptAt(model(), recipe, linear->input)));
    }
}

const at::Tensor& RecipeArithmetic::made(const Linear& linear, const RoundedWeight& weight) const {
    if (!weight.tensor)
        weight.tensor = store_->get(weight.name, [&] {
            const PhaseTimer timer(Phase::quantize);
            const PassMemory::Outside stays;
            return roundWeight(linear.weight, *weightRule_, weight.kept);
        });
    return *weight.tensor;
}

void RecipeArithmetic::count(const Recipe& recipe, const Plan& plan) {
    const ModelInfo& info = model().info();
    double linearWeights = 0, linearBytes = 0, values = 0, valueBits = 0;
    for (const auto& linear : model().linears()) {
        const std::size_t kept = keptAt(model(), recipe, linear->input).size();
        const std::int64_t outputs = linear->weight.size(0), inputs = linear->weight.size(1);
        if (linear->head && weights_.contains(linear.get())) {
            // A table that embeds tokens too is still there beside it.
            storage_.bytes += static_cast<std::int64_t>(weightBytes(*plan.weights, outputs, inputs, kept));
            if (ownsWeight(shaped_->piece.base(), *linear)) storage_.bytes -= 4 * outputs * inputs;
        }
        if (linear->head) continue;
        kept_.of += static_cast<std::size_t>(inputs);
        if (plan.rounds() || plan.ablation) kept_.kept += kept;
        linearWeights += double(outputs * inputs);
        linearBytes += weights_.contains(linear.get()) ? weightBytes(*plan.weights, outputs, inputs, kept)
                                                       : 4.0 * double(outputs * inputs);
        const SiteRounding* read = rounding(linear->input);
        values += double(inputs);
        valueBits += read ? activationBits(*read, int(inputs), kept) : 32.0 * double(inputs);
    }
    // What the file stores more tightly.
    if (plan.stored) linearBytes += std::min(0.0, double(info.fileBytes) - 4.0 * double(info.parameters));
    storage_.bytes += info.parameters * 4 + static_cast<std::int64_t>(linearBytes - 4 * linearWeights);
    storage_.bytes += static_cast<std::int64_t>(shaped_->piece.streamBytes());
    std::map<const void*, double> steps;
    for (const auto& [site, made] : shaped_->piece.online())
        for (const OnlineStep& step : made)
            steps[(step.rotation.defined() ? step.rotation : step.divisor).const_data_ptr()] = step.bytes;
    for (const auto& [tensor, bytes] : steps)
        storage_.bytes += static_cast<std::int64_t>(bytes);
    if (linearWeights > 0) storage_.effectiveBits = 8.0 * linearBytes / linearWeights;
    if (values > 0) storage_.activationBits = valueBits / values;
    if (plan.cache) {
        // Of each value: its bits, and its part of a 16-bit scale and zero point.
        const double perHead = double(info.channels(Place::value)) / std::max(1, info.keyValueHeads);
        storage_.cacheBits = plan.cache->bits;
        if (!plan.cache->fixed) storage_.cacheBits += (32.0 / plan.cache->group + 32.0 / perHead) / 2;
    }
}

const SiteRounding* RecipeArithmetic::rounding(Site site) const {
    if (const auto found = atOperand_.find(site); found != atOperand_.end()) return &found->second;
    const auto found = atValue_.find(model().origin(site));
    return found == atValue_.end() ? cacheRounding(site) : &found->second;
}

const SiteRounding* RecipeArithmetic::cacheRounding(Site site) const {
    const auto found = atCache_.find(site);
    return found == atCache_.end() ? nullptr : &found->second;
}

const at::Tensor* RecipeArithmetic::roundedWeight(const Linear& linear) const {
    const auto found = weights_.find(&linear);
    return found == weights_.end() ? nullptr : &made(linear, found->second);
}

const SiteRounding* RecipeArithmetic::valueRounding(Site site) const {
    const auto found = atValue_.find(site);
    return found == atValue_.end() ? nullptr : &found->second;
}

std::shared_ptr<const RecipeArithmetic> RecipeArithmetic::without(const Recipe& recipe) const {
    auto made = std::make_shared<RecipeArithmetic>(*this);
    const auto whole = [&](Site site) { return inHighPrecision(model(), recipe, site); };
    std::erase_if(made->atValue_, [&](const auto& entry) { return whole(entry.first); });
    std::erase_if(made->atOperand_, [&](const auto& entry) { return whole(entry.first); });
    std::erase_if(made->atCache_, [&](const auto& entry) { return whole(entry.first); });
    std::erase_if(made->weights_, [&](const auto& entry) { return whole(entry.first->input); });
    made->wholeAttention_ = layersLeftWhole(recipe);
    made->roundsHead_ = roundsHead_ && !whole({-1, Place::final_norm});
    return made;
}

std::map<const void*, std::int64_t> RecipeArithmetic::heldBytes() const {
    auto held = real_ ? real_->heldBytes() : std::map<const void*, std::int64_t>();
    for (const auto& [linear, weight] : weights_)
        if (weight.tensor)
            held[weight.tensor->const_data_ptr()] = static_cast<std::int64_t>(weight.tensor->nbytes());
    return held;
}

bool RecipeArithmetic::takesRowsAlone() const {
    return threshold_ == 0 && std::all_of(atOperand_.begin(), atOperand_.end(), [](const auto& entry) {
               const ActivationRule& rule = entry.second.rule;
               return !rule.dynamic || (rule.perToken() && rule.embeddingGroups == 0);
           });
}

at::Tensor RecipeArithmetic::value(Site site, const at::Tensor& x, const Batch& batch) const {
    at::Tensor y = x;
    if (const auto found = ablated_.find(site); found != ablated_.end()) {
        const Ablation& a = found->second;
        const at::Tensor changed = a.rule.how == AblationRule::How::clamp ? x.clamp(-a.bound, a.bound)
                                   : a.rule.how == AblationRule::How::mean
                                       ? a.mean.to(x.device()).expand_as(x)
                                       : at::zeros_like(x);
        at::Tensor where = a.chosen.to(x.device()).expand_as(x);
        if (a.rule.firstTokenOnly) {
            where = where.clone();
            where.narrow(-2, 1, x.size(-2) - 1).fill_(false);
        }
        y = at::where(where, changed, x);
    }
    const auto found = atValue_.find(site);
    return found == atValue_.end() ? y : roundActivation(y, found->second, batch.lengths);
}

at::Tensor RecipeArithmetic::operand(Site site, const at::Tensor& x, const Batch& batch) const {
    const at::Tensor y = applySteps(shaped_->piece.online(site), x);
    if (real_ && real_->reads(site)) return y; // its readers turn it into their numbers
    const auto found = atOperand_.find(site);
    return found == atOperand_.end() || scalesBehind(site) ? y
                                                           : roundActivation(y, found->second, batch.lengths);
}

bool RecipeArithmetic::scalesBehind(Site input) const {
    const auto found = LibraryOperators::asked() ? atOperand_.find(input) : atOperand_.end();
    if (found == atOperand_.end() || !weightRule_ || !found->second.inlier.empty()) return false;
    const ActivationRule& rule = found->second.rule;
    return rule.reciprocal && rule.symmetric && rule.perToken() && weightRule_->reciprocal &&
           weightRule_->symmetric && weightRule_->granularity == Granularity::per_channel;
}

at::Tensor RecipeArithmetic::normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                                    const Batch& batch) const {
    if (!real_ || !real_->reads(input) || hasSteps(input)) return {};
    return real_->normed(input, x, norm, alone, batch.lengths);
}

at::Tensor RecipeArithmetic::cached(Site site, const at::Tensor& x, const Batch& batch) const {
    const auto found = atCache_.find(site);
    return found == atCache_.end() ? x : roundActivation(x, found->second, batch.lengths);
}

const at::Tensor* RecipeArithmetic::plainWeight(const Linear& linear) const {
    const auto found = weights_.find(&linear);
    if (found == weights_.end()) return &linear.weight;
    const bool beside = threshold_ != 0 && !outliersMeetRounded_,
               asInLibrary =
                   LibraryOperators::asked() && (scalesBehind(linear.input) || !found->second.kept.empty());
    return beside || asInLibrary ? nullptr : &made(linear, found->second);
}

std::vector<at::Tensor> RecipeArithmetic::linears(const std::vector<const Linear*>& layers,
                                                  const at::Tensor& x, const Batch& batch) const {
    const auto isReal = [&](const Linear* layer) { return real_ && real_->has(*layer); };
    if (std::all_of(layers.begin(), layers.end(), isReal))
        return real_->multiplyEach(layers, x, batch.lengths);
    std::vector<Factor> factors;
    for (const Linear* layer : layers)
        if (const at::Tensor* weight = isReal(layer) ? nullptr : plainWeight(*layer))
            factors.push_back({*weight, layer->bias});
    if (factors.size() < layers.size()) return Arithmetic::linears(layers, x, batch);
    const PhaseTimer timer(Phase::gemm);
    return products(x, factors);
}

at::Tensor RecipeArithmetic::linearThen(const Linear& linear, const at::Tensor& x, const Batch& batch,
                                        const Then& then) const {
    if (real_ && real_->has(linear)) {
        Then last = then;
        if (last.reader && (!real_->reads(*last.reader) || hasSteps(*last.reader))) last.reader = nullptr;
        return real_->multiply(linear, x, batch.lengths, last);
    }
    const PhaseTimer timer(Phase::gemm);
    if (const at::Tensor* weight = plainWeight(linear)) return product(x, *weight, linear.bias, then);
    if (scalesBehind(linear.input))
        return then.applied(scaledBehind(x, atOperand_.at(linear.input).rule, linear, *weightRule_));
    const RoundedWeight& rounded = weights_.at(&linear);
    const at::Tensor& weight = made(linear, rounded);
    if (threshold_ == 0 || outliersMeetRounded_)
        return then.applied(besideKept(x, weight, linear.bias, rounded.kept));
    const at::Tensor y = product(x, weight, linear.bias);
    // The columns that stayed out of x's rounding meet the weight as it was (Dettmers et al. 2022, section
    // 3).
    const at::Tensor out =
        at::where(channelsOver(x, threshold_, batch.lengths), x, at::zeros({}, x.options()));
    return then.applied(y + product(out, linear.weight - weight, {}));
}

} // namespace kurtoscope
