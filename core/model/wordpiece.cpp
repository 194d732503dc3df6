// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/wordpiece.h"

#include "core/base/error.h"
#include "core/model/tokenizer_unicode.h"

namespace kurtoscope {

WordPiece::WordPiece(Vocabulary vocabulary, Options options, const std::string& where)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      unknownId_(vocabulary_.idOf(options_.unknown)) {
    if (unknownId_ < 0)
        throw Error("the unknown token \"" + options_.unknown + "\" is not in the vocabulary", where,
                    "The file is damaged; fetch it again");
    for (const auto& [token, id] : vocabulary_.ids())
        if (token.starts_with(options_.prefix))
            continuations_.emplace(token.substr(options_.prefix.size()), id);
}

void WordPiece::appendIds(std::string_view piece, std::vector<int>& ids, const std::stop_token&) const {
    // Bytes first: a word of b bytes has at least b / 4 characters, so huge ones are not even counted.
    if (piece.size() / 4 > options_.longestWord || countCodePoints(piece) > options_.longestWord) {
        ids.push_back(unknownId_);
        return;
    }
    const std::size_t before = ids.size();
    for (std::size_t start = 0; start < piece.size();) {
        const TextMap<int>& tokens = start == 0 ? vocabulary_.ids() : continuations_;
        std::size_t end = piece.size();
        auto found = tokens.end();
        while (end > start && (found = tokens.find(piece.substr(start, end - start))) == tokens.end()) {
            do
                --end;
            while (end > start && U8_IS_TRAIL(piece[end]));
        }
        if (end == start) {
            ids.resize(before);
            ids.push_back(unknownId_);
            return;
        }
        ids.push_back(found->second);
        start = end;
    }
}

std::string WordPiece::readable(const std::string& token) const {
    const bool continues = token.size() > options_.prefix.size() && token.starts_with(options_.prefix);
    return continues ? token.substr(options_.prefix.size()) : token;
}

} // namespace kurtoscope
