// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/evaluator.h"

#include "core/base/clock.h"
#include "core/engine/ranks.h"
#include "core/evaluation/metrics.h"
#include "core/evaluation/pass_times.h"

#include <chrono>

namespace kurtoscope {
Evaluator::Evaluator(const Transformer& transformer, const WindowSet& windows, const Task& task,
                     Pooling pooling, at::Device device, Baseline& baseline, KeptStates& states,
                     PassCounts& counts)
    : transformer_(transformer),
      windows_(windows),
      task_(task),
      pooling_(pooling),
      device_(device),
      baseline_(baseline),
      states_(states),
      counts_(counts) {}

Reading Evaluator::reading(const EvaluatedRecipe& recipe, std::size_t done,
                           const std::vector<WindowFigures>& figures) const {
    std::vector<const Window*> windows;
    std::vector<WindowFigures> base;
    for (std::size_t i = 0; i < done; ++i) {
        windows.push_back(&windows_.evaluation[i]);
        base.push_back(*baseline_.at(i));
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

std::vector<Reading> Evaluator::run(const std::vector<EvaluatedRecipe>& recipes,
                                    const EvaluatorOptions& options, std::stop_token stop,
                                    const std::function<void(const Reading&)>& onReading,
                                    const OnProgress& progress,
                                    const std::function<void(const std::string&)>& onNote) {
    const auto all = windows_.evaluation.size(),
               total = options.windows > 0 ? std::min(options.windows, all) : all;
    onNote_ = onNote;
    states_.beginRun();
    plain_ = columnOf(nullptr);
    std::vector<Column> columns;
    for (const EvaluatedRecipe& recipe : recipes)
        columns.push_back(columnOf(recipe.arithmetic));
    chooseKept(plain_, columns, options, total);
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
    const auto tokens = [&](std::size_t count) {
        double sum = 0;
        for (std::size_t i = 0; i < count; ++i)
            for (const int length : windows_.evaluation[i].batch.lengths)
                sum += length;
        return sum;
    };
    if (options.ranks) {
        figures = sharedFigures(recipes, columns, total, *options.ranks, stop, progress);
        for (std::size_t r = 0; r < recipes.size(); ++r) {
            readings[r] = reading(recipes[r], total, figures[r]);
            if (onReading) onReading(readings[r]);
        }
    }
    for (std::size_t window = 0; window < total && !options.ranks; ++window) {
        report(window, 0);
        const WindowOutput base = baseline(window, stop);
        for (std::size_t r = 0; r < recipes.size(); ++r) {
            if (stop.stop_requested()) throw Cancelled();
            if (!recipes[r].arithmetic) continue;
            const WindowOutput output = forward(windows_.evaluation[window], columns[r], stop);
            WindowFigures mine;
            task_.measure(windows_.evaluation[window], output, mine);
            compareOutputs(base, output, mine);
            figures[r].push_back(std::move(mine));
            report(window, double(r + 1) / double(recipes.size() + 1));
        }
        const bool last = window + 1 == total;
        if (!last && options.settled) {
            readings.front() = reading(recipes.front(), window + 1, figures.front());
            if (options.settled(readings.front(), tokens(window + 1) / tokens(total))) return readings;
        }
        if (!last && secondsSince(told) < 1.0 / 15) continue;
        told = Clock::now();
        for (std::size_t r = 0; r < recipes.size(); ++r) {
            readings[r] = reading(recipes[r], window + 1, figures[r]);
            if (onReading) onReading(readings[r]);
        }
    }
    report(total, 0);
    if (options.latency && (!options.ranks || options.ranks->leads())) { // the others wait
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
    std::vector<PassTimes> times;
    for (const auto& recipe : recipes) {
        times.emplace_back(transformer_, recipe.arithmetic, device_);
        times.back().run(window.batch, stop);
        times.back().forget();
    }
    const Clock::time_point start = Clock::now();
    for (int run = 0; run < runs; ++run) {
        if (run >= 3 && secondsSince(start) > seconds * double(recipes.size())) break;
        if (progress) progress({"Measuring latency", run, runs, -1});
        for (PassTimes& one : times)
            one.run(window.batch, stop);
    }
    for (std::size_t r = 0; r < recipes.size(); ++r) {
        readings[r].latencyRuns = static_cast<int>(times[r].ms().size());
        readings[r].latencyP50Ms = quantile(times[r].ms(), 0.5);
        readings[r].latencyP99Ms = quantile(times[r].ms(), 0.99);
        readings[r].phases = times[r].phases();
    }
}

} // namespace kurtoscope
