// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training_lab.h"

#include "core/base/atomic_file.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/base/stop.h"
#include "core/engine/device.h"
#include "core/engine/pass_memory.h"
#include "core/training/emergence.h"
#include "core/training/regularizer.h"
#include "core/training/seen_checkpoints.h"
#include "core/training/trained_product.h"
#include "core/training/trainer.h"
#include "core/workbench.h"

#include <filesystem>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

c10::Device opened(const TrainingOptions& options) {
    const c10::Device device = openDevice(options.device);
    if (options.threads > 0) at::set_num_threads(options.threads);
    return device;
}

fs::path heldOutTokens(const TrainingRun& run) {
    return fs::path(run.path) / "data" / "held_out.tokens";
}

// The run's held-out text as batches of windows.
std::vector<Batch> heldOutBatches(const TrainingRun& run, int windows) {
    std::vector<Batch> batches;
    for (const TrainingSample& sample : evenWindows(heldOutTokens(run), windows, 16, run.spec.model.length))
        batches.push_back(sample.batch);
    if (batches.empty())
        throw Error("held out less than one window of text", run.path, "Train on a longer text");
    return batches;
}

Recipe cellRecipe(int weightBits, int activationBits, bool gptq, const std::map<Site, StaticRange>& ranges) {
    if (weightBits == 16 && activationBits == 16) return {};
    Recipe recipe;
    const bool solved = gptq && weightBits < 16;
    recipe.scheme = "w8a8";
    recipe.parameters = {{"activation_bits", std::to_string(activationBits)},
                         {"weight_bits", solved ? "16" : std::to_string(weightBits)}};
    if (activationBits < 16) {
        recipe.parameters["symmetric"] = "off";
        recipe.ranges = ranges;
    }
    if (!solved) return recipe;
    const RecipePart solver{"gptq", {{"bits", std::to_string(weightBits)}, {"group", "0"}}};
    if (activationBits < 16) {
        recipe.with.push_back(solver);
    } else {
        static_cast<RecipePart&>(recipe) = solver;
    }
    return recipe;
}

} // namespace

TrainingLab::TrainingLab(TrainingOptions options) : options_(options) {}

std::string TrainingLab::deviceText() const {
    const c10::Device device = opened(options_);
    return deviceDescription(device, at::get_num_threads());
}

void TrainingLab::check(const TrainingSpec& spec, const std::string& where) {
    spec.check(where);
    for (const RecipePart& part : spec.regularizers) {
        const Regularizer& member = Registry<Regularizer>::instance().get(part.scheme, "regularizer");
        checkTold(member.info(), part, "regularizer");
    }
    if (spec.from.empty()) Registry<Architecture>::instance().get(spec.model.family, "family");
    std::error_code code;
    if (!spec.from.empty() && !fs::is_regular_file(fs::path(spec.from) / "config.json", code))
        throw Error("is no model folder: it has no config.json", spec.from,
                    "Go on from a Hugging Face folder");
    for (const std::string& file : {spec.text, spec.validation})
        if (!file.empty() && !fs::is_regular_file(file, code))
            throw Error("there is no such file", file, "Check data.text and data.validation");
}

// Weights, gradients and two moments are float32; about 16 tensors of the stream's width a layer are kept for
// the backward pass, and the logits twice. A text is held beside its tokens, four bytes for about four.
TrainingLab::Cost TrainingLab::cost(const TrainingSpec& spec) {
    const double hidden = spec.model.hidden, layers = spec.model.layers, vocabulary = spec.model.vocabulary,
                 held = double(spec.batch) * spec.model.length, weights = 12 * layers * hidden * hidden;
    Cost cost;
    cost.tokens = held * spec.steps * spec.accumulation;
    cost.memoryBytes = 16 * (weights + hidden * (vocabulary + spec.model.length)) +
                       4 * held * (16 * layers * hidden + 2 * vocabulary);
    std::error_code code;
    cost.textBytes =
        2 * (spec.text.empty() ? double(spec.artificialBytes) : double(fs::file_size(spec.text, code)));
    cost.operations = 6 * weights * cost.tokens;
    return cost;
}

double TrainingLab::operationsPerSecond(const TrainingSpec& spec) const {
    const c10::Device device = opened(options_);
    const c10::InferenceMode inference;
    constexpr std::int64_t size = 2048;
    const at::Tensor x = at::ones({size, size}).to(device), w = at::ones({size, size}).to(device);
    double best = 0;
    for (int i = 0; i < 4; ++i) {
        const Clock::time_point begun = Clock::now();
        trainedProduct(x, w, {}, spec.precision == "bf16")[0][0].item<float>(); // waits for a GPU
        best = std::max(best, 2.0 * size * size * size / secondsSince(begun));
    }
    return best;
}

