// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/bpe_trainer.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/pretokenizer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <queue>
#include <set>
#include <unordered_map>
#include <vector>

namespace kurtoscope {
namespace {

constexpr const char* endOfText = "<|endoftext|>";

using Pair = std::pair<int, int>;

struct Word {
    std::vector<int> ids;
    std::int64_t count = 0;
};

// A candidate merge as it was counted when it went into the queue; it is counted again when it comes out.
struct Candidate {
    std::int64_t count;
    Pair pair;
    bool operator<(const Candidate& other) const {
        return count != other.count ? count < other.count : pair > other.pair;
    }
};

// The stand-ins of all bytes, in order of their code points.
std::vector<std::string> alphabet() {
    std::vector<std::string> all;
    for (int byte = 0; byte < 256; ++byte)
        all.push_back(byteLevelText(std::string(1, static_cast<char>(byte))));
    std::sort(all.begin(), all.end()); // UTF-8 sorts as its code points do
    return all;
}

std::unordered_map<std::string, std::int64_t> countPieces(std::string_view text,
                                                          const std::stop_token& stop) {
    Pretokenizer pretokenizer;
    pretokenizer.addPattern(BytePattern::Gpt2);
    std::unordered_map<std::string, std::int64_t> counts;
    // Line by line, so that a large text is never held twice. A piece crosses no line but by the white space
    // before it.
    constexpr std::size_t share = 1 << 20;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = std::min(begin + share, text.size());
        if (end < text.size()) {
            const std::size_t line = text.find('\n', end);
            end = line == std::string_view::npos ? text.size() : line + 1;
            while (end < text.size() && (text[end] == '\n' || text[end] == ' ' || text[end] == '\t'))
                ++end;
            if (end < text.size()) --end; // one space goes with the word behind it
        }
        throwIfStopped(stop);
        for (const std::string_view piece : pretokenizer.split(text.substr(begin, end - begin), stop).views)
            ++counts[std::string(piece)];
        begin = end;
    }
    return counts;
}

class Merger {
public:
    explicit Merger(std::vector<Word> words) : words_(std::move(words)) {
        for (std::size_t w = 0; w < words_.size(); ++w)
            for (std::size_t i = 0; i + 1 < words_[w].ids.size(); ++i)
                change({words_[w].ids[i], words_[w].ids[i + 1]}, words_[w].count, w);
        for (const auto& [pair, count] : counts_)
            queue_.push({count, pair});
    }

    // The most frequent pair; false when none is left.
    bool next(Pair& pair) {
        while (!queue_.empty()) {
            const Candidate top = queue_.top();
            queue_.pop();
            const std::int64_t now = counts_[top.pair];
            if (now != top.count) {
                if (now > 0) queue_.push({now, top.pair});
                continue;
            }
            if (now < 1) return false;
            pair = top.pair;
            return true;
        }
        return false;
    }

    void merge(Pair pair, int made) {
        const std::set<std::size_t> where = std::move(where_[pair]);
        std::set<Pair> grown;
        for (const std::size_t w : where) {
            Word& word = words_[w];
            for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
                if (word.ids[i] != pair.first || word.ids[i + 1] != pair.second) continue;
                const auto swap = [&](Pair gone, Pair come) {
                    change(gone, -word.count, w);
                    change(come, word.count, w);
                    grown.insert(come);
                };
                if (i > 0) swap({word.ids[i - 1], pair.first}, {word.ids[i - 1], made});
                if (i + 2 < word.ids.size()) swap({pair.second, word.ids[i + 2]}, {made, word.ids[i + 2]});
                word.ids[i] = made;
                word.ids.erase(word.ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            }
        }
        counts_[pair] = 0;
        for (const Pair& one : grown)
            if (counts_[one] > 0) queue_.push({counts_[one], one});
    }

private:
    void change(Pair pair, std::int64_t by, std::size_t word) {
        counts_[pair] += by;
        if (by > 0) where_[pair].insert(word);
    }

    std::vector<Word> words_;
    std::map<Pair, std::int64_t> counts_;
    std::map<Pair, std::set<std::size_t>> where_; // words that hold the pair, or once held it
    std::priority_queue<Candidate> queue_;
};

} // namespace

std::string trainByteLevelBpe(std::string_view text, int vocabulary, std::stop_token stop) {
    std::vector<std::string> tokens{endOfText};
    for (std::string& one : alphabet())
        tokens.push_back(std::move(one));
    if (vocabulary < static_cast<int>(tokens.size()))
        throw Error("a vocabulary of " + std::to_string(vocabulary) + " tokens was asked for", "",
                    "257 is the least: 256 bytes and " + std::string(endOfText));
    std::unordered_map<std::string, int> ids;
    for (std::size_t i = 0; i < tokens.size(); ++i)
        ids[tokens[i]] = static_cast<int>(i);
    std::vector<Word> words;
    for (const auto& [piece, count] : countPieces(text, stop)) {
        Word word;
        word.count = count;
        for (const char byte : piece)
            word.ids.push_back(ids.at(byteLevelText(std::string(1, byte))));
        words.push_back(std::move(word));
    }
    Merger merger(std::move(words));
    auto merges = nlohmann::ordered_json::array();
    Pair pair;
    while (static_cast<int>(tokens.size()) < vocabulary && merger.next(pair)) {
        throwIfStopped(stop);
        const std::string &left = tokens[static_cast<std::size_t>(pair.first)],
                          &right = tokens[static_cast<std::size_t>(pair.second)];
        merges.push_back({left, right});
        const std::string made = left + right;
        // Two ways to the same text make one token.
        const auto [known, isNew] = ids.emplace(made, static_cast<int>(tokens.size()));
        if (isNew) tokens.push_back(made);
        merger.merge(pair, known->second);
    }
    nlohmann::ordered_json json{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
    json["added_tokens"] = {{{"id", 0},
                             {"content", endOfText},
                             {"single_word", false},
                             {"lstrip", false},
                             {"rstrip", false},
                             {"normalized", false},
                             {"special", true}}};
    json["normalizer"] = nullptr;
    const nlohmann::ordered_json bytes{
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    json["pre_tokenizer"] = bytes;
    json["post_processor"] = nullptr;
    json["decoder"] = bytes;
    auto& model = json["model"] = {{"type", "BPE"},
                                   {"dropout", nullptr},
                                   {"unk_token", nullptr},
                                   {"continuing_subword_prefix", nullptr},
                                   {"end_of_word_suffix", nullptr},
                                   {"fuse_unk", false},
                                   {"byte_fallback", false},
                                   {"ignore_merges", false}};
    for (std::size_t i = 0; i < tokens.size(); ++i)
        model["vocab"][tokens[i]] = i;
    model["merges"] = std::move(merges);
    return json.dump(1) + "\n";
}

std::string tokenizerConfig(int maxLength) {
    const nlohmann::ordered_json json{{"add_bos_token", false},
                                      {"bos_token", endOfText},
                                      {"eos_token", endOfText},
                                      {"model_max_length", maxLength},
                                      {"tokenizer_class", "PreTrainedTokenizerFast"}};
    return json.dump(2) + "\n";
}

} // namespace kurtoscope
