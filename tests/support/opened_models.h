// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFile>
#include <QFileInfo>

#include "core/workbench.h"
#include "tests/support/model_copy.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

// The golden tiny models by name and fetched ones by path, opened once, with text of their own to evaluate
// and calibrate on.
namespace kurtoscope::test {

inline std::string golden(const std::string& name) {
    return KURTOSCOPE_TESTS_DIR "/golden/" + name;
}

inline const std::string miniLm = KURTOSCOPE_MODELS_DIR "/all-MiniLM-L6-v2",
                         smolLm = KURTOSCOPE_MODELS_DIR "/SmolLM2-135M-Instruct.Q4_1.gguf";

inline std::string pathOf(const std::string& model) {
    if (model == "tiny-llama-scaled" || model == "tiny-llama-sharded") { // stored without a tokenizer
        static std::map<std::string, std::unique_ptr<ModelCopy>> copies;
        auto& copy = copies[model];
        if (!copy) {
            copy = std::make_unique<ModelCopy>(QString::fromStdString(model));
            QByteArray letters = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
            for (char letter = 'a'; letter <= 'z'; ++letter)
                letters += QByteArray(1, letter) + "\n##" + letter + "\n";
            copy->write("vocab.txt", letters);
        }
        return copy->path();
    }
    return model.starts_with("tiny") ? golden(model) : model;
}

inline Workbench& opened(const std::string& model) {
    static std::map<std::string, Workbench> all;
    const auto [found, fresh] = all.try_emplace(model, WorkbenchOptions{DeviceKind::cpu, 0, 1});
    if (fresh) found->second.open(pathOf(model));
    return found->second;
}

inline DataRequest textOf(const std::string& model) {
    const bool tiny = model.starts_with("tiny");
    DataRequest data;
    data.path = tiny ? golden(model.starts_with("tiny-llama") ? "tiny-llama/text.txt" : model + "/text.txt")
                     : KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
    data.task = "fidelity";
    data.windows = 2, data.length = tiny ? 16 : 128, data.calibrationWindows = tiny ? 3 : 4;
    return data;
}

inline std::vector<Site> linearInputs(const ModelInfo& info) {
    std::vector<Site> sites;
    for (int layer = 0; layer < info.layers; ++layer)
        for (Place place : {Place::attn_input, Place::attn_context, Place::mlp_input, Place::mlp_hidden})
            sites.push_back({layer, place});
    return sites;
}

// Logits, or final hidden states where the model has none.
inline std::vector<float> answers(const std::string& model, const Recipe& recipe) {
    const DataRequest data = textOf(model);
    const auto made = opened(model).predict("the outlier channel of this layer grows", {}, recipe, 5, &data);
    return made.logits.empty() ? made.hidden : made.logits;
}

inline std::vector<float> sampled(const std::string& model, Site site, const std::string& recipe) {
    return opened(model).sample(site, textOf(model), "", Recipe::parse(recipe), 256).values;
}

inline Reading evaluated(const std::string& model, const Recipe& recipe, std::stop_token stop = {},
                         const OnProgress& progress = {}) {
    EvaluateRequest request;
    request.data = textOf(model);
    request.recipes = {recipe};
    request.latency = false;
    return opened(model).evaluate(request, stop, {}, progress).front();
}

} // namespace kurtoscope::test
