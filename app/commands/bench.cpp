// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"

#include <CLI/CLI.hpp>

#include <ostream>
#include <set>

namespace kurtoscope::commands {
namespace {

class Bench : public Command {
public:
    std::string_view id() const override { return "bench"; }
    std::string_view summary() const override {
        return "Times recipes in turn on random tokens: latency, where the time goes, and the machine's own "
               "rates";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        recipes_.declare(app, RecipeOptions::Number::many, false);
        app.add_option("--batch", batches_, "Sequences at once; may be given often")
            ->check(atLeast(1))
            ->type_name("B");
        app.add_option("--length", lengths_, "Tokens of each sequence; may be given often")
            ->check(atLeast(1))
            ->type_name("S");
        app.add_option("--runs", request_.runs, "Measured passes of each recipe and size, at most")
            ->check(atLeast(5))
            ->type_name("N")
            ->capture_default_str();
        app.add_flag("!--no-cuda-graphs", request_.graphs, "On a GPU, start every operator by itself");
        kernels_.declare(app);
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        const std::vector<Recipe> asked = recipes_.recipes({"fp32", "w8a8", "w8a8:activation=per-token"});
        KernelOptions::Runs runs = kernels_.runs(asked, recipes_.names());
        request_.recipes = std::move(runs.recipes);
        request_.kernels = std::move(runs.kernels);
        names_ = std::move(runs.names);
        if (!batches_.empty()) request_.batches = batches_;
        if (!lengths_.empty()) request_.lengths = lengths_;
        model_.check();
        json_.checkTarget();
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipes_.validate(workbench, asked);
        const BenchReport report = workbench.bench(request_, stop, {}, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        progress.say("");
        print(report);
        if (json_.wanted()) write(report, workbench);
        return 0;
    }

private:
    void print(const BenchReport& report) const {
        const MachineFacts& machine = report.machine;
        json_.human() << machine.device;
        if (machine.fp32Tops > 0)
            json_.human() << "; at most " << figure(machine.fp32Tops, 2) << " TOPS in float32"
                          << (machine.bf16Tops ? ", " + figure(*machine.bf16Tops, 2) + " in bfloat16" : "")
                          << (machine.int8Tops ? ", " + figure(*machine.int8Tops, 2) + " in int8" : "")
                          << ", " << figure(machine.bytesPerSecond / 1e9, 3) << " GB/s";
        json_.human() << "\n\n";
        Table table({{"recipe", false},
                     {"batch × length"},
                     {"p50 (ms)"},
                     {"p10…p99"},
                     {"tokens/s"},
                     {"TOPS"},
                     {"of peak"},
                     {"quantize"},
                     {"gemm"},
                     {"epilogue"},
                     {"attention"},
                     {"rest"},
                     {"peak MB"},
                     {"J"},
                     {"arithmetic", false}});
        for (const BenchResult& r : report.results)
            table.add({names_[std::size_t(r.recipe)],
                       std::to_string(r.batch) + " × " + std::to_string(r.length), figure(r.p50Ms, 3),
                       figure(r.p10Ms, 3) + "…" + figure(r.p99Ms, 3), figure(r.tokensPerSecond, 3),
                       figure(r.tops, 2), shareOfPeak(r), percent(r.phases.at("quantize")),
                       percent(r.phases.at("gemm")), percent(r.phases.at("epilogue")),
                       percent(r.phases.at("attention")), percent(r.phases.at("rest")),
                       figure(double(r.peakBytes) / 1e6, 3), figure(r.joules, 3),
                       std::string(kernelTagName(r.kernels)) + (r.graph ? ", CUDA graph" : "")});
        table.print(json_.human());
        std::set<std::string> said; // once, not for each size
        for (const BenchResult& r : report.results)
            for (const std::string& why : {r.shortfall, r.graphShortfall})
                if (const std::string& name = names_[std::size_t(r.recipe)];
                    !why.empty() && said.insert(name + why).second)
                    json_.human() << "\n" << name << ": " << why << "\n";
        if (!report.results.empty() && !report.results.front().joules)
            json_.human() << "\nNo energy: " << machine.energySource << "\n";
    }

    static std::string shareOfPeak(const BenchResult& r) {
        return r.peakTops > 0 ? percent(r.tops / r.peakTops) : "–";
    }

    void write(const BenchReport& report, const Workbench& workbench) const {
        Json results = Json::array();
        for (const BenchResult& r : report.results) {
            results.push_back({{"recipe", names_[std::size_t(r.recipe)]},
                               {"batch", r.batch},
                               {"length", r.length},
                               {"threads", r.threads},
                               {"runs", r.runs},
                               {"latency_ms",
                                {{"p10", number(r.p10Ms)},
                                 {"p50", number(r.p50Ms)},
                                 {"p90", number(r.p90Ms)},
                                 {"p99", number(r.p99Ms)}}},
                               {"tokens_per_s", number(r.tokensPerSecond)},
                               {"tops", number(r.tops)},
                               {"peak_bytes", r.peakBytes},
                               {"phases", r.phases},
                               {"energy_j", number(r.joules)},
                               {"kernels", kernelTagName(r.kernels)}});
            if (r.graph || !r.graphShortfall.empty()) results.back()["cuda_graph"] = r.graph;
        }
        const MachineFacts& machine = report.machine;
        json_.write({{"schema", 1},
                     {"model", modelJson(workbench.model())},
                     {"machine",
                      {{"device", machine.device},
                       {"fp32_tops", number(machine.fp32Tops)},
                       {"int8_tops", number(machine.int8Tops)},
                       {"bf16_tops", number(machine.bf16Tops)},
                       {"bytes_per_s", number(machine.bytesPerSecond)},
                       {"energy_source", machine.energySource}}},
                     {"results", results}});
    }

    ModelOptions model_;
    RecipeOptions recipes_;
    JsonOutput json_;
    BenchRequest request_;
    std::vector<std::string> names_;
    std::vector<int> batches_, lengths_;
    KernelOptions kernels_;
};

} // namespace

const Registration<Command, Bench> benchRegistration;

} // namespace kurtoscope::commands
