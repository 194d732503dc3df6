// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's observing half: statistics, calibration, samples.
#include "core/workbench_state.h"

#include "core/base/byte_stream.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/ranks.h"
#include "core/statistics/collector.h"

#include <chrono>
#include <random>

namespace kurtoscope {
namespace {

// The collector, told each tensor once: an alias gets its statistics copied from where the tensor was made,
// a linear input that a step at run time changes those of what the step made.
class OnceTap : public Tap {
public:
    OnceTap(const Transformer& transformer, std::set<Place> places, CollectorOptions options)
        : transformer_(transformer),
          places_(std::move(places)),
          collector_(options),
          reshaped_(std::move(options)) {
        for (Place place : transformer.info().places) {
            if (!places_.contains(place)) continue;
            for (int layer = 0; layer < (isPerLayer(place) ? transformer.info().layers : 1); ++layer)
                origins_.insert(transformer.origin({isPerLayer(place) ? layer : -1, place}));
        }
    }
    bool wants(Site site) const override { return origins_.contains(site); }
    void take(Site site, const SiteTensor& tensor) override { collector_.take(site, tensor); }
    std::unique_ptr<ProbabilityTaker> byRows(Site site, const Batch& batch, int heads) override {
        return collector_.byRows(site, batch, heads);
    }
    std::unique_ptr<RowTaker> byPieces(Site site, const Batch& batch, int channels,
                                       std::int64_t rowsAtOnce) override {
        return collector_.byPieces(site, batch, channels, rowsAtOnce);
    }
    bool wantsReshaped(Site input) const override { return places_.contains(input.place); }
    void takeReshaped(Site input, const SiteTensor& tensor) override { reshaped_.take(input, tensor); }

    void write(ByteWriter& to) const { collector_.write(to), reshaped_.write(to); }
    void merge(ByteReader& from) { collector_.merge(from), reshaped_.merge(from); }

    Observation observation() const {
        Observation all = collector_.observation();
        const Observation after = reshaped_.observation();
        all.sites = named(std::move(all.sites), after.sites);
        all.withoutFirstToken = named(std::move(all.withoutFirstToken), after.withoutFirstToken);
        return all;
    }

private:
    // One tensor may have several names: its figures are copied for all but the last of them.
    std::vector<SiteStats> named(std::vector<SiteStats> made, const std::vector<SiteStats>& reshaped) const {
        std::vector<SiteStats> sites;
        std::vector<std::size_t> lastUse(made.size(), 0);
        std::vector<std::pair<std::size_t, std::size_t>> copies; // of `sites`, from `made`
        const auto add = [&](Site site) {
            for (const SiteStats& stats : reshaped)
                if (stats.site == site) return sites.push_back(stats);
            for (std::size_t i = 0; i < made.size(); ++i)
                if (made[i].site == transformer_.origin(site)) {
                    lastUse[i] = sites.size();
                    copies.emplace_back(sites.size(), i);
                    sites.emplace_back().site = site;
                }
        };
        const ModelInfo& info = transformer_.info();
        const auto wanted = [&](Place place) {
            return places_.contains(place) &&
                   std::find(info.places.begin(), info.places.end(), place) != info.places.end();
        };
        if (wanted(Place::embedding)) add({-1, Place::embedding});
        for (int layer = 0; layer < info.layers; ++layer)
            for (Place place : info.places)
                if (isPerLayer(place) && wanted(place)) add({layer, place});
        for (Place place : {Place::final_norm, Place::logits})
            if (wanted(place)) add({-1, place});
        for (const auto& [to, from] : copies) {
            const Site site = sites[to].site;
            if (lastUse[from] == to)
                sites[to] = std::move(made[from]);
            else
                sites[to] = made[from];
            sites[to].site = site;
        }
        return sites;
    }

