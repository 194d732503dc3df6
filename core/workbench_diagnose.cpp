// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's diagnosing half: which sites a recipe's loss comes from, and what its rounding does there.
#include "core/workbench_state.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/evaluation/site_errors.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// The sites that can be left whole one by one, forward order within each kind.
std::vector<Site> switchedSites(const Transformer& transformer, const Recipe& recipe) {
    const Plan plan = planOf(recipe);
    if (plan.ablation)
        throw Error("ablate rounds nothing, so no site can be sensitive to it", recipe.text(),
                    "Give a recipe that rounds");
    std::vector<Site> sites;
    if (plan.activations || recipe.scope == Scope::linear_inputs)
        sites = RecipeArithmetic::quantizedSites(transformer, recipe);
    else if (plan.weights) // a site left whole leaves its readers' weights whole
        for (const auto& linear : transformer.linears())
            if (const Site site = transformer.origin(linear->input);
                !linear->head && std::find(sites.begin(), sites.end(), site) == sites.end())
                sites.push_back(site);
    if (plan.cache)
        for (int layer = 0; layer < transformer.info().layers; ++layer)
            for (Place place : {Place::key, Place::value})
                if (std::find(sites.begin(), sites.end(), Site{layer, place}) == sites.end())
                    sites.push_back({layer, place});
    if (plan.bf16Attention)
        for (int layer = 0; layer < transformer.info().layers; ++layer)
            if (const Site site{layer, Place::attn_probs};
                std::find(sites.begin(), sites.end(), site) == sites.end())
                sites.push_back(site);
    return sites;
}

// The units that are switched one by one.
std::vector<SiteSensitivity> unitsOf(const std::vector<Site>& sites, SensitivityRequest::By by) {
    std::vector<SiteSensitivity> units;
    for (Site site : sites) {
        const std::string name = by == SensitivityRequest::By::site    ? site.name()
                                 : by == SensitivityRequest::By::place ? std::string(placeName(site.place))
                                 : site.layer < 0                      ? site.name()
                                                  : "layer " + std::to_string(site.layer);
        auto found = std::find_if(units.begin(), units.end(), [&](auto& unit) { return unit.name == name; });
        if (found == units.end()) found = units.insert(units.end(), SiteSensitivity{name, {}, {}, {}, {}, 0});
        found->sites.push_back(site);
    }
    return units;
}

void sortByCost(std::vector<SiteSensitivity>& rows) {
    std::stable_sort(rows.begin(), rows.end(), [](const SiteSensitivity& a, const SiteSensitivity& b) {
        if (a.only && b.only) return *a.only > *b.only;
        if (a.only.has_value() != b.only.has_value()) return a.only.has_value();
        return a.localSqnrDb.value_or(INFINITY) < b.localSqnrDb.value_or(INFINITY);
    });
}

// KL of each row, or 1 − cosine of the final hidden states.
std::vector<double> tokenDivergence(const Transformer& base, const RecipeArithmetic* recipe,
                                    const Batch& batch, c10::Device device, std::stop_token stop) {
    Pass plain(batch, device, nullptr, nullptr, stop), rounded(batch, device, nullptr, recipe, stop);
    const Transformer& changed = recipe ? recipe->model() : base;
    const at::Tensor before = base.hidden(plain), after = changed.hidden(rounded);
    const at::Tensor logits = base.head(plain, before);
    at::Tensor each; // [sequence, position], or [sequence] for classifiers
    if (logits.defined()) {
        const at::Tensor p = at::log_softmax(logits, -1),
                         q = at::log_softmax(changed.head(rounded, after), -1);
        each = (p.exp() * (p - q)).sum(-1);
    } else {
        each = 1 - at::cosine_similarity(before, after, -1);
    }
    each = each.to(at::kCPU, at::kDouble);
    std::vector<double> values;
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        if (each.dim() == 1) {
            values.push_back(each[sequence].item<double>());
            continue;
        }
        const at::Tensor row = each[sequence].contiguous();
        const double* data = row.const_data_ptr<double>();
        values.insert(values.end(), data, data + batch.lengths[std::size_t(sequence)]);
    }
    return values;
}

} // namespace

