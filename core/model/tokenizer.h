// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

// Ids of one sequence or pair with what belongs to each: equal lengths.
struct Encoding {
    std::vector<int> ids;
    std::vector<int> typeIds; // 0 first sequence, 1 second (BERT's token_type_ids)
};

// How a tokenizer that comes without tokenizer.json is described (GGUF metadata, vocab.txt).
struct TokenizerSpec {
    std::string model;               // "bpe" (byte-level), "wordpiece"
    std::string pattern;             // bpe: "gpt2", "llama3", "qwen2", "smollm" (digits apart, then gpt2)
    std::vector<std::string> tokens; // id → token, byte-level alphabet for bpe
    std::vector<std::string> merges; // bpe: "a b" in rank order
    std::vector<bool> special;       // id → matched whole in text and hidden when decoding
    std::vector<bool> userDefined;   // id → matched whole in text, shown when decoding; may be empty
    int unknown = -1, begin = -1, end = -1; // begin/end: added by encode(…, addSpecial) when addBegin/addEnd
    int pad = -1;
    bool addBegin = false, addEnd = false;
    bool addPrefixSpace = false; // bpe: a text that starts without a space gets one
    bool ignoreMerges = false;   // bpe: a word that is itself a token is taken whole (LLaMA-3)
    bool lowercase = true, stripAccents = true, splitChinese = true; // wordpiece (BERT's normalizer)
};

// Text to ids and back, equal to the reference `tokenizers` library. Immutable after construction; any
// thread.
class KURTOSCOPE_API Tokenizer {
public:
    // Reads tokenizer.json, else vocab.txt with tokenizer_config.json, else vocab.json with merges.txt, out
    // of a model folder. Throws Error naming file and key when none is there or one is damaged or of an
    // unsupported kind.
    static std::shared_ptr<const Tokenizer> fromFolder(const std::filesystem::path& folder);
    static std::shared_ptr<const Tokenizer> fromSpec(TokenizerSpec spec,
                                                     const std::string& where); // throws Error
    virtual ~Tokenizer() = default;

    // `addSpecial` adds what the model's template asks for ([CLS] … [SEP], begin-of-text). maxLength 0: no
    // truncation; else the text is cut so that the whole, special tokens included, has at most maxLength ids;
    // throws Error when the special tokens alone are more, Cancelled once a stop is asked for. Bytes that are
    // not UTF-8 become U+FFFD.
    virtual Encoding encode(std::string_view text, bool addSpecial, std::size_t maxLength = 0,
                            std::stop_token stop = {}) const = 0;
    // Two sequences; truncation takes from the longer first ("longest_first").
    virtual Encoding encodePair(std::string_view first, std::string_view second,
                                std::size_t maxLength = 0) const = 0;
    virtual std::string decode(const std::vector<int>& ids, bool skipSpecial) const = 0;
    // One token as a person reads it: "##ing" as "ing", "Ġthe" as " the"; a lone part of a character as
    // U+FFFD; empty when no token has this id.
    virtual std::string tokenText(int id) const = 0;
    virtual int vocabularySize() const = 0;             // largest id + 1
    virtual int padId() const = 0;                      // 0 when the model has none
    virtual int idOf(std::string_view token) const = 0; // −1 when there is none
};

} // namespace kurtoscope
