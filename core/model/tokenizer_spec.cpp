// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_spec.h"

#include "core/base/error.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/wordpiece.h"

namespace kurtoscope {
namespace {

using Kind = TemplatePart::Kind;

const char* const sameModel = "Vocabulary and settings must come from the same model";

// −1 stays; else the id must be one of the vocabulary's.
int checkedId(int id, const char* name, const TokenizerSpec& spec, const std::string& where) {
    if (id >= -1 && id < static_cast<int>(spec.tokens.size())) return id;
    throw Error("the " + std::string(name) + " token has id " + std::to_string(id) +
                    ", but the vocabulary has " + std::to_string(spec.tokens.size()) + " tokens",
                where, sameModel);
}

std::unique_ptr<const SubwordModel> makeBpe(const TokenizerSpec& spec, Vocabulary vocabulary,
                                            const std::string& where) {
    ByteLevelBpe::Merges merges;
    merges.reserve(spec.merges.size());
    for (const std::string& line : spec.merges) {
        const std::size_t space = line.find(' ', 1);
        if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos)
            throw Error("merge " + std::to_string(merges.size()) + " is \"" + line +
                            "\", expected two tokens with one space between",
                        where, "The file is damaged; fetch it again");
        merges.emplace_back(line.substr(0, space), line.substr(space + 1));
    }
    // Byte-level models have no use for an unknown token: GGUF names one all the same.
    const ByteLevelBpe::Options options{"", false, spec.ignoreMerges || spec.pattern == "llama3"};
    return std::make_unique<ByteLevelBpe>(std::move(vocabulary), merges, options, where);
}

void addPattern(const TokenizerSpec& spec, Pretokenizer& out, const std::string& where) {
    if (spec.pattern == "smollm") out.addDigits(true);
    if (spec.addPrefixSpace) out.addPrefixSpace();
    if (spec.pattern == "gpt2" || spec.pattern == "smollm")
        out.addPattern(BytePattern::Gpt2);
    else if (spec.pattern == "llama3")
        out.addPattern(BytePattern::Llama3);
    else if (spec.pattern == "qwen2")
        out.addPattern(BytePattern::Qwen2);
    else
        throw Error("the pre-tokenizer \"" + spec.pattern + "\" is not supported", where,
                    "Supported: gpt2, llama3, qwen2, smollm");
}

void addTemplates(const TokenizerSpec& spec, TokenizerStages& stages) {
    const bool begins = spec.addBegin && spec.begin >= 0, ends = spec.addEnd && spec.end >= 0;
    auto wrap = [&](std::vector<TemplatePart>& parts, Kind kind, int typeId, bool begin) {
        if (begin) parts.push_back({Kind::Fixed, {spec.begin}, typeId});
        parts.push_back({kind, {}, typeId});
        if (ends) parts.push_back({Kind::Fixed, {spec.end}, typeId});
    };
    stages.single.clear();
    stages.pair.clear();
    wrap(stages.single, Kind::First, 0, begins);
    wrap(stages.pair, Kind::First, 0, begins);
    // BERT opens a pair once, the others open each of the two.
    wrap(stages.pair, Kind::Second, 1, begins && spec.model == "bpe");
}

} // namespace

TokenizerStages stagesFromSpec(const TokenizerSpec& spec, const std::string& where) {
    TokenizerStages stages;
    Vocabulary vocabulary;
    for (std::size_t id = 0; id < spec.tokens.size(); ++id)
        vocabulary.add(spec.tokens[id], static_cast<std::int64_t>(id), where);
    const int unknown = checkedId(spec.unknown, "unknown", spec, where);
    checkedId(spec.begin, "begin", spec, where);
    checkedId(spec.end, "end", spec, where);
    stages.pad = checkedId(spec.pad, "padding", spec, where);
    if (spec.special.size() > spec.tokens.size() || spec.userDefined.size() > spec.tokens.size())
        throw Error("more tokens are marked special than the vocabulary's " +
                        std::to_string(spec.tokens.size()),
                    where, sameModel);
    if (spec.model == "bpe") {
        addPattern(spec, stages.pretokenizer, where);
        stages.model = makeBpe(spec, std::move(vocabulary), where);
        stages.decoder = DecoderKind::ByteLevel;
    } else if (spec.model == "wordpiece") {
        WordPiece::Options options;
        if (unknown >= 0) options.unknown = spec.tokens[static_cast<std::size_t>(unknown)];
        stages.normalizer.addBert({true, spec.splitChinese, spec.stripAccents, spec.lowercase});
        stages.pretokenizer.addBert();
        stages.model = std::make_unique<WordPiece>(std::move(vocabulary), options, where);
        stages.decoder = DecoderKind::WordPiece;
    } else {
        throw Error("the tokenizer model \"" + spec.model + "\" is not supported", where,
                    "Supported: bpe, wordpiece");
    }
    for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
        const bool special = id < spec.special.size() && spec.special[id];
        if (special || (id < spec.userDefined.size() && spec.userDefined[id]))
            stages.added.add({spec.tokens[id], static_cast<int>(id), special}, stages.normalizer);
    }
    addTemplates(spec, stages);
    return stages;
}

} // namespace kurtoscope