Sensitivity Workbench::sensitivity(const SensitivityRequest& request, const DataRequest& asked,
                                   std::stop_token stop,
                                   const std::function<void(const Sensitivity&)>& onUpdate,
                                   const OnProgress& progress) {
    const c10::InferenceMode inference;
    validate(request.recipe);
    PreparedData& data = impl_->prepare(asked, true, stop);
    const Recipe recipe = impl_->resolve(request.recipe, data, stop, progress);
    const auto whole = impl_->arithmetic(recipe, data, stop, progress);
    if (!whole)
        throw Error("fp32 rounds nothing, so no site can be sensitive to it", "", "Give another recipe");
    const ModelInfo& info = model();

    Sensitivity found;
    found.measure = divergenceName(info);
    found.windowsTotal = std::min<int>(std::max(0, request.windows), int(data.windows.evaluation.size()));
    found.rows = unitsOf(switchedSites(whole->model(), recipe), request.by);
    const SiteErrorProbe probe(*whole);
    for (const Batch& batch : impl_->calibration(data, recipe).batches()) {
        if (progress) progress({"Estimating sensitivity", 0, 0, -1});
        Pass pass(batch, impl_->device, nullptr, &probe, stop);
        whole->model().hidden(pass);
    }
    for (const SiteError& error : probe.errors())
        for (SiteSensitivity& row : found.rows)
            if (error.outputSqnrDb &&
                std::find(row.sites.begin(), row.sites.end(), error.site) != row.sites.end())
                row.localSqnrDb = std::min(row.localSqnrDb.value_or(INFINITY), *error.outputSqnrDb);
    if (request.before && request.before->windowsTotal == found.windowsTotal) {
        found.all = request.before->all;
        for (SiteSensitivity& row : found.rows)
            for (const SiteSensitivity& known : request.before->rows)
                if (known.name == row.name && known.windows == found.windowsTotal) {
                    row.only = known.only, row.allBut = known.allBut;
                    row.windows = known.windows;
                }
    }
    sortByCost(found.rows);
    found.complete = found.windowsTotal == 0;
    if (onUpdate) onUpdate(found);
    if (found.complete) return found;

    // A few units at a time, the most costly by the estimate first, so that a picture fills in and what was
    // found stands when the search is stopped.
    Evaluator evaluator = impl_->evaluator(data);
    EvaluatorOptions options;
    options.windows = std::size_t(found.windowsTotal);
    options.sweepOf = whole.get();
    constexpr std::size_t together = 4;
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < found.rows.size(); ++i)
        if (!found.rows[i].only) open.push_back(i);
    std::vector<SiteSensitivity> rows = found.rows; // in the order of `open`
    const std::size_t known = rows.size() - open.size();
    const Clock::time_point start = Clock::now();
    for (std::size_t done = 0; done < open.size() || !found.all; done += together) {
        throwIfStopped(stop);
        std::vector<std::shared_ptr<const RecipeArithmetic>> owners;
        const bool first = !found.all;
        if (first) owners.push_back(whole);
        const std::size_t end = std::min(open.size(), done + together);
        for (std::size_t i = done; i < end; ++i) {
            Recipe only = recipe, allBut = recipe;
            for (std::size_t j = 0; j < rows.size(); ++j)
                for (Site site : rows[j].sites)
                    (open[i] == j ? allBut : only).highPrecision.insert(site);
            owners.push_back(whole->without(only));
            owners.push_back(whole->without(allBut));
        }
        std::vector<EvaluatedRecipe> columns;
        for (std::size_t i = 0; i < owners.size(); ++i)
            columns.push_back({static_cast<int>(i), owners[i].get()});
        const double part = double(done) / double(std::max<std::size_t>(1, open.size()));
        if (progress)
            progress({"Measuring sensitivity", std::int64_t(known + done), std::int64_t(rows.size()),
                      done ? secondsSince(start) * (1 - part) / part : -1});
        const auto readings = evaluator.run(columns, options, stop, {}, {});
        if (first) found.all = divergenceOf(readings.front());
        for (std::size_t i = done; i < end; ++i) {
            SiteSensitivity& row = rows[open[i]];
            const std::size_t at = 2 * (i - done) + (first ? 1 : 0);
            row.only = divergenceOf(readings[at]);
            row.allBut = divergenceOf(readings[at + 1]);
            row.windows = found.windowsTotal;
        }
        found.rows = rows;
        sortByCost(found.rows);
        found.complete = end == open.size();
        if (onUpdate) onUpdate(found);
    }
    if (!found.complete) { // everything was known before
        sortByCost(found.rows);
        found.complete = true;
        if (onUpdate) onUpdate(found);
    }
    return found;
}

