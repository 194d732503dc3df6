// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

// The byte-level patterns matched by hand, by the family that brought each.
enum class BytePattern : unsigned char {
    Gpt2,   // contractions, letters, numbers, the rest: each with one leading space
    Llama3, // any one leading mark before letters, numbers by three, line ends with what precedes them
    Qwen2,  // the same with single digits
};
// The regular expression of a pattern as tokenizer.json writes it.
KURTOSCOPE_API const char* bytePatternText(BytePattern pattern);
// End of the match of `pattern` that starts at `start` (< text.size()); always moves on.
std::size_t matchBytePattern(BytePattern pattern, std::string_view text, std::size_t start);

enum class SplitBehavior : unsigned char {
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous
};

// Pieces of a text that tokens never cross. Views point into the text or into `owned`.
struct TextPieces {
    std::vector<std::string_view> views;
    std::deque<std::string> owned;
};

// Cuts a normalized text into pieces by steps in order. Immutable once built; any thread.
class KURTOSCOPE_API Pretokenizer {
public:
    void addBert();                       // white space dropped, punctuation marks alone
    void addDigits(bool individual);      // numbers apart from the rest
    void addPattern(BytePattern pattern); // cuts as the pattern matches
    void addPrefixSpace();                // every piece so far starts with a space
    // Throws Error naming `where` when ICU cannot read the expression. `invert`: what lies between matches
    // counts.
    void addRegex(const std::string& expression, SplitBehavior behavior, bool invert,
                  const std::string& where);
    void addLiteral(const std::string& separator, SplitBehavior behavior, bool invert);

    // `text` must outlive the pieces. Throws Error when an expression runs into ICU's memory or time limit;
    // Cancelled.
    TextPieces split(std::string_view text, const std::stop_token& stop = {}) const;

private:
    using Step = std::function<void(std::string_view, TextPieces&, const std::stop_token&)>;
    std::vector<Step> steps_;
};

} // namespace kurtoscope
