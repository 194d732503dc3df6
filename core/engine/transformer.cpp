// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/transformer.h"

#include "core/engine/scratch_model.h"

namespace kurtoscope {

template <>
Registry<Architecture>& Registry<Architecture>::instance() {
    static Registry<Architecture> registry;
    return registry;
}

at::Tensor Transformer::hidden(Pass& pass) const {
    at::Tensor x;
    for (const Step step : steps())
        x = take(pass, step, x);
    return x;
}

std::vector<Step> Transformer::steps() const {
    std::vector<Step> steps{{Step::embedding}};
    for (int layer = 0; layer < info_.layers; ++layer)
        steps.push_back({layer});
    steps.push_back({Step::finish});
    return steps;
}

at::Tensor Transformer::take(Pass& pass, Step step, const at::Tensor& x) const {
    pass.throwIfStopped();
    return step.layer == Step::embedding ? embed(pass)
           : step.layer == Step::finish  ? finish(pass, x)
                                         : block(pass, step.layer, x);
}

std::map<const Linear*, std::shared_ptr<Linear>> Transformer::copyLinears() {
    std::map<const Linear*, std::shared_ptr<Linear>> copies;
    for (auto& linear : linears_) {
        auto copy = std::make_shared<Linear>(*linear);
        copies.emplace(linear.get(), copy);
        linear = std::move(copy);
    }
    return copies;
}

std::vector<NamedTensor> Transformer::linearTensors(const at::Tensor& tied) const {
    std::vector<NamedTensor> all;
    for (const auto& linear : linears_) {
        if (!linear->weight.is_same(tied)) all.push_back({linear->name + ".weight", linear->weight});
        if (linear->bias.defined()) all.push_back({linear->name + ".bias", linear->bias});
    }
    return all;
}

void Transformer::readStored(const StoredQuantization& stored) {
    for (const auto& linear : linears_) {
        if (linear->head) continue;
        if (const auto made = stored.outputs.find(linear->name); made != stored.outputs.end())
            stored_.emplace(linear->output, made->second);
        const auto found = stored.inputs.find(linear->name);
        if (found == stored.inputs.end()) continue;
        // Layers that read the same tensor are given it rounded once.
        const auto [at, fresh] = stored_.emplace(linear->input, found->second);
        if (!fresh && at->second != found->second)
            info_.warnings.push_back(linear->name +
                                     " rounds its input otherwise than the layer before it that reads the "
                                     "same tensor; shown as that one does");
    }
}

std::optional<ScratchModel> Architecture::scratch(const ModelShape&, int) const {
    return std::nullopt;
}

std::unique_ptr<Transformer> loadTransformer(const ModelFolder& folder, std::stop_token stop,
                                             const OnProgress& progress) {
    const std::string type = folder.config.text("model_type", "");
    const Architecture* family = Registry<Architecture>::instance().find(type);
    if (!family) {
        std::string known;
        for (const auto& member : Registry<Architecture>::instance().members())
            known += (known.empty() ? "" : ", ") + std::string(member->id());
        throw Error("\"model_type\" is \"" + type + "\", which is not supported", folder.config.where(),
                    "Open a model of one of these types: " + known);
    }
    Weights weights(folder, std::move(stop), progress);
    auto transformer = family->load(folder, weights);
    if (folder.stored) transformer->readStored(*folder.stored);
    // load() of each family filled what is its own; the rest is the same for all.
    auto& info = const_cast<ModelInfo&>(transformer->info());
    info.name = folder.name;
    info.path = folder.path;
    info.architecture = std::string(family->id());
    info.architectureTitle = std::string(family->title());
    info.storedPrecision = folder.storedPrecision;
    info.parameters = weights.parameters();
    info.fileBytes = folder.file->fileBytes();
    info.quantized = folder.stored != nullptr;
    if (folder.stored) info.storedRecipe = folder.stored->recipe;
    info.warnings.insert(info.warnings.end(), folder.warnings.begin(), folder.warnings.end());
    info.warnings.insert(info.warnings.end(), weights.warnings().begin(), weights.warnings().end());
    if (folder.tokenizer && folder.tokenizer->vocabularySize() > info.vocabulary)
        throw Error("the tokenizer has ids up to " + std::to_string(folder.tokenizer->vocabularySize() - 1) +
                        " but the embedding has only " + std::to_string(info.vocabulary) + " rows",
                    folder.path, "Use the tokenizer that belongs to these weights");
    return transformer;
}

} // namespace kurtoscope
