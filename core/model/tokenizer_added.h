// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tokenizer_normalizer.h"

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kurtoscope {

// A token matched whole in the text, before it is cut into pieces.
struct AddedToken {
    std::string content;
    int id = 0;
    bool special = true;     // left out by decode(…, skipSpecial)
    bool normalized = false; // looked for after normalization, in its own normalized spelling
    bool singleWord = false; // only where no word character touches it
    bool stripLeft = false, stripRight = false; // takes white space beside it along
};

// A stretch of text, or the added token found there.
struct TextSegment {
    std::string_view text;
    int id = -1; // −1: plain text
};

// Finds added tokens: at each place the longest, then on behind it. Immutable once built; any thread.
class AddedTokens {
public:
    void add(const AddedToken& token, const TextNormalizer& normalizer);
    // Cuts a text before it is normalized (tokens with normalized = false), or after.
    // Throws Cancelled.
    std::vector<TextSegment> cut(std::string_view text, bool normalized, const std::stop_token& stop) const;

    bool isSpecial(std::string_view content) const { return special_.contains(content); }
    const std::string* tokenOf(int id) const; // null when absent
    int idOf(std::string_view content) const; // −1 when absent
    int size() const { return size_; }        // largest id + 1

private:
    struct Spelling {
        std::string text;
        AddedToken token;
    };
    using Spellings = std::array<std::vector<Spelling>, 256>; // by first byte, longest first
    static const Spelling* longestAt(const Spellings& spellings, std::string_view rest);

    Spellings raw_, normalized_;
    std::set<std::string, std::less<>> special_;
    std::unordered_map<int, std::string> contents_;
    std::unordered_map<std::string, int> ids_;
    int size_ = 0;
};

} // namespace kurtoscope