ErrorReport Workbench::errors(const Recipe& asked, const DataRequest& request, int windows, int worst,
                              std::stop_token stop, const OnProgress& progress) {
    const c10::InferenceMode inference;
    validate(asked);
    PreparedData& data = impl_->prepare(request, true, stop);
    const auto recipe = impl_->arithmetic(impl_->resolve(asked, data, stop, progress), data, stop, progress);
    if (!recipe) throw Error("fp32 rounds nothing and makes no error", "", "Give another recipe");
    const Transformer& base = *impl_->current().transformer;
    const Tokenizer& tokenizer = impl_->tokenizer();
    ErrorReport report;
    report.measure = divergenceName(base.info());
    const SiteErrorProbe probe(*recipe);
    const std::size_t count = std::min(std::size_t(std::max(1, windows)), data.windows.evaluation.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (progress) progress({"Measuring errors", std::int64_t(i), std::int64_t(count), -1});
        const Batch& batch = data.windows.evaluation[i].batch;
        Pass pass(batch, impl_->device, nullptr, &probe, stop);
        recipe->model().hidden(pass);
        report.tokens.push_back(tokenDivergence(base, recipe.get(), batch, impl_->device, stop));
        const std::vector<double>& divergence = report.tokens.back();
        std::size_t next = 0;
        const bool perSequence = divergence.size() == std::size_t(batch.sequences) && batch.length > 1;
        for (int sequence = 0; sequence < batch.sequences; ++sequence)
            for (int position = 0; position < (perSequence ? 1 : batch.lengths[std::size_t(sequence)]);
                 ++position)
                report.worst.push_back({batch.windows[std::size_t(sequence)], position,
                                        tokenizer.tokenText(batch.at(sequence, position)),
                                        divergence[next++]});
    }
    report.sites = probe.errors();
    const std::size_t listed = std::min(report.worst.size(), std::size_t(std::max(0, worst)));
    std::partial_sort(report.worst.begin(), report.worst.begin() + std::ptrdiff_t(listed), report.worst.end(),
                      [](const TokenError& a, const TokenError& b) { return a.divergence > b.divergence; });
    report.worst.resize(listed);
    return report;
}

GroupTable Workbench::groupTable(Site site, int groups, bool permute, int bits, const DataRequest& request,
                                 std::stop_token stop, const OnProgress& progress) {
    const c10::InferenceMode inference;
    Recipe named; // for the check alone
    named.highPrecision.insert(site);
    validate(named);
    const Transformer& transformer = *impl_->current().transformer;
    const int channels = transformer.info().channels(transformer.origin(site).place);
    if (groups < 1 || groups > channels)
        throw Error(std::to_string(groups) + " groups of " + std::to_string(channels) +
                        " channels are not possible",
                    site.name(), "Give from 1 to " + std::to_string(channels) + " groups");
    PreparedData& data = impl_->prepare(request, true, stop);
    CalibrationRequest asked;
    asked.everySite = true;
    const auto seen =
        impl_->calibration(data, {}).statistics(Workpiece(transformer), "", asked, stop, progress);
    const CalibratedSite* at = seen->value(transformer, site);
    ActivationRule rule;
    rule.bits = bits, rule.symmetric = false;
    rule.embeddingGroups = groups, rule.permute = permute;
    const SiteRounding rounding = roundingFor(rule, site, channels, at, {});
    GroupTable table{site, groups, permute, {}, 0, 0};
    table.rows.resize(std::size_t(groups));
    const auto range = [&](int c) {
        return std::max(at->stats.max[std::size_t(c)], 0.0F) - std::min(at->stats.min[std::size_t(c)], 0.0F);
    };
    float low = 0, high = 0;
    for (int channel = 0; channel < channels; ++channel) {
        EmbeddingGroup& group = table.rows[std::size_t(rounding.groups[std::size_t(channel)])];
        ++group.channels;
        group.members.push_back(channel);
        group.low = std::min(group.low, at->stats.min[std::size_t(channel)]);
        group.high = std::max(group.high, at->stats.max[std::size_t(channel)]);
        low = std::min(low, group.low), high = std::max(high, group.high);
    }
    const double steps = double((1 << bits) - 1);
    for (EmbeddingGroup& group : table.rows) {
        std::stable_sort(group.members.begin(), group.members.end(),
                         [&](int a, int b) { return range(a) < range(b); });
        group.scale = static_cast<float>((double(group.high) - double(group.low)) / steps);
        group.noise = group.channels * double(group.scale) * double(group.scale) / 12;
        table.noise += group.noise;
    }
    const double step = (double(high) - double(low)) / steps;
    table.perTensorNoise = channels * step * step / 12;
    return table;
}

