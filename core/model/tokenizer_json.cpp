// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_json.h"

#include "core/base/error.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/tokenizer_json_field.h"
#include "core/model/wordpiece.h"

#include <map>

namespace kurtoscope {
namespace {

constexpr int deepestSequence = 8; // real files nest two deep; a bound keeps a hostile one off the stack

std::string typeOf(const JsonField& field) {
    return field.at("type").text();
}

// Calls `read` for each entry of a "Sequence"; false when `field` is not one.
template <class Read>
bool readSequence(const JsonField& field, const char* key, int depth, const Read& read) {
    if (typeOf(field) != "Sequence") return false;
    if (depth >= deepestSequence) field.fail("sequences are nested more than 8 deep");
    for (const JsonField& entry : field.at(key).items())
        read(entry, depth + 1);
    return true;
}

void readNormalizer(const JsonField& field, int depth, TextNormalizer& out) {
    static const std::map<std::string, UnicodeForm> forms = {{"NFC", UnicodeForm::Nfc},
                                                             {"NFD", UnicodeForm::Nfd},
                                                             {"NFKC", UnicodeForm::Nfkc},
                                                             {"NFKD", UnicodeForm::Nfkd}};
    if (readSequence(field, "normalizers", depth,
                     [&](const JsonField& f, int d) { readNormalizer(f, d, out); }))
        return;
    const std::string type = typeOf(field);
    if (type == "BertNormalizer") {
        const bool lowercase = field.flag("lowercase", true);
        out.addBert({field.flag("clean_text", true), field.flag("handle_chinese_chars", true),
                     field.flag("strip_accents", lowercase), lowercase});
    } else if (type == "Lowercase") {
        out.addLowercase();
    } else if (const auto form = forms.find(type); form != forms.end()) {
        out.addForm(form->second);
    } else {
        field.refuse(type, "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Sequence of them, none");
    }
}

void readSplit(const JsonField& field, Pretokenizer& out) {
    static const std::map<std::string, SplitBehavior> behaviors = {
        {"Removed", SplitBehavior::Removed},
        {"Isolated", SplitBehavior::Isolated},
        {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
        {"MergedWithNext", SplitBehavior::MergedWithNext},
        {"Contiguous", SplitBehavior::Contiguous}};
    const auto behavior = behaviors.find(field.at("behavior").text());
    if (behavior == behaviors.end())
        field.at("behavior")
            .refuse(field.at("behavior").text(),
                    "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
    const bool invert = field.flag("invert", false);
    const JsonField pattern = field.at("pattern");
    if (pattern.has("String")) {
        out.addLiteral(pattern.at("String").text(), behavior->second, invert);
        return;
    }
    const std::string expression = pattern.at("Regex").text();
    // The known patterns match everything, so what isolates the matches is also what inverted removal keeps.
    const bool isolates =
        behavior->second == SplitBehavior::Isolated || (behavior->second == SplitBehavior::Removed && invert);
    for (const BytePattern known : {BytePattern::Gpt2, BytePattern::Llama3, BytePattern::Qwen2})
        if (isolates && expression == bytePatternText(known)) return out.addPattern(known);
    out.addRegex(expression, behavior->second, invert, pattern.at("Regex").where());
}

// `bytes` says whether the byte-level step has been met: it turns text into bytes, so it must be the last.
void readPretokenizer(const JsonField& field, int depth, Pretokenizer& out, bool& bytes) {
    if (readSequence(field, "pretokenizers", depth,
                     [&](const JsonField& f, int d) { readPretokenizer(f, d, out, bytes); }))
        return;
    const std::string type = typeOf(field);
    if (bytes)
        field.fail("\"" + type + "\" comes after ByteLevel", "ByteLevel is supported as the last step only");
    if (type == "BertPreTokenizer") {
        out.addBert();
    } else if (type == "Digits") {
        out.addDigits(field.flag("individual_digits", false));
    } else if (type == "Split") {
        readSplit(field, out);
    } else if (type == "ByteLevel") {
        if (field.flag("add_prefix_space", true)) out.addPrefixSpace();
        if (field.flag("use_regex", true)) out.addPattern(BytePattern::Gpt2);
        bytes = true;
    } else {
        field.refuse(type, "BertPreTokenizer, ByteLevel, Digits, Split, Sequence of them");
    }
}

Vocabulary readVocabulary(const JsonField& model) {
    const JsonField field = model.at("vocab");
    if (!field.isObject())
        field.fail("the vocabulary is not an object of token and id", "Supported: WordPiece, BPE");
    Vocabulary vocabulary;
    for (const auto& [token, id] : field.object().items()) {
        if (!id.is_number_integer()) field.fail("token \"" + token + "\" has no integer id");
        vocabulary.add(token, id.get<std::int64_t>(), field.where());
    }
    return vocabulary;
}

ByteLevelBpe::Merges readMerges(const JsonField& field) {
    ByteLevelBpe::Merges merges;
    for (const JsonField& entry : field.items()) {
        if (entry.isText()) {
            const std::string line = entry.text();
            if (line.starts_with("#version")) continue;
            const std::size_t space = line.find(' ');
            if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos)
                entry.fail("got \"" + line + "\", expected two tokens with one space between");
            merges.emplace_back(line.substr(0, space), line.substr(space + 1));
        } else {
            if (entry.items().size() != 2) entry.fail("expected a pair of two tokens");
            merges.emplace_back(entry.at(std::size_t{0}).text(), entry.at(std::size_t{1}).text());
        }
    }
    return merges;
}

std::unique_ptr<const SubwordModel> readModel(const JsonField& field, bool bytes) {
    // Files older than the "type" key tell the kinds apart by their keys.
    const std::string type = field.has("type")     ? field.at("type").text()
                             : field.has("merges") ? "BPE"
                                                   : "WordPiece";
    if (type == "WordPiece") {
        if (bytes) field.fail("WordPiece after a ByteLevel pre-tokenizer", "Supported: byte-level BPE");
        WordPiece::Options options;
        options.unknown = field.textOr("unk_token", options.unknown);
        options.prefix = field.textOr("continuing_subword_prefix", options.prefix);
        if (field.has("max_input_chars_per_word")) {
            const std::int64_t longest = field.at("max_input_chars_per_word").integer();
            if (longest < 0) field.at("max_input_chars_per_word").fail("got a negative number");
            options.longestWord = static_cast<std::size_t>(longest);
        }
        return std::make_unique<WordPiece>(readVocabulary(field), options, field.where());
    }
    if (type != "BPE") field.refuse(type, "WordPiece, BPE (byte-level)");
    if (field.flag("byte_fallback", false))
        field.at("byte_fallback").fail("byte fallback is not supported", "Supported: byte-level BPE");
    if (!bytes)
        field.fail("BPE without a ByteLevel pre-tokenizer is not supported",
                   "Supported: byte-level BPE, WordPiece");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (!field.textOr(key, "").empty())
            field.at(key).fail("is not supported", "Supported: byte-level BPE without it");
    const ByteLevelBpe::Options options{field.textOr("unk_token", ""), field.flag("fuse_unk", false),
                                        field.flag("ignore_merges", false)};
    return std::make_unique<ByteLevelBpe>(readVocabulary(field), readMerges(field.at("merges")), options,
                                          field.where());
}

int readId(const JsonField& field, const TokenizerStages& stages) {
    const std::int64_t id = field.integer();
    const auto known = static_cast<int>(id);
    if (id < 0 || id >= (1 << 24) ||
        (stages.model->vocabulary().tokenOf(known) == nullptr && stages.added.tokenOf(known) == nullptr))
        field.fail("no token has id " + std::to_string(id),
                   "Vocabulary and template must come from the same model");
    return known;
}

void readAdded(const JsonField& list, TokenizerStages& stages) {
    const Vocabulary& vocabulary = stages.model->vocabulary();
    const std::vector<JsonField> items = list.items();
    const std::int64_t end = vocabulary.size() + static_cast<std::int64_t>(items.size());
    for (const JsonField& item : items) {
        AddedToken token{item.at("content").text()};
        const std::int64_t id = item.at("id").integer();
        const int known = vocabulary.idOf(token.content);
        if (id < 0 || id >= end)
            item.at("id").fail("got " + std::to_string(id) + ", but vocabulary and added tokens end at " +
                                   std::to_string(end),
                               "Vocabulary and added tokens must come from the same model");
        token.id = static_cast<int>(id);
        const std::string* other = vocabulary.tokenOf(token.id);
        if (other == nullptr) other = stages.added.tokenOf(token.id);
        if ((known >= 0 && known != token.id) || (other != nullptr && *other != token.content))
            item.at("id").fail("\"" + token.content + "\" has id " + std::to_string(id) +
                                   " here, but the vocabulary says " +
                                   (known >= 0 ? std::to_string(known) : "this is \"" + *other + "\""),
                               "Vocabulary and added tokens must come from the same model");
        token.special = item.flag("special", false);
        token.normalized = item.flag("normalized", !token.special);
        token.singleWord = item.flag("single_word", false);
        token.stripLeft = item.flag("lstrip", false);
        token.stripRight = item.flag("rstrip", false);
        stages.added.add(token, stages.normalizer);
    }
}

std::vector<TemplatePart> readTemplate(const JsonField& list, const JsonField& specials,
                                       const TokenizerStages& stages) {
    using Kind = TemplatePart::Kind;
    std::vector<TemplatePart> parts;
    for (const JsonField& item : list.items()) {
        const bool fixed = item.has("SpecialToken");
        const JsonField piece = item.at(fixed ? "SpecialToken" : "Sequence");
        const std::string name = piece.at("id").text();
        if (!fixed && name != "A" && name != "B")
            piece.at("id").fail("got \"" + name + "\", expected A or B");
        const std::int64_t type = piece.at("type_id").integer();
        if (type < 0 || type > 1)
            piece.at("type_id").fail("got " + std::to_string(type) + ", expected 0 or 1");
        TemplatePart part{fixed         ? Kind::Fixed
                          : name == "A" ? Kind::First
                                        : Kind::Second,
                          {},
                          static_cast<int>(type)};
        if (fixed)
            for (const JsonField& id : specials.at(name.c_str()).at("ids").items())
                part.ids.push_back(readId(id, stages));
        parts.push_back(std::move(part));
    }
    return parts;
}

// `done`: a template was read already, and templates of templates are not supported.
void readPostProcessor(const JsonField& field, int depth, TokenizerStages& stages, bool& done) {
    if (readSequence(field, "processors", depth,
                     [&](const JsonField& f, int d) { readPostProcessor(f, d, stages, done); }))
        return;
    using Kind = TemplatePart::Kind;
    const std::string type = typeOf(field);
    if (type == "ByteLevel") return; // moves offsets only
    if (done) field.fail("a second template (" + type + ") in one sequence is not supported");
    if (type == "TemplateProcessing") {
        const JsonField specials = field.at("special_tokens");
        stages.single = readTemplate(field.at("single"), specials, stages);
        stages.pair = readTemplate(field.at("pair"), specials, stages);
    } else if (type == "BertProcessing") {
        const TemplatePart cls{Kind::Fixed, {readId(field.at("cls").at(std::size_t{1}), stages)}, 0};
        const int sep = readId(field.at("sep").at(std::size_t{1}), stages);
        stages.single = {cls, {Kind::First, {}, 0}, {Kind::Fixed, {sep}, 0}};
        stages.pair = stages.single;
        stages.pair.insert(stages.pair.end(), {{Kind::Second, {}, 1}, {Kind::Fixed, {sep}, 1}});
    } else {
        field.refuse(type, "BertProcessing, TemplateProcessing, ByteLevel, Sequence of them, none");
    }
    done = true;
}

void readDecoder(const JsonField& field, TokenizerStages& stages) {
    const std::string type = typeOf(field);
    if (type == "WordPiece") {
        stages.decoder = DecoderKind::WordPiece;
        stages.continuationPrefix = field.textOr("prefix", "##");
        stages.cleanUp = field.flag("cleanup", true);
    } else if (type == "ByteLevel") {
        stages.decoder = DecoderKind::ByteLevel;
    } else {
        field.refuse(type, "WordPiece, ByteLevel, none");
    }
}

} // namespace

TokenizerStages readTokenizerJson(const std::filesystem::path& file) {
    const nlohmann::json document = JsonField::parseFile(file);
    const JsonField root(document, file.string());
    TokenizerStages stages;
    bool bytes = false, templated = false;
    if (root.has("normalizer")) readNormalizer(root.at("normalizer"), 0, stages.normalizer);
    if (root.has("pre_tokenizer")) readPretokenizer(root.at("pre_tokenizer"), 0, stages.pretokenizer, bytes);
    stages.model = readModel(root.at("model"), bytes);
    if (root.has("added_tokens")) readAdded(root.at("added_tokens"), stages);
    if (root.has("post_processor")) readPostProcessor(root.at("post_processor"), 0, stages, templated);
    if (root.has("decoder")) readDecoder(root.at("decoder"), stages);
    if (root.has("padding") && root.at("padding").has("pad_id"))
        stages.pad = readId(root.at("padding").at("pad_id"), stages);
    return stages;
}

} // namespace kurtoscope
