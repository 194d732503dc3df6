// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/recipe.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

// The size of a model that is trained from nothing.
struct ModelShape {
    std::string family = "gpt2"; // an architecture that can be made from nothing: "gpt2", "llama"
    int layers = 4, hidden = 128, heads = 4;
    int keyValueHeads = 0; // 0: as many as heads
    int inner = 0;         // width of mlp_hidden; 0: what is usual for the family
    int length = 128;      // tokens of a training window, and the positions the model is built for
    int vocabulary = 512;  // of a tokenizer that is trained on the text
    bool operator==(const ModelShape&) const = default;
};

// A complete choice of how to train: a plain value. Files are named as the person named them.
struct TrainingSpec {
    std::string name;                         // "none", "qat", what curves are labelled with
    ModelShape model;                         // read when `from` is empty
    std::string from;                         // a model folder to go on from; empty: from nothing
    std::string task = "language-model";      // or "classification", "regression"
    std::string text;                         // .txt, .jsonl or a table; empty: the artificial language
    std::string validation;                   // another file; empty: the end of the text is held out
    std::int64_t artificialBytes = 2'000'000; // of the artificial language
    std::string tokenizer = "bpe";            // "bpe": trained on the text; else a folder with a tokenizer
    double heldOut = 0.05;                    // share of the text at its end that is never trained on

    int steps = 1000, batch = 16, accumulation = 1;
    double learningRate = 1e-3, finalShare = 0.1; // of the learning rate at the last step
    int warmup = 100;                             // steps
    double weightDecay = 0.1, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
    double clipNorm = 1;  // of the gradient; 0: not clipped
    double dropout = 0;   // after the embedding and each linear layer that writes the stream
    double headRate = 10; // learning rate of a new head, times that of the rest
    std::string precision = "fp32"; // or "bf16": of linear layers' products; all that is kept stays float32
    std::uint64_t seed = 1;

    int inputBits = 0;       // quantization-aware training of linear inputs; 0: none
    double inputStart = 0.1; // share of the steps before inputs are rounded and clipping values begin
    int weightBits = 0;      // and of weights, by output channel; 0: none
    int clipBatches = 4;     // that the learned clipping values start from
    double clipRate = 1;     // learning rate of clipping values, times that of the rest and their distance
    double clipPull = 0.1;   // weight of each site's relative squared error in what moves its clipping values
    std::vector<RecipePart> regularizers;

    int checkpointEvery = 200, validateEvery = 100, validationWindows = 32, recordEvery = 10;

    bool operator==(const TrainingSpec&) const = default;

    KURTOSCOPE_API std::string toJson() const; // pretty, stable key order
    // Throws Error naming the key: unknown keys, wrong types, numbers outside what makes sense.
    KURTOSCOPE_API static TrainingSpec fromJson(std::string_view json, const std::string& where);
    // Whether sizes and numbers belong together. Throws Error naming the key.
    KURTOSCOPE_API void check(const std::string& where) const;
    // "kurtosis:lambda=0.001,over=token". Throws Error; whether such a member exists is core's to say.
    KURTOSCOPE_API static RecipePart regularizer(const std::string& text);
};

} // namespace kurtoscope
