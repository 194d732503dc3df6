// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/run_options.h"

#include "app/commands/command.h"
#include "app/known_models.h"
#include "core/base/memory_bound.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>

namespace kurtoscope::commands {
namespace {

void checkFile(const std::string& path) {
    std::error_code code;
    if (!path.empty() && !std::filesystem::is_regular_file(path, code))
        throw Error(std::filesystem::exists(path, code) ? "this is not a file; text or a table was expected"
                                                        : "there is no such data file",
                    path, "Give a .txt, .tsv or .csv file");
}

// What is wrong in words typed after --recipe is a mistake of usage; what is wrong in a file is not.
template <class Action>
void asUsage(const std::string& text, Action action) {
    std::error_code code;
    if (text.ends_with(".json") || std::filesystem::is_regular_file(text, code)) return action();
    try {
        action();
    } catch (const Error& error) {
        throw UsageError(error.message(), error.where().empty() ? text : error.where(), error.hint());
    }
}

} // namespace

CLI::Validator atLeast(long low) {
    return {[low](std::string& text) -> std::string {
                long value = 0;
                const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
                if (fault == std::errc() && end == text.data() + text.size() && value >= low &&
                    value <= 2147483647)
                    return "";
                return "got \"" + text + "\", expected a whole number, " + std::to_string(low) + " or more";
            },
            ""};
}

DeviceKind deviceKind(const std::string& word) {
    return word == "cuda" ? DeviceKind::cuda : word == "cpu" ? DeviceKind::cpu : DeviceKind::automatic;
}

void ModelOptions::declare(CLI::App& app, const std::string& as, const std::string& more) {
    app.add_option(as, model_,
                   "A Hugging Face folder, a GGUF file, or a name that `kurtoscope models` lists" + more)
        ->required()
        ->type_name(as.starts_with("-") ? "MODEL" : "");
    app.add_option("--device", device_, "Where to run: a GPU where there is one (auto), the CPU, or CUDA")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->type_name("D")
        ->capture_default_str();
    app.add_option("--threads", options_.threads, "Threads on the CPU; 0 is one per physical core")
        ->check(atLeast(0))
        ->type_name("N")
        ->capture_default_str();
    app.add_option(
           "--state-memory", options_.stateMegabytes,
           "MiB for hidden states and FP32's answers, kept so that a change runs only what comes after it "
           "[default: 1024, or a quarter of what is free]")
        ->check(atLeast(0))
        ->type_name("MIB");
    app.add_option("--seed", options_.seed,
                   "Seed of whatever is drawn at random, the windows' order included")
        ->type_name("N")
        ->capture_default_str();
    app.add_option_function<double>(
           "--memory", [](double gib) { setMemoryBound(std::int64_t(gib * 1024 * 1024 * 1024)); },
           "For weights in float32; those beyond lie in temporary files (in TMPDIR, or /var/tmp) and are "
           "read "
           "back block by block [default: half of this machine's]")
        ->check(CLI::PositiveNumber)
        ->type_name("GIB");
}

void ModelOptions::check() const {
    modelPath(model_);
}

Workbench ModelOptions::open(ProgressLine& progress, std::stop_token stop) const {
    WorkbenchOptions options = options_;
    options.device = deviceKind(device_);
    Workbench workbench(options);
    for (const std::string& warning : workbench.open(modelPath(model_), stop, progress.callback()).warnings)
        progress.say("Warning: " + warning);
    return workbench;
}

void DataOptions::declare(CLI::App& app, Need need, bool withTask) {
    auto* data = app.add_option("--data", request_.path, "Text (.txt) or a table (.tsv, .csv) to run over")
                     ->type_name("FILE");
    if (need == Need::required) data->required();
    if (withTask) {
        std::vector<std::string> ids;
        for (const TaskInfo& task : Workbench::tasks())
            ids.push_back(task.id);
        app.add_option("--task", request_.task, "What to measure [default: what fits model and file]")
            ->type_name("TASK")
            ->check(CLI::IsMember(ids));
    }
    app.add_option("--windows", request_.windows,
                   "Windows to run, the first ones of the data [default: 8 of a text, every row of a table]")
        ->check(atLeast(1))
        ->type_name("N");
    app.add_option("--length", request_.length, "Tokens per window, cut to what the model was built for")
        ->check(atLeast(2))
        ->type_name("TOKENS")
        ->capture_default_str();
    app.add_option("--calibration", request_.calibrationPath,
                   "Take static ranges and kept channels from this file [default: the data's windows after "
                   "those run]")
        ->type_name("FILE");
    app.add_option("--calibration-windows", request_.calibrationWindows, "Windows to calibrate on")
        ->check(atLeast(1))
        ->type_name("N")
        ->capture_default_str();
}

void BackendOption::declare(CLI::App& app, Sums sums) {
    std::vector<std::string> known{"auto", "gloo", "store"};
    if (sums == Sums::whereTheModelIs) known.insert(known.begin() + 2, "nccl");
    app.add_option("--backend", word_,
                   std::string("What processes that were started together sum by; auto: ") +
                       (sums == Sums::whereTheModelIs ? "nccl where each has a GPU of its own, else " : "") +
                       "gloo, else the store they meet in")
        ->check(CLI::IsMember(known))
        ->type_name("B")
        ->capture_default_str();
}

ProcessBackend BackendOption::backend() const {
    return word_ == "gloo"    ? ProcessBackend::gloo
           : word_ == "nccl"  ? ProcessBackend::nccl
           : word_ == "store" ? ProcessBackend::store
                              : ProcessBackend::automatic;
}

void DataOptions::check() const {
    checkFile(request_.path);
    checkFile(request_.calibrationPath);
}

void DataOptions::setDefaultPath(const std::string& path) {
    if (request_.path.empty()) request_.path = path;
}

void RecipeOptions::declare(CLI::App& app, Number number, bool required) {
    auto* option =
        app.add_option("--recipe", texts_,
                       number == Number::many
                           ? "How to quantize: scheme[:key=value,…] or a recipe file; give it once per recipe"
                       : required ? "How to quantize: scheme[:key=value,…] or a recipe file"
                                  : "How to quantize: scheme[:key=value,…] or a recipe file [default: fp32]")
            ->type_name("R")
            ->expected(1)
            ->allow_extra_args(false);
    if (number == Number::many) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (required) option->required();
}

std::vector<Recipe> RecipeOptions::recipes(const std::vector<std::string>& otherwise) {
    if (texts_.empty()) texts_ = otherwise;
    std::vector<Recipe> all;
    for (const std::string& text : texts_)
        asUsage(text, [&] {
            all.push_back(Recipe::parse(text));
            Workbench::checkWords(all.back()); // worth finding before a model is loaded
        });
    return all;
}

void RecipeOptions::validate(const Workbench& workbench, const std::vector<Recipe>& recipes) const {
    for (std::size_t i = 0; i < recipes.size(); ++i)
        asUsage(texts_[i], [&] { workbench.validate(recipes[i]); });
}

void KernelOptions::declare(CLI::App& app) {
    app.add_option(
           "--kernels", kernels_,
           "auto: integers and bfloat16 really multiplied, and integer weights alone decoded as they are "
           "multiplied, where there are kernels for the recipe; simulated: never; "
           "both: one after the other")
        ->check(CLI::IsMember({"auto", "simulated", "both"}))
        ->capture_default_str();
}

KernelOptions::Runs KernelOptions::runs(const std::vector<Recipe>& recipes,
                                        const std::vector<std::string>& names) const {
    Runs runs;
    const auto add = [&](std::size_t i, KernelChoice kernels) {
        runs.recipes.push_back(recipes[i]);
        runs.kernels.push_back(kernels);
        runs.names.push_back(names[i]);
    };
    for (std::size_t i = 0; i < recipes.size(); ++i) {
        if (kernels_ != "simulated") add(i, KernelChoice::automatic);
        const bool oneWay = kernels_ == "both" && recipes[i].isFp32();
        if (kernels_ != "auto" && !oneWay) add(i, KernelChoice::simulated);
    }
    return runs;
}

} // namespace kurtoscope::commands
