// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/site.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kurtoscope {

// What the screen and the command line say of an open model. A plain value.
struct ModelInfo {
    std::string name;            // "SmolLM2-135M-Instruct"
    std::string path;
    std::string architecture;    // registry id: "bert", "llama"
    std::string architectureTitle; // "BERT", "LLaMA"
    std::string storedPrecision; // "F32", "Q4_1 (some F32)" …: what the file holds, not what is computed
    std::string head;            // "language model", "classifier (2 labels)", "masked language model", "embedding (mean pooling)"
    int layers = 0;
    int hidden = 0;
    int heads = 0;
    int keyValueHeads = 0;
    int intermediate = 0;        // width of mlp_hidden
    int maxLength = 0;           // positions the model was built for
    std::int64_t vocabulary = 0;
    std::int64_t parameters = 0;
    std::int64_t fileBytes = 0;
    bool causal = false;         // decoder: predicts the next token
    bool postNorm = false;
    std::vector<Place> places;   // those this model has, in block order, aliases left out
    std::vector<std::string> labels; // of a sequence classifier
    std::string storedRecipe;        // of a quantized checkpoint: the nearest recipe in words; "" for none
    bool quantized = false;          // such a checkpoint: scheme "stored" runs it as its file says
    std::vector<std::string> warnings; // NaN weights, missing tokenizer …

    int channels(Place place) const { return placeChannels[static_cast<std::size_t>(place)]; } // 0: varies or absent
    std::array<int, placeCount> placeChannels{};
};

// A model that can be opened without looking for it: bundled, fetched at set-up, or in the Hugging Face cache.
struct KnownModel {
    std::string name, path, origin; // origin: "bundled", "fetched", "Hugging Face cache"
    std::string summary;            // "LLaMA · 30 layers · 135 M · Q4_1"
    std::int64_t bytes = 0;         // on disk
    std::string architecture;       // "llama"
    std::string storedPrecision;    // "Q4_1 (some F32)"
    int layers = 0, hidden = 0;
    std::int64_t parameters = 0, vocabulary = 0;
    bool hasHead = false;           // its output distribution over the vocabulary costs a product
};

} // namespace kurtoscope
