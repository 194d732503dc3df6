// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_pipeline.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/tokenizer_unicode.h"

#include <algorithm>

namespace kurtoscope {
namespace {

// Words recur: each is split into sub-words once per call, so that no state is shared between threads.
class WordCache {
public:
    explicit WordCache(const SubwordModel& model) : model_(model) {}
    void appendIds(std::string_view piece, std::vector<int>& ids, const std::stop_token& stop) {
        if (piece.size() > longest) return model_.appendIds(piece, ids, stop);
        const auto known = words_.find(piece);
        if (known != words_.end()) {
            const auto first = pool_.begin() + known->second.first;
            ids.insert(ids.end(), first, first + known->second.second);
            return;
        }
        const std::size_t before = ids.size();
        model_.appendIds(piece, ids, stop);
        words_.emplace(piece, std::pair(static_cast<std::ptrdiff_t>(pool_.size()),
                                        static_cast<std::ptrdiff_t>(ids.size() - before)));
        pool_.insert(pool_.end(), ids.begin() + static_cast<std::ptrdiff_t>(before), ids.end());
    }

private:
    static constexpr std::size_t longest = 64; // bytes; longer pieces seldom recur
    const SubwordModel& model_;
    TextMap<std::pair<std::ptrdiff_t, std::ptrdiff_t>> words_; // first and count in pool_
    std::vector<int> pool_;
};

void replaceAll(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

// English spacing as BERT's decoder restores it, one token at a time.
void cleanUpSpaces(std::string& token) {
    static constexpr std::pair<std::string_view, std::string_view> rules[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : rules)
        replaceAll(token, from, to);
}

class PipelineTokenizer : public Tokenizer {
public:
    explicit PipelineTokenizer(TokenizerStages stages) : stages_(std::move(stages)) {
        for (const char* name : {"[PAD]", "<pad>", "<|pad|>"})
            if (stages_.pad < 0) stages_.pad = idOf(name);
        stages_.pad = std::max(stages_.pad, 0);
    }

    Encoding encode(std::string_view text, bool addSpecial, std::size_t maxLength,
                    std::stop_token stop) const override {
        std::vector<int> ids = idsOf(text, stop);
        if (maxLength > 0) ids.resize(std::min(ids.size(), room(stages_.single, addSpecial, maxLength)));
        return assemble(stages_.single, addSpecial, ids, {});
    }

    Encoding encodePair(std::string_view first, std::string_view second,
                        std::size_t maxLength) const override {
        std::vector<int> a = idsOf(first, {}), b = idsOf(second, {});
        if (maxLength > 0) cutLongest(a, b, room(stages_.pair, true, maxLength));
        return assemble(stages_.pair, true, a, b);
    }

    std::string decode(const std::vector<int>& ids, bool skipSpecial) const override {
        std::vector<std::string> tokens;
        for (const int id : ids) {
            const std::string* token = tokenOf(id);
            if (token != nullptr && !(skipSpecial && stages_.added.isSpecial(*token)))
                tokens.push_back(*token);
        }
        switch (stages_.decoder) {
        case DecoderKind::WordPiece:
            return joinWordPieces(std::move(tokens));
        case DecoderKind::ByteLevel:
            return joinBytes(tokens);
        case DecoderKind::JoinBySpace:
            break;
        }
        std::string text;
        for (std::size_t i = 0; i < tokens.size(); ++i)
            text += (i == 0 ? "" : " ") + tokens[i];
        return text;
    }

    std::string tokenText(int id) const override {
        if (const std::string* added = stages_.added.tokenOf(id)) return *added;
        const std::string* token = stages_.model->vocabulary().tokenOf(id);
        return token == nullptr ? std::string() : stages_.model->readable(*token);
    }
    int vocabularySize() const override {
        return std::max(stages_.model->vocabulary().size(), stages_.added.size());
    }
    int padId() const override { return stages_.pad; }
    int idOf(std::string_view token) const override {
        const int added = stages_.added.idOf(token);
        return added >= 0 ? added : stages_.model->vocabulary().idOf(token);
    }

private:
    const std::string* tokenOf(int id) const {
        const std::string* added = stages_.added.tokenOf(id);
        return added != nullptr ? added : stages_.model->vocabulary().tokenOf(id);
    }

    std::vector<int> idsOf(std::string_view bytes, const std::stop_token& stop) const {
        const std::string text = repairUtf8(bytes);
        std::vector<int> ids;
        WordCache cache(*stages_.model);
        for (const TextSegment& segment : stages_.added.cut(text, false, stop)) {
            if (segment.id >= 0) {
                ids.push_back(segment.id);
                continue;
            }
            const bool plain = stages_.normalizer.empty();
            const std::string normalized =
                plain ? std::string() : stages_.normalizer.normalize(segment.text, stop);
            for (const TextSegment& part : stages_.added.cut(plain ? segment.text : normalized, true, stop)) {
                if (part.id >= 0) {
                    ids.push_back(part.id);
                    continue;
                }
                const TextPieces pieces = stages_.pretokenizer.split(part.text, stop);
                for (const std::string_view piece : pieces.views) {
                    throwIfStopped(stop);
                    cache.appendIds(piece, ids, stop);
                }
            }
        }
        return ids;
    }

    // How many ids of text fit beside the template's own.
    static std::size_t room(const std::vector<TemplatePart>& parts, bool addSpecial, std::size_t maxLength) {
        std::size_t fixed = 0;
        if (addSpecial)
            for (const TemplatePart& part : parts)
                fixed += part.ids.size();
        if (fixed > maxLength)
            throw Error("a length of " + std::to_string(maxLength) +
                            " was asked for, but the special tokens alone are " + std::to_string(fixed),
                        "tokenizer", "Ask for a greater length");
        return maxLength - fixed;
    }

    // The longer gives first; once equal, both give, the second keeping an odd one (the first when it was
    // longer).
    static void cutLongest(std::vector<int>& a, std::vector<int>& b, std::size_t room) {
        if (a.size() + b.size() <= room) return;
        const bool firstIsLonger = a.size() > b.size();
        std::size_t shorter = std::min(a.size(), b.size());
        std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
        if (shorter + longer > room) {
            shorter = room / 2;
            longer = shorter + room % 2;
        }
        a.resize(std::min(a.size(), firstIsLonger ? longer : shorter));
        b.resize(std::min(b.size(), firstIsLonger ? shorter : longer));
    }

    static Encoding assemble(const std::vector<TemplatePart>& parts, bool addSpecial,
                             const std::vector<int>& a, const std::vector<int>& b) {
        Encoding encoding;
        for (const TemplatePart& part : parts) {
            if (part.kind == TemplatePart::Kind::Fixed && !addSpecial) continue;
            const std::vector<int>& ids = part.kind == TemplatePart::Kind::Fixed   ? part.ids
                                          : part.kind == TemplatePart::Kind::First ? a
                                                                                   : b;
            encoding.ids.insert(encoding.ids.end(), ids.begin(), ids.end());
            encoding.typeIds.resize(encoding.ids.size(), part.typeId);
        }
        return encoding;
    }

    std::string joinWordPieces(std::vector<std::string> tokens) const {
        std::string text;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            std::string& token = tokens[i];
            if (i > 0) {
                if (token.starts_with(stages_.continuationPrefix))
                    token.erase(0, stages_.continuationPrefix.size());
                else
                    token.insert(0, " ");
            }
            if (stages_.cleanUp) cleanUpSpaces(token);
            text += token;
        }
        return text;
    }

    static std::string joinBytes(const std::vector<std::string>& tokens) {
        std::string bytes, part;
        for (const std::string& token : tokens)
            bytes += byteLevelToBytes(token, part) ? part : token;
        return repairUtf8(bytes);
    }

    TokenizerStages stages_;
};

} // namespace

std::shared_ptr<const Tokenizer> makeTokenizer(TokenizerStages stages) {
    return std::make_shared<PipelineTokenizer>(std::move(stages));
}

} // namespace kurtoscope
