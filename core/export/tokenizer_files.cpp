// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/tokenizer_files.h"

#include "core/base/error.h"
#include "core/export/export_folder.h"
#include "core/model/pretokenizer.h"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

// Digits, contractions, runs of white space, scripts, marks, emoji: what pre-tokenizers treat apart.
constexpr const char* probes[] = {
    "The year 1984 wasn't like '84; they'LL see, I'm sure (we've 3.14159 reasons).",
    "  two  spaces\n\nand lines\t tabs \r\n end   ",
    "Größe naïve Ελληνικά русский 日本語 한국어 العربية हिन्दी",
    "🙂👩‍👩‍👧 e\u0301 \u00a0non-breaking x²½ ①Ⅳ",
    "int main() { return a[i] != 0x1F ? --b : c++; } // <tag>&amp;</tag>",
};

Json pretokenizer(const TokenizerSpec& spec) {
    const auto byteLevel = [&](bool pattern) {
        return Json{{"type", "ByteLevel"},
                    {"add_prefix_space", spec.addPrefixSpace},
                    {"trim_offsets", true},
                    {"use_regex", pattern}};
    };
    const auto split = [](BytePattern pattern) {
        return Json{{"type", "Split"},
                    {"pattern", {{"Regex", bytePatternText(pattern)}}},
                    {"behavior", "Isolated"},
                    {"invert", false}};
    };
    Json steps = Json::array();
    if (spec.pattern == "gpt2") return byteLevel(true);
    if (spec.pattern == "smollm")
        steps = {{{"type", "Digits"}, {"individual_digits", true}}, byteLevel(true)};
    else
        steps = {split(spec.pattern == "llama3" ? BytePattern::Llama3 : BytePattern::Qwen2),
                 byteLevel(false)};
    return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

Json postProcessor(const TokenizerSpec& spec) {
    const bool begins = spec.addBegin && spec.begin >= 0, ends = spec.addEnd && spec.end >= 0;
    if (!begins && !ends)
        return {
            {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
    Json specials = Json::object();
    const auto fixed = [&](int id, int type) {
        const std::string& token = spec.tokens[static_cast<std::size_t>(id)];
        specials[token] = {{"id", token}, {"ids", {id}}, {"tokens", {token}}};
        return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
    };
    const auto wrap = [&](Json& parts, const char* name, int type) {
        if (begins) parts.push_back(fixed(spec.begin, type));
        parts.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
        if (ends) parts.push_back(fixed(spec.end, type));
    };
    Json single = Json::array(), pair = Json::array();
    wrap(single, "A", 0);
    wrap(pair, "A", 0), wrap(pair, "B", 1);
    return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", specials}};
}

Json tokenizerJson(const TokenizerSpec& spec) {
    Json added = Json::array(), vocabulary = Json::object(), merges = Json::array();
    for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
        vocabulary[spec.tokens[id]] = id;
        const bool special = id < spec.special.size() && spec.special[id];
        if (special || (id < spec.userDefined.size() && spec.userDefined[id]))
            added.push_back({{"id", id},
                             {"content", spec.tokens[id]},
                             {"single_word", false},
                             {"lstrip", false},
                             {"rstrip", false},
                             {"normalized", false},
                             {"special", special}});
    }
    for (const std::string& merge : spec.merges) {
        const std::size_t space = merge.find(' ', 1);
        merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
    }
    return {
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", added},
        {"normalizer", nullptr},
        {"pre_tokenizer", pretokenizer(spec)},
        {"post_processor", postProcessor(spec)},
        {"decoder",
         {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", spec.ignoreMerges || spec.pattern == "llama3"},
          {"vocab", vocabulary},
          {"merges", merges}}}};
}

Json tokenizerConfig(const GgufFile& file, const TokenizerSpec& spec) {
    Json config{{"tokenizer_class", "PreTrainedTokenizerFast"},
                {"add_prefix_space", spec.addPrefixSpace},
                {"clean_up_tokenization_spaces", false}};
    for (const auto& [key, id] : {std::pair{"bos_token", spec.begin}, std::pair{"eos_token", spec.end},
                                  std::pair{"unk_token", spec.unknown}, std::pair{"pad_token", spec.pad}})
        if (id >= 0) config[key] = spec.tokens[static_cast<std::size_t>(id)];
    const std::string length = file.text("general.architecture") + ".context_length";
    if (file.has(length)) config["model_max_length"] = file.integer(length);
    if (file.has("tokenizer.chat_template")) config["chat_template"] = file.text("tokenizer.chat_template");
    return config;
}

bool givesEqualIds(const Tokenizer& one, const Tokenizer& other, const TokenizerSpec& spec) {
    std::string specials = "a";
    for (std::size_t id = 0; id < spec.special.size(); ++id)
        if (spec.special[id] && specials.size() < 4000) specials += spec.tokens[id] + " b";
    std::vector<std::string> texts(std::begin(probes), std::end(probes));
    texts.push_back(specials);
    for (const std::string& text : texts)
        for (const bool special : {true, false})
            if (one.encode(text, special).ids != other.encode(text, special).ids) return false;
    return one.vocabularySize() == other.vocabularySize();
}

} // namespace

std::vector<std::string> writeTokenizerFiles(const GgufFile& file, const Tokenizer* opened,
                                             ExportFolder& out) {
    const std::string without =
        ": the folder has no tokenizer; take tokenizer.json from the model's Hugging Face page";
    if (!opened) return {"The GGUF file has no tokenizer that can be read" + without + "."};
    const TokenizerSpec spec = file.tokenizerSpec();
    if (spec.model != "bpe") return {"The GGUF file's tokenizer is no byte-level BPE" + without + "."};
    const auto dumped = [](const Json& json) {
        return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    };
    out.write("tokenizer.json", dumped(tokenizerJson(spec)));
    out.write("tokenizer_config.json", dumped(tokenizerConfig(file, spec)));
    std::string why;
    try {
        if (givesEqualIds(*Tokenizer::fromFolder(out.file("")), *opened, spec)) return {};
        why = "The GGUF file's tokenizer could not be said exactly in tokenizer.json";
    } catch (const Error& error) {
        why = "The GGUF file's tokenizer could not be said in tokenizer.json (" + error.message() + ")";
    }
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
        std::filesystem::remove(out.file(name));
    return {why + without + "."};
}

} // namespace kurtoscope
