// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tensor_file.h"
#include "core/model/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace kurtoscope {

using GgufArray = std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;
using GgufValue = std::variant<std::int64_t, double, bool, std::string, GgufArray>;

// A GGUF file (versions 2 and 3, little-endian), memory-mapped: metadata and tensors with shapes turned
// row-major.
class KURTOSCOPE_API GgufFile : public TensorFile {
public:
    static std::shared_ptr<const GgufFile> open(const std::filesystem::path& file); // throws Error
    static std::shared_ptr<const GgufFile> read(std::shared_ptr<const MappedFile> file);
    virtual const std::map<std::string, GgufValue>& metadata() const = 0;

    // Typed look-ups; throw Error naming file and key when absent or of another type.
    std::int64_t integer(const std::string& key) const;
    double number(const std::string& key) const;
    std::string text(const std::string& key) const;
    bool flag(const std::string& key) const;
    const std::vector<std::string>& texts(const std::string& key) const;
    const std::vector<std::int64_t>& integers(const std::string& key) const;
    bool has(const std::string& key) const { return metadata().contains(key); }
    virtual const std::filesystem::path& path() const = 0;

    // tokenizer.ggml.* as a spec: model "gpt2" (byte-level BPE; pre-tokenizers of the SmolLM, LLaMA-3 and
    // GPT-2 kinds) or "bert" (WordPiece). Throws Error naming the key.
    TokenizerSpec tokenizerSpec() const;
};

} // namespace kurtoscope
