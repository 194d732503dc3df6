// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/model/model_folder.h"
#include "core/workbench.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace kurtoscope {
namespace fs = std::filesystem;

namespace {

// Whether it has a head over the vocabulary. One that is the embedding itself does not stand in the file; the
// class to load it with says so better than config.json's tie, which encoders without a head have too and
// GPT-2 may leave out.
bool hasLanguageHead(const ModelFolder& model) {
    if (model.find("lm_head.weight") || model.find("cls.predictions.transform.dense.weight")) return true;
    const auto& config = model.config.json();
    if (!config.contains("architectures") || !config.at("architectures").is_array())
        return model.config.flag("tie_word_embeddings", false);
    return std::ranges::any_of(config.at("architectures"), [](const auto& one) {
        const std::string name = one.is_string() ? one.template get<std::string>() : "";
        return name.ends_with("LMHeadModel") || name.ends_with("ForCausalLM");
    });
}

} // namespace

KnownModel Workbench::knownModel(const std::string& path) {
    const ModelFolder model = ModelFolder::open(path);
    KnownModel known;
    known.name = model.name;
    known.path = path;
    known.bytes = model.file->fileBytes();
    known.architecture = model.config.text("model_type", "?");
    known.storedPrecision = model.storedPrecision;
    const auto size = [&](const char* name, const char* gpt2) { // GPT-2 has names of its own
        return static_cast<int>(model.config.positive(name, model.config.positive(gpt2, 0)));
    };
    known.layers = size("num_hidden_layers", "n_layer");
    known.hidden = size("hidden_size", "n_embd");
    known.vocabulary = model.config.positive("vocab_size", 0);
    known.hasHead = hasLanguageHead(model);
    for (const auto& tensor : model.file->tensors())
        known.parameters += tensor.elements();
    known.summary = known.architecture + " · " + std::to_string(known.layers) + " layers · " +
                    std::to_string((known.parameters + 500'000) / 1'000'000) + " M · " +
                    known.storedPrecision;
    return known;
}

// Each entry of `folders` is "origin=path"; models lie in it or one level of folders below.
std::vector<KnownModel> Workbench::knownModels(const std::vector<std::string>& folders,
                                               std::stop_token stop) {
    std::vector<KnownModel> models;
    const auto consider = [&](const fs::path& path, const std::string& origin) {
        std::error_code code;
        const bool folder = fs::exists(path / "config.json", code);
        if (!folder && path.extension() != ".gguf") return false;
        try {
            KnownModel known = knownModel(path.string());
            known.origin = origin;
            models.push_back(std::move(known));
        } catch (const Error&) {
            // A folder that is not a model, or is of a kind not supported, is simply not offered.
        }
        return true;
    };
    for (const std::string& entry : folders) {
        const auto cut = entry.find('=');
        const std::string origin = cut == std::string::npos ? "" : entry.substr(0, cut);
        const fs::path root = cut == std::string::npos ? entry : entry.substr(cut + 1);
        std::error_code code;
        for (fs::recursive_directory_iterator step(root, fs::directory_options::skip_permission_denied, code),
             end;
             !code && step != end && !stop.stop_requested(); step.increment(code)) {
            const bool ofARun = step->path().filename() == "checkpoints"; // shown with their training run
            if (ofARun || step.depth() > 4 || (step->is_directory(code) && consider(step->path(), origin)))
                step.disable_recursion_pending();
            else if (step->path().extension() == ".gguf")
                consider(step->path(), origin);
        }
    }
    std::sort(models.begin(), models.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return models;
}

} // namespace kurtoscope
