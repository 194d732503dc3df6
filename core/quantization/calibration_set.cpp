// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/calibration_set.h"

#include "core/statistics/collector.h"

#include <algorithm>
#include <atomic>
#include <optional>

namespace kurtoscope {
namespace {

// Gathers while the model runs in float32: values where they are made, operands after their online steps.
class Gatherer : public Arithmetic {
public:
    // `only`: sites by what makes them; empty for all that the request asks for.
    Gatherer(const Workpiece& piece, const CalibrationRequest& request, const std::set<Site>& only = {})
        : piece_(piece),
          request_(request),
          only_(only),
          wanted_(only),
          values_(options(request)),
          operands_(options(request)) {
        const Transformer& model = piece.model();
        if (!only.empty()) return;
        for (const Site input : piece.inputs())
            wanted_.insert(model.origin(input));
        if (request.head) wanted_.insert(model.origin({-1, Place::final_norm}));
        if (!request.everySite) return;
        for (Place place : model.info().places)
            if (place != Place::logits)
                for (int layer = 0; layer < (isPerLayer(place) ? model.info().layers : 1); ++layer)
                    wanted_.insert(model.origin({isPerLayer(place) ? layer : -1, place}));
    }

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override {
        if (wanted_.contains(site)) take(values_, valueExtras_, site, x, batch);
        return x;
    }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override {
        const auto& steps = piece_.online(site);
        if (steps.empty()) return x;
        const at::Tensor y = applySteps(steps, x);
        if (only_.empty() || only_.contains(piece_.model().origin(site)))
            take(operands_, operandExtras_, site, y, batch);
        return y;
    }
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override {
        if (request_.cache && only_.empty()) take(operands_, operandExtras_, site, x, batch);
        return x;
    }
    bool treats(Site site) const override {
        return site.place == Place::attn_probs && wanted_.contains(site);
    }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch&) const override {
        return at::linear(x, linear.weight, linear.bias);
    }

    CalibratedModel result() const {
        CalibratedModel all;
        const auto fill = [](const Collector& collector, const std::map<Site, Extra>& extras,
                             std::map<Site, CalibratedSite>& into) {
            for (SiteStats& stats : collector.observation().sites) {
                const Site site = stats.site;
                CalibratedSite& made = into[site];
                made.stats = std::move(stats);
                if (const auto extra = extras.find(site); extra != extras.end()) {
                    made.histogram = extra->second.histogram;
                    made.averageMin = extra->second.averageMin;
                    made.averageMax = extra->second.averageMax;
                }
            }
        };
        fill(values_, valueExtras_, all.values);
        fill(operands_, operandExtras_, all.operands);
        return all;
    }

private:
    struct Extra {
        std::shared_ptr<Histogram> histogram;
        float averageMin = 0, averageMax = 0;
        bool started = false;
    };

    static CollectorOptions options(const CalibrationRequest& request) {
        CollectorOptions options;
        options.magnitudeBar = request.magnitudeBar;
        options.peaks = 0;
        return options;
    }

    void take(Collector& collector, std::map<Site, Extra>& extras, Site site, const at::Tensor& x,
              const Batch& batch) const {
        const at::Tensor rows = x.to(at::kCPU, at::kFloat).contiguous();
        const SiteTensor seen = siteTensor(rows, batch);
        collector.take(site, seen);
        if (request_.histograms) addExtra(extras[site], site, seen);
    }

    void addExtra(Extra& extra, Site site, const SiteTensor& seen) const {
        if (!extra.histogram) extra.histogram = std::make_shared<Histogram>(calibrationBins);
        // Kept channels go by the name of the tensor's maker, whoever reads it.
        const auto kept = request_.kept.find(piece_.model().origin(site));
        const Batch& batch = *seen.batch;
        float low = 0, high = 0;
        std::vector<float> row;
        for (int sequence = 0; sequence < batch.sequences; ++sequence) {
            const std::int64_t valid = batch.lengths[std::size_t(sequence)];
            // Of attn_probs a channel is a key: those of padding are zeros that nobody asked for.
            const std::int64_t channels =
                site.place == Place::attn_probs ? std::min(valid, seen.channels) : seen.channels;
            std::vector<std::int64_t> counted;
            for (std::int64_t channel = 0; channel < channels; ++channel)
                if (kept == request_.kept.end() || !kept->second.contains(int(channel)))
                    counted.push_back(channel);
            for (int group = 0; group < seen.groups; ++group)
                for (std::int64_t position = 0; position < (seen.perSequence ? 1 : valid); ++position) {
                    const std::int64_t index =
                        seen.perSequence
                            ? sequence
                            : (std::int64_t(sequence) * seen.groups + group) * batch.length + position;
                    const float* from = seen.values + index * seen.channels;
                    row.clear();
                    for (const std::int64_t channel : counted)
                        row.push_back(from[channel]);
                    extra.histogram->add(row);
                    for (const float x : row)
                        low = std::min(low, x), high = std::max(high, x);
                }
        }
        // The moving average of torch's observers, one step a batch.
        extra.averageMin = extra.started ? extra.averageMin + 0.1F * (low - extra.averageMin) : low;
        extra.averageMax = extra.started ? extra.averageMax + 0.1F * (high - extra.averageMax) : high;
        extra.started = true;
    }