Stability Workbench::stability(const DataRequest& request, const std::string& otherPath,
                               const std::string& criterionText, std::stop_token stop,
                               const OnProgress& progress) {
    const c10::InferenceMode inference;
    const Criterion criterion = Criterion::parse(criterionText);
    const Transformer& transformer = *impl_->current().transformer;
    const Workpiece piece(transformer);
    CalibrationRequest asked;
    if (criterion.kind == Criterion::Kind::magnitude)
        asked.magnitudeBar = static_cast<float>(criterion.value);
    const auto marked = [&](CalibrationSet& set) {
        const auto seen = set.statistics(piece, "", asked, stop);
        std::vector<SiteStats> sites;
        for (Site site : piece.inputs())
            if (const CalibratedSite* at = seen->operand(transformer, site)) {
                sites.push_back(at->stats);
                sites.back().site = site;
            }
        return outlierChannels(sites, criterion);
    };
    Stability result;
    result.criterion = criterion.text();
    PreparedData& first = impl_->prepare(request, true, stop);
    const ChannelSets fixed = marked(impl_->calibration(first, {}));
    result.fixed = static_cast<int>(channelCount(fixed));
    const auto judge = [&](const DataRequest& part) {
        PreparedData& data = impl_->prepare(part, true, stop);
        const std::int64_t total = std::int64_t(data.windows.evaluation.size());
        for (std::int64_t i = 0; i < total; ++i) {
            if (progress) progress({"Comparing " + data.windows.info.name, i, total, -1});
            CalibrationSet one({data.windows.evaluation[std::size_t(i)].batch}, impl_->device);
            const ChannelSets here = marked(one);
            std::size_t both = 0;
            for (const auto& [site, channels] : here)
                if (const auto listed = fixed.find(site); listed != fixed.end())
                    for (int channel : channels)
                        both += listed->second.contains(channel);
            const std::size_t found = channelCount(here);
            result.rows.push_back({data.windows.info.name, int(i), int(found),
                                   found ? double(both) / double(found) : 1,
                                   result.fixed ? double(both) / double(result.fixed) : 1});
        }
    };
    judge(request);
    if (!otherPath.empty()) {
        DataRequest other = request;
        other.path = otherPath;
        judge(other);
    }
    std::map<Place, std::map<int, std::set<int>>> byPlace;
    std::map<Place, std::set<int>> layers;
    for (Site site : piece.inputs()) {
        layers[site.place].insert(site.layer);
        if (const auto found = fixed.find(site); found != fixed.end())
            byPlace[site.place][site.layer] = found->second;
    }
    for (const auto& [place, all] : layers) {
        Stability::PlaceRow row{place, 0, {}};
        double sum = 0;
        int pairs = 0;
        std::map<int, int> seen;
        for (int layer : all) {
            const std::set<int>& here = byPlace[place][layer];
            for (int channel : here)
                ++seen[channel];
            if (!all.contains(layer + 1)) continue;
            const std::set<int>& next = byPlace[place][layer + 1];
            std::set<int> either = here;
            either.insert(next.begin(), next.end());
            if (either.empty()) continue;
            const auto both =
                std::count_if(here.begin(), here.end(), [&](int c) { return next.contains(c); });
            sum += double(both) / double(either.size());
            ++pairs;
        }
        row.overlap = pairs ? sum / pairs : 0;
        for (const auto& [channel, count] : seen)
            if (2 * count >= int(all.size())) row.everywhere.push_back(channel);
        result.places.push_back(std::move(row));
    }
    return result;
}

} // namespace kurtoscope
