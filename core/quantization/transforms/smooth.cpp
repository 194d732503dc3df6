// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transforms/smooth.h"

#include "core/base/error.h"
#include "core/quantization/block_stream.h"
#include "core/quantization/round_activation.h"
#include "core/quantization/round_weight.h"

#include <cstdio>

namespace kurtoscope {
namespace {

constexpr std::int64_t sampledRows = 256; // of each linear input, enough to rank a handful of α

// Largest magnitudes of a linear input and of the weights that read it, [channel].
struct Magnitudes {
    at::Tensor input, weight;
};

Magnitudes magnitudesOf(const Workpiece& piece, const CalibratedModel& seen, Site input) {
    const CalibratedSite* site = seen.operand(piece.model(), input);
    if (!site)
        throw Error("no calibration statistics for " + input.name(), "",
                    "Calibrate on text that the model can read");
    Magnitudes all;
    for (const auto& linear : piece.readers(input)) {
        const at::Tensor mine = linear->weight.abs().amax(0);
        all.weight = all.weight.defined() ? at::maximum(all.weight, mine) : mine;
    }
    const std::vector<float>& absmax = site->stats.absmax;
    all.input = at::from_blob(const_cast<float*>(absmax.data()), {std::int64_t(absmax.size())}, at::kFloat)
                    .to(all.weight.device(), at::kFloat, false, true);
    all.input = piece.foldable(input, all.input);
    all.weight = piece.foldable(input, all.weight);
    return all;
}

// A channel that nothing was seen in, or that nobody reads, stays as it is.
at::Tensor divisorOf(const Magnitudes& of, double alpha) {
    const at::Tensor divisor = of.input.pow(alpha) / of.weight.pow(1 - alpha);
    const at::Tensor usable =
        at::logical_and(at::logical_and(of.input > 0, of.weight > 0), at::isfinite(divisor));
    return at::where(usable, divisor, at::ones({}, divisor.options()));
}

// What calibration would have seen had the input been divided.
CalibratedSite divided(const CalibratedSite& site, const at::Tensor& divisor) {
    CalibratedSite made;
    made.stats.site = site.stats.site, made.stats.channels = site.stats.channels;
    made.stats.min = site.stats.min, made.stats.max = site.stats.max, made.stats.absmax = site.stats.absmax;
    const at::Tensor by = divisor.to(at::kCPU).contiguous();
    for (std::size_t c = 0; c < made.stats.absmax.size(); ++c) {
        const float d = by.const_data_ptr<float>()[c];
        made.stats.min[c] /= d, made.stats.max[c] /= d, made.stats.absmax[c] /= d;
    }
    return made;
}

// The plan's rule for a sample of rows: whole tensors' ranges come from calibration, as a sample may miss the
// row that holds the largest value.
std::optional<ActivationRule> sampledRule(const Plan& plan) {
    std::optional<ActivationRule> rule = plan.activations;
    if (!rule) return rule;
    rule->dynamic = rule->dynamic && (rule->perToken() || rule->granularity == Granularity::per_group);
    rule->range = RangeMethod::minmax;
    return rule;
}

class Search {
public:
    Search(const Workpiece& piece, const Plan& plan, const CalibratedModel& seen)
        : piece_(piece), plan_(plan), rule_(sampledRule(plan)), seen_(seen) {
        if (plan.weights) {
            weightRule_ = *plan.weights;
            weightRule_->solver = nullptr; // ranked by nearest levels; solving for each α would take minutes
        }
    }

    double best(Site input, const Magnitudes& magnitudes, const at::Tensor& rows) const {
        double best = 0.5, least = INFINITY;
        for (int tenth = 0; tenth <= 10; ++tenth) {
            const double error = errorUnder(input, divisorOf(magnitudes, tenth / 10.0), rows);
            if (error < least) least = error, best = tenth / 10.0;
        }
        return best;
    }

private:
    double errorUnder(Site input, const at::Tensor& divisor, const at::Tensor& rows) const {
        at::Tensor x = rows / divisor;
        if (rule_) {
            const CalibratedSite site = divided(*seen_.operand(piece_.model(), input), divisor);
            const SiteRounding rounding = roundingFor(*rule_, input, int(rows.size(1)), &site, {});
            x = roundActivation(x.unsqueeze(0), rounding, {int(rows.size(0))}).squeeze(0);
        }
        double error = 0;
        for (const auto& linear : piece_.readers(input)) {
            at::Tensor weight = linear->weight * divisor;
            if (weightRule_) weight = roundWeight(weight, *weightRule_, {});
            const at::Tensor off = at::linear(x, weight) - at::linear(rows, linear->weight);
            error += off.square().sum(at::kDouble).item<double>();
        }
        return error;
    }

    const Workpiece& piece_;
    const Plan& plan_;
    std::optional<ActivationRule> rule_;
    std::optional<WeightRule> weightRule_;
    const CalibratedModel& seen_;
};

} // namespace

std::string Smooth::key(const Plan& plan) const {
    if (!search_) return "smooth " + std::to_string(alpha_);
    return "smooth search " + (plan.activations ? plan.activations->key() : "") + " " +
           (plan.weights ? plan.weights->key() : "");
}

void Smooth::apply(Workpiece& piece, const Plan& plan, CalibrationSet* calibration,
                   const std::string& shapedKey, std::stop_token stop, const OnProgress& progress) const {
    const auto seen = calibration->statistics(piece, shapedKey, {}, stop, progress);
    const std::vector<Site> inputs = piece.inputs();
    if (!search_ || (!plan.activations && !plan.weights)) {
        for (Site input : inputs) {
            if (stop.stop_requested()) throw Cancelled();
            piece.divideInput(input, divisorOf(magnitudesOf(piece, *seen, input), alpha_));
        }
        return;
    }
    piece.own();
    const PieceArithmetic plain(piece);
    BlockStream stream(piece.model(), *calibration, plain, stop);
    const std::int64_t stride = std::max<std::int64_t>(1, stream.rows() / sampledRows);
    std::int64_t done = 0;
    for (int layer = 0; layer < piece.model().info().layers; ++layer) {
        std::map<Site, std::vector<at::Tensor>> sampled;
        std::map<Site, std::int64_t> passed;
        stream.run(layer, true, [&](Site input, const at::Tensor& rows) {
            // Every `stride`th row of the whole text, the first one too: it is often a model's most extreme.
            std::int64_t& before = passed[input];
            const std::int64_t first = (stride - before % stride) % stride;
            if (first < rows.size(0)) sampled[input].push_back(rows.slice(0, first, {}, stride).clone());
            before += rows.size(0);
        });
        for (const auto& [input, parts] : sampled) {
            if (stop.stop_requested()) throw Cancelled();
            const Magnitudes magnitudes = magnitudesOf(piece, *seen, input);
            const double alpha = Search(piece, plan, *seen).best(input, magnitudes, at::cat(parts));
            piece.divideInput(input, divisorOf(magnitudes, alpha));
            char text[64];
            std::snprintf(text, sizeof text, ": smoothed with α = %.1f", alpha);
            if (progress) progress({input.name() + text, ++done, std::int64_t(inputs.size()), -1});
        }
    }
}

} // namespace kurtoscope
