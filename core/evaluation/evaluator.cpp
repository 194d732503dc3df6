// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/evaluator.h"

#include "core/base/clock.h"
#include "core/engine/blocks.h"
#include "core/evaluation/metrics.h"

#include <chrono>

namespace kurtoscope {
namespace {

constexpr std::int64_t keptLogBytes = std::int64_t{512} << 20;

at::Tensor logProbabilitiesOf(const Transformer& transformer, Pass& pass, const at::Tensor& hidden) {
    const at::Tensor logits = transformer.head(pass, hidden);
    if (!logits.defined()) return {};
    return at::log_softmax(validRows(logits, pass.batch()), -1);
}

} // namespace

bool Baseline::fits(std::int64_t bytes) {
    if (keptBytes_ + bytes > keptLogBytes) return false;
    keptBytes_ += bytes;
    return true;
}

Evaluator::Evaluator(const Transformer& transformer, const WindowSet& windows, const Task& task,
                     Pooling pooling, at::Device device, Baseline& baseline)
    : transformer_(transformer),
      windows_(windows),
      task_(task),
      pooling_(pooling),
      device_(device),
      baseline_(baseline) {}

WindowOutput Evaluator::forward(const Window& window, const RecipeArithmetic* arithmetic,
                                std::stop_token stop) const {
    Pass pass(window.batch, device_, nullptr, arithmetic, std::move(stop));
    const Transformer& transformer = arithmetic ? arithmetic->model() : transformer_;
    const at::Tensor hidden = transformer.hidden(pass);
    WindowOutput output;
    output.logProbabilities = logProbabilitiesOf(transformer, pass, hidden);
    output.hidden = validRows(hidden, window.batch);
    if (task_.needsPooled()) output.pooled = pool(hidden, window.batch.lengths, pooling_);
    return output;
}

const Baseline::Entry& Evaluator::baseline(std::size_t index, at::Tensor& logProbabilities,
                                           std::stop_token stop) {
    Baseline::Entry& entry = baseline_.at(index);
    const Window& window = windows_.evaluation[index];
    if (!entry.made) {
        WindowOutput output = forward(window, nullptr, stop);
        WindowFigures figures;
        task_.measure(window, output, figures);
        compareOutputs(output, output, figures);
        logProbabilities = output.logProbabilities;
        if (logProbabilities.defined() && !baseline_.fits(logProbabilities.numel() * 4))
            output.logProbabilities = at::Tensor();
        entry = {std::move(output), std::move(figures), true};
    } else if (entry.output.logProbabilities.defined() || !transformer_.info().channels(Place::logits)) {
        logProbabilities = entry.output.logProbabilities;
    } else {
        // One sequence when logits are large; rows of several are padded back before the head.
        Pass pass(window.batch, device_, nullptr, nullptr, stop);
        std::vector<at::Tensor> rows;
        std::int64_t row = 0;
        for (int length : window.batch.lengths) {
            rows.push_back(at::constant_pad_nd(entry.output.hidden.narrow(0, row, length),
                                               {0, 0, 0, window.batch.length - length}));
            row += length;
        }
        logProbabilities = logProbabilitiesOf(transformer_, pass, at::stack(rows));
    }
    return entry;
}

Reading Evaluator::reading(const EvaluatedRecipe& recipe, std::size_t done,
                           const std::vector<WindowFigures>& figures) const {
    std::vector<const Window*> windows;
    std::vector<WindowFigures> base;
    for (std::size_t i = 0; i < done; ++i) {
        windows.push_back(&windows_.evaluation[i]);
        base.push_back(baseline_.at(i).figures);
    }
    Reading reading;
    reading.column = recipe.column;
    reading.windowsDone = static_cast<int>(done);
    reading.windowsTotal = static_cast<int>(windows_.evaluation.size());
    const std::vector<WindowFigures>& mine = recipe.arithmetic ? figures : base;
    task_.score(windows, mine, base, reading);
    scoreFidelity(mine, reading);
    if (recipe.arithmetic) {
        reading.kernels = recipe.arithmetic->kernels();
        reading.weightBytes = recipe.arithmetic->storage().bytes;
        reading.effectiveBits = recipe.arithmetic->storage().effectiveBits;
        reading.activationBits = recipe.arithmetic->storage().activationBits;
        reading.cacheBits = recipe.arithmetic->storage().cacheBits;
        reading.keptChannels = recipe.arithmetic->keptCount().kept;
        reading.keptOf = recipe.arithmetic->keptCount().of;
    } else {
        reading.difference = reading.differenceError = 0;
        reading.weightBytes = transformer_.info().parameters * 4;
    }
    return reading;
}

std::vector<Reading> Evaluator::run(const std::vector<EvaluatedRecipe>& recipes, bool latency,
                                    std::stop_token stop,
                                    const std::function<void(const Reading&)>& onReading,
                                    const OnProgress& progress, std::size_t windows) {
    const auto all = windows_.evaluation.size(), total = windows > 0 ? std::min(windows, all) : all;
    std::vector<std::vector<WindowFigures>> figures(recipes.size());
    std::vector<Reading> readings(recipes.size());
    const Clock::time_point start = Clock::now();
    Clock::time_point told = start - std::chrono::seconds(1);
    const auto report = [&](std::size_t done, double within) {
        if (!progress) return;
        const double part = (double(done) + within) / double(total);
        progress({"Evaluating", static_cast<std::int64_t>(done), static_cast<std::int64_t>(total),
                  part > 0.02 ? secondsSince(start) * (1 - part) / part : -1});
    };
    for (std::size_t window = 0; window < total; ++window) {
        report(window, 0);
        at::Tensor logProbabilities;
        const Baseline::Entry& base = baseline(window, logProbabilities, stop);
        for (std::size_t r = 0; r < recipes.size(); ++r) {
            if (stop.stop_requested()) throw Cancelled();
            if (!recipes[r].arithmetic) continue;
            const WindowOutput output = forward(windows_.evaluation[window], recipes[r].arithmetic, stop);
            WindowFigures mine;
            task_.measure(windows_.evaluation[window], output, mine);
            compareOutputs({base.output.hidden, {}, logProbabilities}, output, mine);
            figures[r].push_back(std::move(mine));
            report(window, double(r + 1) / double(recipes.size() + 1));
        }
        const bool last = window + 1 == total;
        if (!last && secondsSince(told) < 1.0 / 15) continue;
        told = Clock::now();
        for (std::size_t r = 0; r < recipes.size(); ++r) {
            readings[r] = reading(recipes[r], window + 1, figures[r]);
            if (onReading) onReading(readings[r]);
        }
    }
    report(total, 0);
    if (latency) {
        measureLatency(recipes, readings, stop, progress);
        if (onReading)
            for (const Reading& one : readings)
                onReading(one);
    }
    return readings;
}

// The first window's pass, head included: one warm-up each, then the recipes in turn, so that a machine that
// slows down slows them all.
void Evaluator::measureLatency(const std::vector<EvaluatedRecipe>& recipes, std::vector<Reading>& readings,
                               std::stop_token stop, const OnProgress& progress) const {
    constexpr int runs = 9;
    constexpr double seconds = 3; // per recipe; three runs at least
    const Window& window = windows_.evaluation.front();
    std::vector<std::vector<double>> times(recipes.size());
    const auto once = [&](const EvaluatedRecipe& recipe) {
        const Clock::time_point start = Clock::now();
        Pass pass(window.batch, device_, nullptr, recipe.arithmetic, stop);
        const Transformer& transformer = recipe.arithmetic ? recipe.arithmetic->model() : transformer_;
        const at::Tensor hidden = transformer.hidden(pass), logits = transformer.head(pass, hidden);
        // Reading one value waits for the device.
        if (!device_.is_cpu()) (logits.defined() ? logits : hidden).flatten()[0].item<float>();
        return 1000 * secondsSince(start);
    };
    for (const auto& recipe : recipes)
        once(recipe);
    const Clock::time_point start = Clock::now();
    for (int run = 0; run < runs; ++run) {
        if (run >= 3 && secondsSince(start) > seconds * double(recipes.size())) break;
        if (progress) progress({"Measuring latency", run, runs, -1});
        for (std::size_t r = 0; r < recipes.size(); ++r)
            times[r].push_back(once(recipes[r]));
    }
    for (std::size_t r = 0; r < recipes.size(); ++r) {
        readings[r].latencyRuns = static_cast<int>(times[r].size());
        readings[r].latencyP50Ms = quantile(times[r], 0.5);
        readings[r].latencyP99Ms = quantile(times[r], 0.99);
    }
}

} // namespace kurtoscope