    const Transformer& transformer_;
    std::set<Place> places_;
    std::set<Site> origins_;
    Collector collector_, reshaped_;
};

std::set<Place> linearInputPlaces(const Transformer& transformer) {
    std::set<Place> places;
    for (const auto& linear : transformer.linears())
        if (!linear->head) places.insert(linear->input.place);
    return places;
}

// Keeps the rows of one site; attn_probs are averaged over heads.
class SampleTap : public Tap {
public:
    // `reshaped`: of the linear input after its steps at run time.
    SampleTap(Site site, bool reshaped, int maxTokens, const Tokenizer* tokenizer, SiteSample& sample)
        : site_(site), reshaped_(reshaped), maxTokens_(maxTokens), tokenizer_(tokenizer), sample_(sample) {}
    bool wants(Site site) const override { return !reshaped_ && site == site_; }
    bool wantsReshaped(Site site) const override { return reshaped_ && site == site_; }
    void takeReshaped(Site site, const SiteTensor& tensor) override { take(site, tensor); }
    void take(Site, const SiteTensor& tensor) override {
        const Batch& batch = *tensor.batch;
        if (sample_.channels == 0) sample_.channels = static_cast<int>(tensor.channels);
        for (int sequence = 0; sequence < batch.sequences; ++sequence)
            for (int position = 0; position < (tensor.perSequence ? 1 : batch.lengths[std::size_t(sequence)]);
                 ++position) {
                if (sample_.rows() >= maxTokens_) return;
                const int id = batch.at(sequence, position);
                sample_.tokens.push_back(tokenizer_ ? tokenizer_->tokenText(id) : std::to_string(id));
                for (int channel = 0; channel < sample_.channels; ++channel) {
                    double sum = 0;
                    for (int group = 0; group < tensor.groups && channel < tensor.channels; ++group) {
                        const std::int64_t row =
                            tensor.perSequence
                                ? sequence
                                : (std::int64_t(sequence) * tensor.groups + group) * batch.length + position;
                        sum += double(tensor.values[row * tensor.channels + channel]);
                    }
                    sample_.values.push_back(static_cast<float>(sum / tensor.groups));
                }
            }
    }

private:
    Site site_;
    bool reshaped_;
    int maxTokens_;
    const Tokenizer* tokenizer_;
    SiteSample& sample_;
};

} // namespace

Observation Workbench::observe(const ObserveRequest& request, std::stop_token stop,
                               const OnProgress& progress,
                               const std::function<void(const Observation&)>& onObservation) {
    const c10::InferenceMode inference;
    validate(request.recipe);
    PreparedData& data = impl_->prepare(request.data, true, stop);
    const Recipe recipe = impl_->resolve(request.recipe, data, stop, progress);
    const auto arithmetic = impl_->arithmetic(recipe, data, stop, progress);
    const Transformer& transformer = arithmetic ? arithmetic->model() : *impl_->current().transformer;
    const Tokenizer* tokenizer = &impl_->tokenizer();

    const auto& all = transformer.info().places;
    const std::set<Place> places =
        request.linearInputsOnly ? linearInputPlaces(transformer) : std::set<Place>(all.begin(), all.end());
    CollectorOptions options;
    options.magnitudeBar = request.magnitudeBar;
    options.tokenText = [tokenizer](int id) { return tokenizer->tokenText(id); };
    auto tap = std::make_unique<OnceTap>(transformer, places, options);

    // Statistics in the file's own order: what was seen does not depend on the seed.
    std::vector<const Window*> windows;
    for (const Window& window : data.windows.evaluation)
        windows.push_back(&window);
    std::sort(windows.begin(), windows.end(), [](const Window* a, const Window* b) {
        return a->batch.windows.front() < b->batch.windows.front();
    });
    const Clock::time_point start = Clock::now();
    Clock::time_point told = start;
    const auto finish = [&](std::size_t done) {
        Observation seen = tap->observation();
        seen.windows = static_cast<int>(done);
        seen.windowsTotal = static_cast<int>(windows.size());
        seen.dataName = data.windows.info.name;
        seen.seconds = secondsSince(start);
        return seen;
    };
    Ranks* ranks = Ranks::shared();
    for (std::size_t i = 0; i < windows.size(); ++i) {
        if (ranks && i % std::size_t(ranks->size()) != std::size_t(ranks->rank())) continue;
        const double part = double(i) / double(windows.size());
        if (progress)
            progress({"Observing", std::int64_t(i), std::int64_t(windows.size()),
                      i ? secondsSince(start) * (1 - part) / part : -1});
        Pass pass(windows[i]->batch, impl_->device, tap.get(), arithmetic.get(), stop);
        const at::Tensor hidden = transformer.hidden(pass);
        if (places.contains(Place::logits)) transformer.head(pass, hidden);
        if (onObservation && !ranks && i + 1 < windows.size() && (i == 0 || secondsSince(told) > 0.25)) {
            onObservation(finish(i + 1));
            told = Clock::now();
        }
    }
    if (ranks) { // merged in one order, so that every process has the same bits
        ByteWriter mine;
        tap->write(mine);
        tap = std::make_unique<OnceTap>(transformer, places, options);
        for (const std::string& part : ranks->gather(mine.bytes())) {
            ByteReader from(part);
            tap->merge(from);
        }
    }
    Observation seen = finish(windows.size());
    if (onObservation) onObservation(seen);
    return seen;
}

CalibrationSet& Workbench::Impl::calibration(PreparedData& data, const Recipe& recipe) {
    auto& made = data.calibrations[{recipe.samples, recipe.sampleSeed}];
    if (made) return *made;
    std::vector<const Window*> windows;
    for (const auto* from : {&data.windows.calibration, &data.windows.spare})
        for (const Window& window : *from)
            windows.push_back(&window);
    const auto samples = std::size_t(recipe.samples);
    if (samples > windows.size())
        throw Error("samples=" + std::to_string(samples) + " asks for more than the " +
                        std::to_string(windows.size()) + " windows that calibration may take",
                    data.request.calibrationPath.empty() ? data.request.path : data.request.calibrationPath,
                    "Ask for fewer, evaluate fewer (--windows), or name a longer text with --calibration");
    if (recipe.sampleSeed > 0) { // Fisher–Yates by hand: std::shuffle's order is each library's own
        std::mt19937_64 random(std::uint64_t(recipe.sampleSeed));
        for (std::size_t i = windows.size(); i > 1; --i)
            std::swap(windows[i - 1], windows[random() % i]);
    }
    windows.resize(samples > 0 ? samples : data.windows.calibration.size());
    std::vector<Batch> batches;
    for (const Window* window : windows)
        batches.push_back(window->batch);
    made = std::make_unique<CalibrationSet>(std::move(batches), device);
    return *made;
}

std::shared_ptr<const ShapedModel> Workbench::Impl::shaped(const Plan& plan, const Recipe& recipe,
                                                           PreparedData& data, std::stop_token stop,
                                                           const OnProgress& progress) {
    const std::string key = plan.transformsKey();
    const PreparedData::Samples samples{recipe.samples, recipe.sampleSeed};
    for (const auto& [count, known] : data.shaped)
        if (count == samples && known->key == key) return known;
    CalibrationSet* calibrated = plan.needsCalibration() ? &calibration(data, recipe) : nullptr;
    auto made = shape(*current().transformer, plan, calibrated, stop, progress);
    if (data.shaped.size() >= 4) data.shaped.erase(data.shaped.begin());
    data.shaped.emplace_back(samples, made);
    return made;
}

Recipe Workbench::Impl::resolve(const Recipe& recipe, PreparedData& data, std::stop_token stop,
                                const OnProgress& progress) {
    const Plan plan = planOf(recipe);
    if (plan.keep.empty()) return recipe;
    const Criterion criterion = Criterion::parse(plan.keep);
    const auto model = shaped(plan, recipe, data, stop, progress);
    CalibrationRequest request;
    if (criterion.kind == Criterion::Kind::magnitude)
        request.magnitudeBar = static_cast<float>(criterion.value);
    request.everySite = recipe.scope == Scope::all_activations || plan.ablation;
    const auto seen = calibration(data, recipe).statistics(model->piece, model->key, request, stop, progress);
    std::vector<SiteStats> sites;
    for (Site site : RecipeArithmetic::quantizedSites(model->piece.model(), recipe)) {
        const bool operand = recipe.scope == Scope::linear_inputs && !plan.ablation;
        const CalibratedSite* at =
            operand ? seen->operand(model->piece.model(), site) : seen->value(model->piece.model(), site);
        if (!at || site.place == Place::attn_probs) continue;
        sites.push_back(at->stats);
        sites.back().site = site;
    }
    Recipe resolved = recipe;
    resolved.keep.clear();
    for (const auto& [site, channels] : outlierChannels(sites, criterion))
        resolved.kept[site].insert(channels.begin(), channels.end());
    return resolved;
}

Recipe Workbench::resolveKeep(const Recipe& recipe, const DataRequest& data, std::stop_token stop,
                              const OnProgress& progress) {
    const c10::InferenceMode inference;
    validate(recipe);
    return impl_->resolve(recipe, impl_->prepare(data, true, stop), stop, progress);
}

SiteSample Workbench::sample(Site site, const DataRequest& data, const std::string& text,
                             const Recipe& recipe, int maxTokens, std::stop_token stop) {
    const c10::InferenceMode inference;
    const ModelInfo& info = impl_->current().transformer->info();
    SiteSample sample;
    sample.site = site;
    PreparedData* prepared = data.path.empty() ? nullptr : &impl_->prepare(data, true, stop);
    std::shared_ptr<const RecipeArithmetic> arithmetic;
    if (!recipe.isFp32()) {
        validate(recipe);
        if (!prepared) throw Error("a recipe needs data to calibrate on", "", "Open a text file");
        arithmetic = impl_->arithmetic(impl_->resolve(recipe, *prepared, stop, {}), *prepared, stop, {});
    }
    const Transformer& transformer = arithmetic ? arithmetic->model() : *impl_->current().transformer;
    const bool reshaped = arithmetic && arithmetic->hasSteps(site);
    const Site origin = reshaped ? site : transformer.origin(site);
    SampleTap tap(origin, reshaped, maxTokens, impl_->open->folder.tokenizer.get(), sample);
    const auto run = [&](const Batch& batch) {
        Pass pass(batch, impl_->device, &tap, arithmetic.get(), stop);
        at::Tensor x = transformer.embed(pass);
        const int last = isPerLayer(origin.place)           ? origin.layer
                         : origin.place == Place::embedding ? -1
                                                            : info.layers - 1;
        for (int layer = 0; layer <= last; ++layer) {
            pass.throwIfStopped();
            x = transformer.block(pass, layer, x);
        }
        if (origin.place == Place::final_norm) transformer.finish(pass, x);
        if (origin.place == Place::logits) transformer.head(pass, transformer.finish(pass, x));
    };
    if (!text.empty()) {
        const Encoding encoding = impl_->tokenizer().encode(
            text, true, static_cast<std::size_t>(std::min(maxTokens, info.maxLength)));
        if (encoding.ids.empty()) throw Error("the text has no tokens", "", "Type some text");
        Batch batch{1,
                    static_cast<int>(encoding.ids.size()),
                    encoding.ids,
                    encoding.typeIds,
                    {static_cast<int>(encoding.ids.size())},
                    {0}};
        run(batch);
    } else if (prepared) {
        std::vector<const Window*> windows;
        for (const Window& window : prepared->windows.evaluation)
            windows.push_back(&window);
        std::sort(windows.begin(), windows.end(), [](const Window* a, const Window* b) {
            return a->batch.windows.front() < b->batch.windows.front();
        });
        for (const Window* window : windows) {
            if (sample.rows() >= maxTokens) break;
            run(window->batch);
        }
    }
    return sample;
}

std::vector<float> Workbench::gridLevels(const Recipe& recipe, const SiteStats& seen, const DataRequest& data,
                                         std::stop_token stop) {
    const c10::InferenceMode inference;
    const auto rule = planOf(recipe).activations;
    if (!rule || rule->format != Format::integer || seen.empty()) return {};
    PreparedData& prepared = impl_->prepare(data, true, stop);
    const auto arithmetic = impl_->arithmetic(impl_->resolve(recipe, prepared, stop, {}), prepared, stop, {});
    const SiteRounding* rounding = arithmetic ? arithmetic->rounding(seen.site) : nullptr;
    if (!rounding || !rounding->scales.empty() || !rounding->groups.empty()) return {}; // several grids
    if (rounding->rule.granularity == Granularity::per_channel ||
        rounding->rule.granularity == Granularity::per_group)
        return {};
    if (!rounding->rule.dynamic) return rounding->grid.levels();
    float low = 0, high = 0;
    for (int channel = 0; channel < seen.channels; ++channel) {
        if (!rounding->inlier.empty() && rounding->inlier[std::size_t(channel)] == 0) continue;
        low = std::min(low, seen.min[std::size_t(channel)]);
        high = std::max(high, seen.max[std::size_t(channel)]);
    }
    return Grid::over(low, high, rounding->rule.bits, rounding->rule.symmetric, rounding->rule.fullRange)
        .levels();
}

} // namespace kurtoscope