// Throws Error for a run that cannot end well, before it writes anything.
void TrainingLab::refuseTooLarge(const TrainingSpec& spec, bool onCpu) {
    if (!spec.from.empty() || spec.task != "language-model") return;
    PassMemory::giveBack(); // what passes of an open model left is free
    const Cost need = cost(spec);
    const double most = onCpu ? std::max(need.memoryBytes, need.textBytes) : need.textBytes;
    const auto gigabytes = [](double bytes) { return std::to_string(std::llround(bytes / 1e9)) + " GB"; };
    if (most > double(availableBytes()))
        throw Error(std::string(most == need.textBytes ? "making its text ready" : "training it") +
                        " takes about " + gigabytes(most) + " of memory, and " +
                        gigabytes(double(availableBytes())) + " are free",
                    "", "Give a shorter text, a smaller model or batch, or a larger machine");
}

std::vector<SchemeInfo> TrainingLab::regularizers() {
    std::vector<SchemeInfo> all;
    for (const auto& member : Registry<Regularizer>::instance().members())
        all.push_back(member->info());
    return all;
}

TrainingRun TrainingLab::train(const TrainingSpec& asked, const std::string& folder, bool resume,
                               std::stop_token stop, const OnRecord& onRecord, const OnProgress& progress) {
    const c10::Device device = opened(options_);
    RunFolder files(folder);
    TrainingSpec spec = asked;
    const std::unique_ptr<Ranks> ranks = Ranks::fromEnvironment(options_.backend, device);
    led_ = !ranks || ranks->leads();
    std::unique_ptr<TrainingMark> mark;
    if (resume) {
        spec = TrainingRun::read(folder).spec;
        if (led_) mark = std::make_unique<TrainingMark>(folder);
    } else {
        check(spec);
        refuseTooLarge(spec, device.is_cpu());
        if (led_) mark = files.begin(spec, stop, progress);
        if (ranks) ranks->waitForAll();
    }
    Trainer trainer(files, spec, device, ranks.get(), stop, progress);
    trainer.run([&](const TrainingRecord& record) {
        if (onRecord) onRecord(record);
    });
    if (ranks) ranks->waitForAll(); // until the one that writes has written
    return TrainingRun::read(folder);
}

Emergence TrainingLab::emergence(const std::string& folder, int windows, std::stop_token stop,
                                 const OnProgress& progress,
                                 const std::function<void(const Emergence&)>& onCheckpoint, int after) {
    const c10::InferenceMode inference;
    const c10::Device device = opened(options_);
    const TrainingRun run = TrainingRun::read(folder);
    if (run.spec.task != "language-model")
        throw Error("outlier channels are looked at over text, and this run was trained on a table", folder,
                    "Open its checkpoints one by one");
    const std::vector<Batch> batches = heldOutBatches(run, windows);
    const SeenCheckpoints kept(options_.seenFolder);
    const fs::path text = heldOutTokens(run);
    Emergence result;
    result.run = run.name;
    result.length = batches.front().length, result.data = "held_out.txt";
    for (const Batch& batch : batches)
        result.windows += batch.sequences;
    for (const auto& [step, path] : run.checkpoints) {
        throwIfStopped(stop);
        if (step <= after) continue;
        if (progress)
            progress({"Looking at checkpoints", std::int64_t(result.steps.size()),
                      std::int64_t(run.checkpoints.size()), -1});
        const std::string name =
            options_.seenFolder.empty()
                ? ""
                : SeenCheckpoints::name(path, text, windows, result.length, device.str());
        if (auto known = kept.find(name)) {
            result.steps.push_back(std::move(*known));
        } else {
            const auto model = loadTransformer(ModelFolder::open(path), stop, {});
            if (!device.is_cpu()) model->moveTo(device);
            result.steps.push_back(lookAt(*model, batches, device, stop));
            kept.keep(name, result.steps.back());
        }
        result.steps.back().step = step;
        if (onCheckpoint) onCheckpoint(result);
    }
    return result;
}

