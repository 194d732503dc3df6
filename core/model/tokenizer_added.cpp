// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_added.h"

#include "core/base/stop.h"
#include "core/model/tokenizer_unicode.h"

#include <algorithm>
#include <unicode/utf8.h>

namespace kurtoscope {
namespace {

// The code point that ends at `end` (> 0); `end` moves before it.
char32_t readBackwards(std::string_view text, std::size_t& end) {
    do
        --end;
    while (end > 0 && U8_IS_TRAIL(text[end]));
    std::size_t at = end;
    return readCodePoint(text, at);
}

bool touchesWord(std::string_view text, std::size_t start, std::size_t stop) {
    std::size_t before = start, after = stop;
    return (start > 0 && isWordCharacter(readBackwards(text, before))) ||
           (stop < text.size() && isWordCharacter(readCodePoint(text, after)));
}

std::size_t withSpaceBefore(std::string_view text, std::size_t start) {
    for (std::size_t at = start; at > 0 && isSpace(readBackwards(text, at));)
        start = at;
    return start;
}

std::size_t withSpaceAfter(std::string_view text, std::size_t stop) {
    for (std::size_t at = stop; at < text.size() && isSpace(readCodePoint(text, at));)
        stop = at;
    return stop;
}

} // namespace

void AddedTokens::add(const AddedToken& token, const TextNormalizer& normalizer) {
    if (token.content.empty() || ids_.contains(token.content)) return;
    contents_[token.id] = token.content;
    ids_[token.content] = token.id;
    if (token.special) special_.insert(token.content);
    size_ = std::max(size_, token.id + 1);
    std::string spelling = token.normalized ? normalizer.normalize(token.content) : token.content;
    if (spelling.empty()) return;
    auto& bucket = (token.normalized ? normalized_ : raw_)[static_cast<unsigned char>(spelling[0])];
    auto longer = [](const Spelling& a, const Spelling& b) { return a.text.size() > b.text.size(); };
    Spelling entry{std::move(spelling), token};
    bucket.insert(std::upper_bound(bucket.begin(), bucket.end(), entry, longer), std::move(entry));
}

const AddedTokens::Spelling* AddedTokens::longestAt(const Spellings& spellings, std::string_view rest) {
    for (const Spelling& spelling : spellings[static_cast<unsigned char>(rest[0])])
        if (rest.starts_with(spelling.text)) return &spelling;
    return nullptr;
}

std::vector<TextSegment> AddedTokens::cut(std::string_view text, bool normalized,
                                          const std::stop_token& stop) const {
    const Spellings& spellings = normalized ? normalized_ : raw_;
    std::vector<TextSegment> segments;
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
        throwIfStopped(stop);
        const Spelling* found = longestAt(spellings, text.substr(at));
        if (found == nullptr) {
            ++at;
            continue;
        }
        std::size_t start = at, stop = at + found->text.size();
        at = stop; // also when the match is given up: the search never goes back
        if (found->token.singleWord && touchesWord(text, start, stop)) continue;
        if (found->token.stripLeft) start = std::max(withSpaceBefore(text, start), done);
        if (found->token.stripRight) stop = withSpaceAfter(text, stop);
        if (done < start) segments.push_back({text.substr(done, start - done), -1});
        segments.push_back({text.substr(start, stop - start), found->token.id});
        done = stop;
    }
    if (done < text.size()) segments.push_back({text.substr(done), -1});
    return segments;
}

const std::string* AddedTokens::tokenOf(int id) const {
    const auto found = contents_.find(id);
    return found == contents_.end() ? nullptr : &found->second;
}

int AddedTokens::idOf(std::string_view content) const {
    const auto found = ids_.find(std::string(content));
    return found == ids_.end() ? -1 : found->second;
}

} // namespace kurtoscope
