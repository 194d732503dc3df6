// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/config_json.h"
#include "core/model/stored_quantization.h"
#include "core/model/tensor_file.h"
#include "core/model/tokenizer.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kurtoscope {

enum class Pooling : unsigned char { none, mean, first_token, maximum };

// What a path holds, before any weight is read: the config, the tensors under Hugging Face's names, the
// tokenizer. Both a Hugging Face folder and a GGUF file come out in this one form, so that an architecture
// knows only one.
struct ModelFolder {
    std::string name, path;
    ConfigJson config;
    std::shared_ptr<const TensorFile> file;
    std::shared_ptr<const TensorFile>
        dense; // sentence-transformers' 2_Dense, named "2_Dense.…"; null for none
    std::map<std::string, std::string>
        storedNames; // Hugging Face's name → the file's, where they differ (GGUF)
    bool permutedQueryKey =
        false; // llama.cpp stores LLaMA's Q and K rows interleaved for its rotary embedding
    std::shared_ptr<const Tokenizer> tokenizer; // null with a reason in `warnings` when there is none
    Pooling pooling = Pooling::none;
    std::shared_ptr<const StoredQuantization> stored; // of a checkpoint that is quantized; else null
    std::string storedPrecision;
    std::vector<std::string> warnings;

    const StoredTensor* find(const std::string& name) const; // by Hugging Face's name; null when absent

    // Opens a folder, a .gguf or a .safetensors file beside its config.json. Throws Error, with the way to
    // convert where only a pickle is found.
    static ModelFolder open(const std::string& path);
};

} // namespace kurtoscope