PrecisionGrid TrainingLab::grid(const std::string& folder, const GridRequest& request, std::stop_token stop,
                                const OnProgress& progress) {
    const TrainingRun run = TrainingRun::read(folder);
    if (run.checkpoints.empty()) throw Error("has no checkpoint", folder, "Train it first");
    const auto& [step, path] = run.checkpoints.back();
    PrecisionGrid grid;
    grid.run = run.name, grid.step = step, grid.gptq = request.gptq;
    std::map<Site, StaticRange> ranges;
    std::error_code code;
    if (const fs::path recipe = fs::path(path) / "recipe.json"; fs::exists(recipe, code))
        ranges = Recipe::fromJson(readFile(recipe), recipe.string()).ranges;
    grid.learnedRanges = !ranges.empty();
    WorkbenchOptions options;
    options.device = options_.device, options.threads = options_.threads;
    Workbench workbench(options);
    workbench.open(path, stop, progress);
    EvaluateRequest evaluation;
    evaluation.latency = false, evaluation.holdOut = true;
    evaluation.data.path =
        request.data.empty() ? (fs::path(folder) / "data" / "held_out.txt").string() : request.data;
    evaluation.data.length = run.spec.model.length;
    evaluation.data.windows = request.windows, evaluation.data.calibrationWindows = request.calibration;
    for (const int weights : request.weights)
        for (const int activations : request.activations) {
            evaluation.recipes.push_back(cellRecipe(weights, activations, request.gptq, ranges));
            evaluation.kernels.push_back(KernelChoice::simulated);
            grid.cells.push_back({weights, activations, evaluation.recipes.back().text(), {}});
        }
    const std::vector<Reading> readings = workbench.evaluate(evaluation, stop, {}, progress);
    for (std::size_t i = 0; i < readings.size(); ++i)
        grid.cells[i].reading = readings[i];
    const DataInfo info = workbench.describe(evaluation.data, true, stop);
    grid.data = info.name + ", " + info.summary;
    return grid;
}

const TrainingLab::Preset& TrainingLab::preset(const std::string& id) {
    static const std::vector<Preset> all = presets();
    std::string known;
    for (const Preset& one : all) {
        if (one.id == id) return one;
        known += (known.empty() ? "" : ", ") + one.id;
    }
    throw Error("unknown preset \"" + id + "\"", "", "Known: " + known);
}

// Sizes of arXiv 2404.03605's study: the paper's own, one for a single GPU, one for two cores.
std::vector<TrainingLab::Preset> TrainingLab::presets() {
    TrainingSpec tiny;
    tiny.name = "tiny";
    tiny.model = {"gpt2", 4, 128, 4, 0, 0, 128, 512};
    tiny.steps = 800, tiny.batch = 16, tiny.warmup = 80;
    tiny.learningRate = 2e-3;
    tiny.checkpointEvery = 100, tiny.validateEvery = 100, tiny.recordEvery = 10;

    TrainingSpec llama = tiny;
    llama.name = "tiny-llama";
    llama.model.family = "llama";

    TrainingSpec tuned; // what the encoders of sentence-transformers are usually tuned with
    tuned.name = "fine-tune";
    tuned.model.length = 64;
    tuned.steps = 650, tuned.batch = 32, tuned.warmup = 65;
    tuned.learningRate = 1e-4, tuned.finalShare = 0, tuned.weightDecay = 0.01, tuned.beta2 = 0.999;
    tuned.checkpointEvery = 325, tuned.validateEvery = 65, tuned.recordEvery = 13;

    TrainingSpec small = tiny;
    small.name = "small";
    small.model = {"gpt2", 12, 512, 8, 0, 0, 512, 16384};
    small.steps = 20'000, small.batch = 64, small.warmup = 1'000;
    small.learningRate = 6e-4;
    small.artificialBytes = 200'000'000;
    small.checkpointEvery = 1'000, small.validateEvery = 500, small.recordEvery = 20;

    TrainingSpec large = small;
    large.name = "1b";
    large.model = {"gpt2", 24, 2048, 16, 0, 0, 2048, 49152};
    large.batch = 8, large.accumulation = 64;   // 1 M tokens a step
    large.steps = 19'074, large.warmup = 2'000; // 20 B tokens
    large.learningRate = 3e-4;
    large.artificialBytes = std::int64_t{80} << 30;
    return {{"tiny", "GPT-2 of 0.9 M parameters, minutes on two cores", tiny},
            {"tiny-llama", "LLaMA of the same size", llama},
            {"fine-tune", "for a folder's model on your table or text: three epochs of 7,000 rows", tuned},
            {"small", "GPT-2 of 46 M parameters, for a GPU", small},
            {"1b", "the paper's size, 24 layers of 2048 and 20 B tokens, for several GPUs and days", large}};
}

} // namespace kurtoscope
