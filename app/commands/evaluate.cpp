// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"
#include "core/processes.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <ostream>

namespace kurtoscope::commands {
namespace {

Json readingJson(const std::string& recipe, const Reading& r) {
    Json json{{"recipe", recipe},
              {"metric", r.metric},
              {"score", number(r.score)},
              {"stderr", number(r.standardError)},
              {"difference", number(r.difference)},
              {"difference_stderr", number(r.differenceError)}};
    if (r.perplexity) json["perplexity"] = number(r.perplexity);
    if (r.pearson) json["pearson"] = number(r.pearson);
    json["kl_mean"] = number(r.klMean);
    json["kl_median"] = number(r.klMedian);
    json["kl_p99"] = number(r.klP99);
    json["top1_agreement"] = number(r.top1Agreement);
    json["cosine"] = number(r.cosine);
    json["sqnr_db"] = number(r.sqnrDb); // null when identical: JSON knows no infinity
    json["latency_ms"] = {{"p50", number(r.latencyP50Ms)}, {"p99", number(r.latencyP99Ms)}};
    json["weight_bytes"] = r.weightBytes;
    json["effective_bits"] = number(r.effectiveBits);
    json["activation_bits"] = number(r.activationBits);
    json["cache_bits"] = number(r.cacheBits);
    json["kernels"] = kernelTagName(r.kernels);
    json["kept_channels"] = r.keptChannels;
    json["kept_of"] = r.keptOf;
    json["windows"] = r.windowsDone;
    return json;
}

class Evaluate : public Command {
public:
    std::string_view id() const override { return "evaluate"; }
    std::string_view summary() const override {
        return "Scores recipes side by side with FP32: quality, divergence, latency, memory";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::required, true);
        recipes_.declare(app, RecipeOptions::Number::many, true);
        kernels_.declare(app);
        backend_.declare(app, BackendOption::Sums::onTheProcessor);
        app.add_flag("--no-latency", noLatency_, "Leave the latency unmeasured, which takes less time");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        const Processes processes(
            backend_.backend()); // first, so that the others hear of whatever goes wrong
        EvaluateRequest request;
        const std::vector<Recipe> asked = recipes_.recipes({});
        const KernelOptions::Runs runs = kernels_.runs(asked, recipes_.names());
        const std::vector<std::string>& names = runs.names;
        request.recipes = runs.recipes;
        request.kernels = runs.kernels;
        request.data = data_.request();
        request.latency = !noLatency_;
        model_.check();
        data_.check();
        json_.checkTarget();

        std::vector<Reading> readings;
        std::string phase;
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipes_.validate(workbench, asked);
        const DataInfo data = workbench.describe(
            request.data,
            std::any_of(request.recipes.begin(), request.recipes.end(), Workbench::needsCalibration), stop);
        progress.say(workbench.model().name + " · " + workbench.deviceText() + " · " + data.name + ", " +
                     data.summary);
        std::vector<std::string> scores(request.recipes.size(), "–");
        const auto note = [&](const Reading& r) {
            scores[static_cast<std::size_t>(r.column)] = figure(r.score);
            std::string text = r.metric;
            for (const auto& score : scores)
                text += (&score == scores.data() ? " " : " / ") + score;
            progress.setNote(text);
        };
        const auto show = [&](Progress step) {
            // The score belongs to the windows; latency is measured after them.
            if (step.phase != phase && !phase.empty()) progress.setNote("");
            phase = step.phase;
            progress.show(step);
        };
        request.onNote = [&](const std::string& sentence) { progress.say(sentence); };
        readings = workbench.evaluate(request, stop, note, show);
        if (stop.stop_requested()) throw Cancelled();
        if (!processes.leads()) return 0;

        // A table gives rows up for calibration only where a recipe asks for it.
        if (!data.note.empty() && readings.front().windowsTotal == data.windows) progress.say(data.note);
        progress.say("");
        readingTable(readingCells(names, readings)).print(json_.human());
        for (std::size_t i = 0; i + 1 < readings.size(); ++i)
            if (request.recipes[i] == request.recipes[i + 1] &&
                request.kernels[i] != request.kernels[i + 1] &&
                readings[i].kernels != readings[i + 1].kernels)
                json_.human() << apart(names[i], readings[i], readings[i + 1]);

        if (!json_.wanted()) return 0;
        Json list = Json::array();
        for (std::size_t i = 0; i < readings.size(); ++i)
            list.push_back(readingJson(names[i], readings[i]));
        json_.write({{"schema", 1},
                     {"task", data.task},
                     {"model", modelJson(workbench.model())},
                     {"data", data.name},
                     {"windows", readings.front().windowsTotal},
                     {"length", request.data.length},
                     {"seed", model_.seed()},
                     {"device", workbench.deviceText()},
                     {"readings", list}});
        return 0;
    }

private:
    // What the kernels change against their simulation: sums that end in another last bit, and the levels it
    // tips.
    static std::string apart(const std::string& name, const Reading& real, const Reading& simulated) {
        const double score = real.score - simulated.score;
        std::string text = name + ": real kernels against their simulation, " + real.metric + " " +
                           (score < 0 ? "−" : "+") + figure(std::abs(score), 2);
        if (real.klMean && simulated.klMean) {
            const double divergence = *real.klMean - *simulated.klMean;
            text += std::string(", KL ") + (divergence < 0 ? "−" : "+") + figure(std::abs(divergence), 2);
        }
        return text + "\n";
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipes_;
    BackendOption backend_;
    JsonOutput json_;
    KernelOptions kernels_;
    bool noLatency_ = false;
};

} // namespace

const Registration<Command, Evaluate> evaluateRegistration;

} // namespace kurtoscope::commands
