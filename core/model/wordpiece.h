// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tokenizer_vocabulary.h"

namespace kurtoscope {

// BERT's sub-words: the longest token that starts the word, then the longest that continues it, to the end;
// the unknown token for the whole word when that fails or the word is too long.
class WordPiece : public SubwordModel {
public:
    struct Options {
        std::string unknown = "[UNK]";
        std::string prefix = "##";     // of a token that continues a word
        std::size_t longestWord = 100; // in code points
    };
    // Throws Error naming `where` when the unknown token has no id.
    WordPiece(Vocabulary vocabulary, Options options, const std::string& where);

    void appendIds(std::string_view piece, std::vector<int>& ids, const std::stop_token& stop) const override;
    std::string readable(const std::string& token) const override;
    const Vocabulary& vocabulary() const override { return vocabulary_; }

private:
    Vocabulary vocabulary_;
    Options options_;
    int unknownId_;
    TextMap<int> continuations_; // without their prefix
};

} // namespace kurtoscope
