// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/model/tokenizer_json_field.h"
#include "core/model/tokenizer_spec.h"

#include <algorithm>
#include <map>

namespace kurtoscope {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> readLines(const fs::path& file) {
    const std::string bytes = readFile(file);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
        lines.push_back(bytes.substr(at, end - at));
        if (lines.back().ends_with('\r')) lines.back().pop_back();
        at = end + 1;
    }
    return lines;
}

// A named token is either its text or an object with "content"; absent and null mean the family's own.
std::string namedToken(const JsonField& config, const char* key, const std::string& otherwise) {
    if (!config.has(key)) return otherwise;
    const JsonField field = config.at(key);
    return field.isObject() ? field.at("content").text() : field.text();
}

int idOf(const TokenizerSpec& spec, const std::string& token) {
    const auto found = std::ranges::find(spec.tokens, token);
    return found == spec.tokens.end() || token.empty() ? -1 : static_cast<int>(found - spec.tokens.begin());
}

void markSpecial(TokenizerSpec& spec, int id) {
    spec.special.resize(spec.tokens.size());
    if (id >= 0) spec.special[static_cast<std::size_t>(id)] = true;
}

// Tokens that tokenizer_config.json adds, at ids that may lie behind the vocabulary's end.
void readAddedTokens(const JsonField& config, TokenizerSpec& spec) {
    if (!config.has("added_tokens_decoder")) return;
    const JsonField list = config.at("added_tokens_decoder");
    const std::size_t limit = spec.tokens.size() + list.object().size();
    std::map<std::size_t, std::string> keys; // JSON sorts its keys as text
    for (const auto& [key, value] : list.object().items()) {
        const bool digits = !key.empty() && key.size() < 9 && key.find_first_not_of("0123456789") == key.npos;
        const std::size_t id = digits ? std::stoul(key) : limit;
        if (id >= limit)
            list.at(key.c_str())
                .fail("got id " + key + ", but vocabulary and added tokens end at " + std::to_string(limit));
        keys[id] = key;
    }
    for (const auto& [id, key] : keys) {
        const JsonField item = list.at(key.c_str());
        const std::string content = item.at("content").text();
        if (id > spec.tokens.size())
            item.fail("ids " + std::to_string(spec.tokens.size()) + " to " + std::to_string(id - 1) +
                      " have no token");
        if (id == spec.tokens.size()) spec.tokens.push_back(content);
        if (spec.tokens[id] != content)
            item.fail("got \"" + content + "\", but the vocabulary has \"" + spec.tokens[id] + "\" there");
        std::vector<bool>& marks = item.flag("special", false) ? spec.special : spec.userDefined;
        marks.resize(spec.tokens.size());
        marks[id] = true;
    }
}

TokenizerSpec bertSpec(const fs::path& folder, const JsonField& config) {
    TokenizerSpec spec;
    spec.model = "wordpiece";
    spec.tokens = readLines(folder / "vocab.txt");
    spec.lowercase = config.flag("do_lower_case", true);
    spec.stripAccents = config.flag("strip_accents", spec.lowercase);
    spec.splitChinese = config.flag("tokenize_chinese_chars", true);
    readAddedTokens(config, spec);
    spec.unknown = idOf(spec, namedToken(config, "unk_token", "[UNK]"));
    spec.begin = idOf(spec, namedToken(config, "cls_token", "[CLS]"));
    spec.end = idOf(spec, namedToken(config, "sep_token", "[SEP]"));
    spec.pad = idOf(spec, namedToken(config, "pad_token", "[PAD]"));
    for (const int id : {spec.unknown, spec.begin, spec.end, spec.pad})
        markSpecial(spec, id);
    markSpecial(spec, idOf(spec, namedToken(config, "mask_token", "[MASK]")));
    if (spec.begin < 0 || spec.end < 0)
        throw Error("the tokens that open and close a text ([CLS], [SEP]) are not in the vocabulary",
                    (folder / "vocab.txt").string(),
                    "Add tokenizer.json or tokenizer_config.json to the folder");
    spec.addBegin = spec.addEnd = true;
    return spec;
}

TokenizerSpec gpt2Spec(const fs::path& folder, const JsonField& config) {
    TokenizerSpec spec;
    spec.model = "bpe";
    spec.pattern = "gpt2";
    const nlohmann::json document = JsonField::parseFile(folder / "vocab.json");
    const JsonField root(document, (folder / "vocab.json").string());
    std::vector<bool> seen(root.object().size());
    spec.tokens.resize(seen.size());
    for (const auto& [token, value] : root.object().items()) {
        const std::int64_t id = value.is_number_integer() ? value.get<std::int64_t>() : -1;
        const auto index = static_cast<std::size_t>(id);
        if (id < 0 || index >= seen.size() || seen[index])
            root.fail("token \"" + token + "\" has id " + value.dump() + ", expected each of 0 to " +
                      std::to_string(seen.size() - 1) + " once");
        seen[index] = true;
        spec.tokens[index] = token;
    }
    for (std::string& line : readLines(folder / "merges.txt"))
        if (!line.empty() && !line.starts_with("#version")) spec.merges.push_back(std::move(line));
    spec.addPrefixSpace = config.flag("add_prefix_space", false);
    spec.addBegin = config.flag("add_bos_token", false);
    spec.addEnd = config.flag("add_eos_token", false);
    readAddedTokens(config, spec);
    spec.begin = idOf(spec, namedToken(config, "bos_token", "<|endoftext|>"));
    spec.end = idOf(spec, namedToken(config, "eos_token", "<|endoftext|>"));
    spec.pad = idOf(spec, namedToken(config, "pad_token", ""));
    for (const int id :
         {spec.begin, spec.end, spec.pad, idOf(spec, namedToken(config, "unk_token", "<|endoftext|>"))})
        markSpecial(spec, id);
    return spec;
}

} // namespace

TokenizerSpec specFromFolder(const fs::path& folder) {
    std::error_code code;
    const fs::path settings = folder / "tokenizer_config.json";
    const nlohmann::json document =
        fs::exists(settings, code) ? JsonField::parseFile(settings) : nlohmann::json::object();
    const JsonField config(document, settings.string());
    if (fs::exists(folder / "vocab.txt", code)) return bertSpec(folder, config);
    if (fs::exists(folder / "vocab.json", code)) return gpt2Spec(folder, config);
    const bool sentencePiece =
        fs::exists(folder / "tokenizer.model", code) || fs::exists(folder / "spiece.model", code);
    throw Error(sentencePiece ? "only a SentencePiece tokenizer was found, which is not supported"
                              : "no tokenizer was found",
                folder.string(), "Supported: tokenizer.json, vocab.txt, or vocab.json with merges.txt");
}

} // namespace kurtoscope
