// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workbench_state.h"

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/engine/pass_memory.h"
#include "core/engine/ranks.h"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

namespace kurtoscope {
namespace {

// Throws Error when the model has no such site.
void checkSite(const Transformer& transformer, Site site) {
    const ModelInfo& info = transformer.info();
    const bool alias = info.postNorm && site.place == Place::attn_norm;
    const bool known =
        alias || std::find(info.places.begin(), info.places.end(), site.place) != info.places.end();
    if (!known || site.layer >= info.layers || isPerLayer(site.place) != (site.layer >= 0))
        throw Error(info.name + " has no site " + site.name(), "",
                    "It has " + std::to_string(info.layers) +
                        " layers, numbered from 0; \"kurtoscope inspect\" lists its sites");
}

} // namespace

Workbench::Workbench(WorkbenchOptions options) : impl_(std::make_unique<Impl>(options)) {}
Workbench::~Workbench() {
    impl_.reset();
    PassMemory::giveBack();
}
Workbench::Workbench(Workbench&&) noexcept = default;
Workbench& Workbench::operator=(Workbench&&) noexcept = default;

Workbench::Impl::Impl(WorkbenchOptions asked) : options(asked), device(openDevice(asked.device)) {
    const int threads = options.threads > 0 ? options.threads : std::max(1, at::get_num_threads());
    at::set_num_threads(threads);
    options.threads = threads;
}

std::string Workbench::deviceText() const {
    return deviceDescription(impl_->device, impl_->options.threads);
}

const ModelInfo& Workbench::open(const std::string& path, std::stop_token stop, const OnProgress& progress) {
    const c10::InferenceMode inference;
    // Built aside: the open model goes only once the new one stands.
    auto next = std::make_unique<OpenModel>();
    next->folder = ModelFolder::open(path);
    next->transformer = loadTransformer(next->folder, stop, progress);
    if (!impl_->device.is_cpu()) next->transformer->moveTo(impl_->device);
    PassMemory::giveBack(); // it is of the other model's sizes, and no less free
    next->states = std::make_unique<KeptStates>(impl_->stateBudget());
    impl_->open = std::move(next);
    return impl_->open->transformer->info();
}

bool Workbench::isOpen() const {
    return impl_->open != nullptr;
}
const ModelInfo& Workbench::model() const {
    return impl_->current().transformer->info();
}

OpenModel& Workbench::Impl::current() const {
    if (!open) throw Error("no model is open", "", "Open a model folder or a .gguf file first");
    return *open;
}

// States make answers faster, never possible: they take a quarter of what is free at most.
std::int64_t Workbench::Impl::stateBudget() const {
    const std::int64_t asked = std::int64_t{options.stateMegabytes} << 20;
    return options.stateMegabytes >= 0 ? asked : std::min(std::int64_t{1} << 30, availableBytes() / 4);
}

Evaluator Workbench::Impl::evaluator(PreparedData& data) {
    OpenModel& model = current();
    return {*model.transformer, data.windows,  *data.task, model.folder.pooling, device,
            *data.baseline,     *model.states, counts};
}

WorkCounts Workbench::workCounts() const {
    WorkCounts counts{impl_->counts.blocks, impl_->counts.blocksReused, impl_->counts.baselineBlocks, 0, 0};
    if (impl_->open)
        counts.stateBytes = impl_->open->states->bytes(), counts.stateBudget = impl_->open->states->budget();
    return counts;
}

const Tokenizer& Workbench::Impl::tokenizer() const {
    const ModelFolder& folder = current().folder;
    if (!folder.tokenizer)
        throw Error("has no tokenizer that could be read", folder.path,
                    folder.warnings.empty() ? "Put tokenizer.json into the model's folder"
                                            : folder.warnings.front());
    return *folder.tokenizer;
}

PreparedData& Workbench::Impl::prepare(const DataRequest& request, bool holdOut,
                                       const std::stop_token& stop) {
    OpenModel& model = current();
    for (auto& one : model.prepared)
        if (one->request == request && one->holdOut == holdOut) return *one;
    auto made = std::make_unique<PreparedData>();
    made->request = request;
    made->holdOut = holdOut;
    made->windows = cutWindows(request, model.transformer->info(), tokenizer(), options.seed, holdOut, stop);
    made->task = &pickTask(request.task, model.transformer->info(), made->windows.kind);
    made->windows.info.task = std::string(made->task->id());
    made->windows.info.metric = std::string(made->task->metric(model.transformer->info()));
    made->baseline = std::make_unique<Baseline>(made->windows.evaluation.size());
    if (model.prepared.size() >= 3) model.prepared.erase(model.prepared.begin());
    model.prepared.push_back(std::move(made));
    return *model.prepared.back();
}

DataInfo Workbench::describe(const DataRequest& data, bool holdOut, std::stop_token stop) {
    return impl_->prepare(data, holdOut, stop).windows.info;
}

bool Workbench::needsCalibration(const Recipe& recipe) {
    return planOf(recipe).needsCalibration();
}

bool Workbench::reshapes(const Recipe& recipe) {
    return !planOf(recipe).transforms.empty();
}

void Workbench::checkWords(const Recipe& recipe) {
    planOf(recipe);
    if (!recipe.keep.empty()) Criterion::parse(recipe.keep);
}

void Workbench::validate(const Recipe& recipe) const {
    checkWords(recipe);
    const Transformer& transformer = *impl_->current().transformer;
    if (planOf(recipe).stored && !transformer.info().quantized)
        throw Error(transformer.info().name +
                        " is no quantized checkpoint, so nothing is stored of how it is rounded",
                    recipe.text(), "Choose another scheme");
    const auto check = [&](Site site) { checkSite(transformer, site); };
    for (Site site : recipe.highPrecision)
        check(site);
    for (const auto& [site, bits] : recipe.bits)
        check(site);
    for (const auto& [site, range] : recipe.ranges)
        check(site);
    const Plan plan = planOf(recipe);
    if (plan.ablation) {
        const Place place = *placeFromName(plan.ablation->place);
        check({isPerLayer(place) ? 0 : -1, place});
    }
    for (const auto& [chosen, bits] : plan.siteBits)
        if (const auto place = placeFromName(chosen))
            check({isPerLayer(*place) ? 0 : -1, *place});
        else
            check(Site::fromName(chosen));
    impl_->checkChannels(recipe.kept);
}

void Workbench::Impl::checkChannels(const ChannelSets& sets) const {
    const Transformer& transformer = *current().transformer;
    for (const auto& [site, channels] : sets) {
        checkSite(transformer, site);
        const int width = transformer.info().channels(transformer.origin(site).place);
        for (int channel : channels)
            if (channel < 0 || channel >= width)
                throw Error(site.name() + " has no channel " + std::to_string(channel), "",
                            width > 0 ? "Its channels are 0 to " + std::to_string(width - 1)
                                      : "Channels of attn_probs are positions and cannot be kept");
    }
}

std::shared_ptr<const RecipeArithmetic> Workbench::Impl::arithmetic(const Recipe& recipe, PreparedData& data,
                                                                    std::stop_token stop,
                                                                    const OnProgress& progress,
                                                                    KernelChoice kernels) {
    if (recipe.isFp32()) return nullptr;
    auto ready = std::find_if(data.arithmetics.begin(), data.arithmetics.end(),
                              [&](const PreparedData::Ready& one) { return one.recipe == recipe; });
    if (ready == data.arithmetics.end()) {
        Plan plan = planOf(recipe);
        auto model = shaped(plan, recipe, data, stop, progress);
        CalibrationSet* calibrated = plan.needsCalibration() ? &calibration(data, recipe) : nullptr;
        auto made = std::make_shared<const RecipeArithmetic>(std::move(model), recipe, std::move(plan),
                                                             calibrated, current().weights, stop, progress);
        // The newest recipes stay ready; an older one is made again from shared weights in a moment.
        if (data.arithmetics.size() >= 6) data.arithmetics.erase(data.arithmetics.begin());
        data.arithmetics.push_back({recipe, std::move(made), nullptr, false});
        ready = data.arithmetics.end() - 1;
    }
    if (kernels == KernelChoice::simulated) return ready->simulated;
    if (!std::exchange(ready->askedReal, true))
        ready->real = ready->simulated->withRealKernels(recipe, planOf(recipe), current().packed);
    return ready->real ? ready->real : ready->simulated;
}

std::vector<Reading> Workbench::evaluate(const EvaluateRequest& request, std::stop_token stop,
                                         const OnReading& onReading, const OnProgress& progress) {
    const c10::InferenceMode inference;
    bool calibrated = request.holdOut;
    for (const Recipe& recipe : request.recipes) {
        validate(recipe);
        calibrated |= needsCalibration(recipe);
    }
    // Text has windows to spare for calibration; of a table every row counts unless a recipe needs some held
    // out.
    PreparedData& data = impl_->prepare(request.data, calibrated, stop);
    std::vector<std::shared_ptr<const RecipeArithmetic>> owners;
    std::vector<EvaluatedRecipe> recipes;
    for (const Recipe& recipe : request.recipes) {
        const Recipe resolved = impl_->resolve(recipe, data, stop, progress);
        const std::size_t index = owners.size();
        owners.push_back(impl_->arithmetic(resolved, data, stop, progress,
                                           index < request.kernels.size() ? request.kernels[index]
                                                                          : KernelChoice::automatic));
        recipes.push_back({static_cast<int>(recipes.size()), owners.back().get()});
    }
    EvaluatorOptions options;
    options.latency = request.latency;
    options.ranks = Ranks::shared();
    auto readings = impl_->evaluator(data).run(recipes, options, stop, onReading, progress, request.onNote);
    for (std::size_t i = 0; i < owners.size() && request.onNote; ++i) {
        const bool askedReal = choiceAt(request.kernels, i) == KernelChoice::automatic;
        const std::string why = owners[i] && askedReal ? owners[i]->shortfall() : "";
        if (!why.empty()) request.onNote(request.recipes[i].text() + ": " + why);
    }
    return readings;
}

Workbench::PredictionWithTensors Workbench::predict(const std::string& text, const std::vector<int>& ids,
                                                    const Recipe& asked, int topCount,
                                                    const DataRequest* calibration) {
    const c10::InferenceMode inference;
    validate(asked);
    const OpenModel& model = impl_->current();
    const ModelInfo& info = model.transformer->info();
    Batch batch;
    batch.ids = ids;
    if (ids.empty()) {
        const Encoding encoding = impl_->tokenizer().encode(text, true);
        batch.ids = encoding.ids, batch.typeIds = encoding.typeIds;
        if (batch.ids.empty()) throw Error("the text has no tokens", "", "Give some text");
    }
    for (int id : batch.ids)
        if (id < 0 || id >= info.vocabulary)
            throw Error("id " + std::to_string(id) + " is outside the vocabulary", "",
                        "Ids are 0 to " + std::to_string(info.vocabulary - 1));
    if (static_cast<int>(batch.ids.size()) > info.maxLength)
        throw Error(std::to_string(batch.ids.size()) + " tokens are more than the model's " +
                        std::to_string(info.maxLength) + " positions",
                    "", "Give a shorter text");
    batch.sequences = 1;
    batch.length = static_cast<int>(batch.ids.size());
    batch.lengths = {batch.length};
    batch.windows = {0};

    std::shared_ptr<const RecipeArithmetic> arithmetic;
    if (!asked.isFp32()) {
        if (calibration) {
            PreparedData& data = impl_->prepare(*calibration, true, {});
            arithmetic = impl_->arithmetic(impl_->resolve(asked, data, {}, {}), data, {}, {});
        } else {
            Plan plan = planOf(asked);
            const bool rangesAlone = plan.transforms.empty() && !(plan.weights && plan.weights->solver);
            if (plan.needsCalibration())
                throw Error("recipe " + asked.text() + " needs calibration, and a single text gives none", "",
                            std::string("Give a text with --calibration FILE") +
                                (rangesAlone ? ", or use dynamic=on or activation=per-token" : ""));
            auto shaped = shape(*model.transformer, plan, nullptr, {}, {});
            arithmetic = std::make_shared<const RecipeArithmetic>(std::move(shaped), asked, std::move(plan),
                                                                  nullptr, impl_->current().weights);
        }
    }
    Pass pass(batch, impl_->device, nullptr, arithmetic.get());
    const Transformer& transformer = arithmetic ? arithmetic->model() : *model.transformer;
    const at::Tensor hidden = transformer.hidden(pass), logits = transformer.head(pass, hidden);
    PredictionWithTensors result;
    const auto keep = [](const at::Tensor& tensor, std::vector<std::int64_t>& shape,
                         std::vector<float>& values) {
        if (!tensor.defined()) return;
        const at::Tensor flat = tensor.squeeze(0).to(at::kCPU, at::kFloat).contiguous();
        shape = flat.sizes().vec();
        values.assign(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
    };
    keep(hidden, result.hiddenShape, result.hidden);
    keep(logits, result.logitsShape, result.logits);
    result.prediction.ids = batch.ids;
    if (model.folder.tokenizer)
        for (int id : batch.ids)
            result.prediction.tokens.push_back(model.folder.tokenizer->tokenText(id));
    if (logits.defined()) {
        at::Tensor last = logits.squeeze(0).to(at::kCPU);
        if (last.dim() == 2 && info.causal) last = last[-1]; // the next token
        if (last.dim() == 2) {
            // A masked language model answers at its first [MASK]; without one it was asked nothing.
            const int mask = model.folder.tokenizer ? model.folder.tokenizer->idOf("[MASK]") : -1;
            const auto at = std::find(batch.ids.begin(), batch.ids.end(), mask);
            if (mask < 0 || at == batch.ids.end()) return result;
            last = last[at - batch.ids.begin()];
        }
        const at::Tensor probabilities = at::softmax(last, -1);
        const auto [values, indices] =
            at::topk(probabilities, std::min<std::int64_t>(topCount, probabilities.numel()));
        for (std::int64_t i = 0; i < values.numel(); ++i) {
            const int id = static_cast<int>(indices[i].item<std::int64_t>());
            const std::string name = !info.labels.empty()     ? info.labels[static_cast<std::size_t>(id)]
                                     : model.folder.tokenizer ? model.folder.tokenizer->tokenText(id)
                                                              : "";
            result.prediction.top.push_back({id, name, values[i].item<double>()});
        }
    }
    return result;
}

std::vector<SchemeInfo> Workbench::schemes() {
    std::vector<SchemeInfo> all;
    for (const auto& scheme : Registry<Scheme>::instance().members())
        all.push_back(scheme->info());
    return all;
}

std::vector<TaskInfo> Workbench::tasks() {
    std::vector<TaskInfo> all;
    for (const auto& task : Registry<Task>::instance().members())
        all.push_back({std::string(task->id()), std::string(task->title()), std::string(task->summary())});
    return all;
}

std::vector<TaskInfo> Workbench::architectures() {
    std::vector<TaskInfo> all;
    for (const auto& family : Registry<Architecture>::instance().members())
        all.push_back(
            {std::string(family->id()), std::string(family->title()), std::string(family->summary())});
    return all;
}

Error Workbench::explain(const std::exception& failure) {
    if (const auto* known = dynamic_cast<const Error*>(&failure)) return *known;
    std::string text = failure.what();
    const auto* torch = dynamic_cast<const c10::Error*>(&failure);
    if (torch) text = torch->what_without_backtrace();
    text = text.substr(0, text.find('\n'));
    if (isOutOfMemory(failure))
        return {"there is not enough memory for this", "",
                "Take fewer windows or shorter ones (--windows, --length), open a smaller model, or close "
                "other programs"};
    return {torch ? "LibTorch failed: " + text : text, "",
            "This is a fault in Kurtoscope: please report it with these words"};
}

std::string Workbench::version() {
    return KURTOSCOPE_VERSION;
}

} // namespace kurtoscope