    const Workpiece& piece_;
    const CalibrationRequest& request_;
    std::set<Site> only_, wanted_;
    mutable Collector values_, operands_;
    mutable std::map<Site, Extra> valueExtras_, operandExtras_;
};

// An answer that says at least what is asked for.
bool serves(const CalibrationRequest& had, const CalibrationRequest& asked) {
    return had.magnitudeBar == asked.magnitudeBar && (had.everySite || !asked.everySite) &&
           (had.cache || !asked.cache) && (had.head || !asked.head) &&
           (!asked.histograms || (had.histograms && had.kept == asked.kept));
}

// The sites whose histograms leave other channels out; all else that is asked for was had.
std::optional<std::set<Site>> apart(const CalibrationRequest& had, const CalibrationRequest& asked) {
    CalibrationRequest same = asked;
    same.kept = had.kept;
    if (!asked.histograms || !serves(had, same)) return std::nullopt;
    std::set<Site> sites;
    for (const auto* side : {&had.kept, &asked.kept})
        for (const auto& [site, channels] : *side) {
            const auto a = had.kept.find(site), b = asked.kept.find(site);
            if (a == had.kept.end() || b == asked.kept.end() || a->second != b->second) sites.insert(site);
        }
    return sites;
}

} // namespace

CalibrationSet::CalibrationSet(std::vector<Batch> batches, c10::Device device)
    : batches_(std::move(batches)), device_(device) {
    static std::atomic<int> made = 0;
    id_ = "@" + std::to_string(++made);
}

const CalibratedSite* CalibratedModel::value(const Transformer& model, Site site) const {
    const auto found = values.find(model.origin(site));
    return found == values.end() ? nullptr : &found->second;
}

const CalibratedSite* CalibratedModel::operand(const Transformer& model, Site site) const {
    const auto found = operands.find(site);
    return found == operands.end() ? value(model, site) : &found->second;
}

std::shared_ptr<const CalibratedModel>
CalibrationSet::statistics(const Workpiece& piece, const std::string& key, const CalibrationRequest& request,
                           std::stop_token stop, const OnProgress& progress) {
    for (const Known& known : known_)
        if (known.key == key && serves(known.request, request)) return known.seen;
    const auto run = [&](const Gatherer& gatherer, int layers) { // and what comes after, where that is all
        const std::vector<Step> steps = piece.model().steps();
        const std::size_t count =
            layers < piece.model().info().layers ? std::size_t(layers) + 1 : steps.size();
        for (std::size_t i = 0; i < batches_.size(); ++i) {
            if (progress) progress({"Calibrating", std::int64_t(i), std::int64_t(batches_.size()), -1});
            Pass pass(batches_[i], device_, nullptr, &gatherer, stop);
            at::Tensor x;
            for (std::size_t step = 0; step < count; ++step)
                x = piece.model().take(pass, steps[step], x);
        }
    };
    Known made{key, request, nullptr};
    for (const Known& known : known_) {
        const auto sites = known.key == key ? apart(known.request, request) : std::nullopt;
        if (!sites) continue;
        // A channel was toggled: its site is seen again, as far up as that takes, and nothing else.
        const Gatherer gatherer(piece, request, *sites);
        int layers = 0;
        for (const Site site : *sites)
            layers = std::max(layers, isPerLayer(site.place)           ? site.layer + 1
                                      : site.place == Place::embedding ? 0
                                                                       : piece.model().info().layers);
        run(gatherer, layers);
        auto seen = std::make_shared<CalibratedModel>(*known.seen);
        CalibratedModel again = gatherer.result();
        for (auto& [site, at] : again.values)
            seen->values[site] = std::move(at);
        for (auto& [site, at] : again.operands)
            seen->operands[site] = std::move(at);
        made.request.everySite = known.request.everySite;
        made.request.cache = known.request.cache;
        made.request.head = known.request.head;
        made.seen = std::move(seen);
        break;
    }
    if (!made.seen) {
        const Gatherer gatherer(piece, request);
        run(gatherer, piece.model().info().layers);
        made.seen = std::make_shared<const CalibratedModel>(gatherer.result());
    }
    if (known_.size() >= 6) known_.erase(known_.begin());
    known_.push_back(std::move(made));
    return known_.back().seen;
}

} // namespace kurtoscope
