// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/block_formats.h"
#include "core/model/gguf.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace kurtoscope {
namespace {

// tokenizer.ggml.token_type's values that matter here.
constexpr std::int64_t unknownToken = 2, controlToken = 3, userToken = 4, unusedToken = 5;

struct PreTokenizer {
    std::string_view name, pattern;
    bool addsBegin; // where the file does not say
};
constexpr std::array preTokenizers = {
    PreTokenizer{"smollm", "smollm", false},    PreTokenizer{"llama-bpe", "llama3", true},
    PreTokenizer{"llama3", "llama3", true},     PreTokenizer{"llama-v3", "llama3", true},
    PreTokenizer{"smaug-bpe", "llama3", false}, PreTokenizer{"dbrx", "llama3", false},
    PreTokenizer{"gpt-2", "gpt2", false},       PreTokenizer{"gpt2", "gpt2", false},
    PreTokenizer{"olmo", "gpt2", false},        PreTokenizer{"default", "gpt2", false},
    PreTokenizer{"qwen2", "qwen2", false},
};

class SpecReader {
public:
    explicit SpecReader(const GgufFile& file) : file_(file) {}

    TokenizerSpec read() {
        const std::string model = file_.text("tokenizer.ggml.model");
        if (model != "gpt2" && model != "bert")
            refuse("tokenizer.ggml.model", "is " + inQuotes(model) + ", expected \"gpt2\" or \"bert\"",
                   "Open the model's Hugging Face folder with its tokenizer.json instead");
        spec_.tokens = file_.texts("tokenizer.ggml.tokens");
        if (spec_.tokens.empty())
            refuse("tokenizer.ggml.tokens", "is empty, expected the vocabulary", "Download the file again");
        readTypes();
        spec_.unknown = id({"tokenizer.ggml.unknown_token_id"});
        spec_.pad = id({"tokenizer.ggml.padding_token_id"});
        model == "gpt2" ? readBytePairs() : readWordPieces();
        return std::move(spec_);
    }

private:
    [[noreturn]] void refuse(const std::string& key, const std::string& what, const std::string& hint) const {
        throw Error("key " + inQuotes(key) + " " + what, file_.path().string(), hint);
    }

    void readTypes() {
        types_.assign(spec_.tokens.size(), 1);
        spec_.special.assign(spec_.tokens.size(), false);
        spec_.userDefined.assign(spec_.tokens.size(), false);
        const std::string key = "tokenizer.ggml.token_type";
        if (!file_.has(key)) return;
        types_ = file_.integers(key);
        if (types_.size() != spec_.tokens.size())
            refuse(key,
                   "has " + std::to_string(types_.size()) + " entries, expected " +
                       std::to_string(spec_.tokens.size()) + " as in \"tokenizer.ggml.tokens\"",
                   "Download the file again");
        for (std::size_t i = 0; i < types_.size(); ++i) {
            spec_.special[i] = types_[i] == controlToken;
            spec_.userDefined[i] = types_[i] == userToken;
        }
    }

    // The first of the keys that is there; −1 when none is.
    int id(std::initializer_list<const char*> keys) const {
        for (const char* key : keys) {
            if (!file_.has(key)) continue;
            const auto value = file_.integer(key);
            if (value == 0xFFFFFFFF || value == -1) continue; // how converters write "none"
            if (value < 0 || value >= static_cast<std::int64_t>(spec_.tokens.size()))
                refuse(key,
                       "is " + std::to_string(value) + ", expected an id below " +
                           std::to_string(spec_.tokens.size()) + ", the size of the vocabulary",
                       "Download the file again");
            return static_cast<int>(value);
        }
        return -1;
    }

    int idOf(std::string_view token) const {
        const auto found = std::ranges::find(spec_.tokens, token);
        return found == spec_.tokens.end() ? -1 : static_cast<int>(found - spec_.tokens.begin());
    }

    bool flag(const char* key, bool otherwise) const { return file_.has(key) ? file_.flag(key) : otherwise; }

    void readBytePairs() {
        spec_.model = "bpe";
        const std::string key = "tokenizer.ggml.pre";
        const std::string name = file_.has(key) ? file_.text(key) : "default";
        const auto known = std::ranges::find(preTokenizers, name, &PreTokenizer::name);
        if (known == preTokenizers.end())
            refuse(key, "is " + inQuotes(name) + ", expected one of " + knownNames(),
                   "Open the model's Hugging Face folder with its tokenizer.json instead");
        spec_.pattern = known->pattern;
        spec_.merges = file_.texts("tokenizer.ggml.merges");
        spec_.begin = id({"tokenizer.ggml.bos_token_id"});
        spec_.end = id({"tokenizer.ggml.eos_token_id"});
        spec_.addBegin = spec_.begin >= 0 && flag("tokenizer.ggml.add_bos_token", known->addsBegin);
        spec_.addEnd = spec_.end >= 0 && flag("tokenizer.ggml.add_eos_token", false);
    }

    static std::string knownNames() {
        std::string names;
        for (const auto& one : preTokenizers)
            names += (names.empty() ? "" : ", ") + std::string(one.name);
        return names;
    }

    void readWordPieces() {
        spec_.model = "wordpiece";
        for (std::size_t i = 0; i < spec_.tokens.size(); ++i)
            if (isWordPart(i)) spec_.tokens[i] = asWordPiece(spec_.tokens[i]);
        spec_.begin = either(id({"tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"}), "[CLS]");
        spec_.end = either(id({"tokenizer.ggml.seperator_token_id", // so spelled by the format
                               "tokenizer.ggml.separator_token_id", "tokenizer.ggml.eos_token_id"}),
                           "[SEP]");
        spec_.unknown = either(spec_.unknown, "[UNK]");
        spec_.addBegin = spec_.addEnd = true;
        for (const int one : {spec_.begin, spec_.end, spec_.unknown, idOf("[PAD]"), idOf("[MASK]")})
            if (one >= 0) spec_.special[static_cast<std::size_t>(one)] = true;
    }

    int either(int given, const char* token) const {
        const int found = given >= 0 ? given : idOf(token);
        if (found < 0)
            refuse("tokenizer.ggml.tokens",
                   std::string("has no ") + token + ", which this kind of tokenizer needs",
                   "Convert the model again with a current llama.cpp");
        return found;
    }

    bool isWordPart(std::size_t i) const {
        const std::string& token = spec_.tokens[i];
        const bool bracketed = token.size() > 2 && token.starts_with('[') && token.ends_with(']');
        return !bracketed && types_[i] != unknownToken && types_[i] != controlToken &&
               types_[i] != unusedToken;
    }

    // GGUF marks where a word begins; WordPiece marks where one goes on.
    static std::string asWordPiece(const std::string& token) {
        static constexpr std::string_view wordStart = "\u2581";
        return token.starts_with(wordStart) ? token.substr(wordStart.size()) : "##" + token;
    }

    const GgufFile& file_;
    TokenizerSpec spec_;
    std::vector<std::int64_t> types_;
};

} // namespace

TokenizerSpec GgufFile::tokenizerSpec() const {
    return SpecReader(*this).read();
}

} // namespace kurtoscope
