// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/model/tokenizer_vocabulary.h"

#include <array>
#include <utility>

namespace kurtoscope {

// The printable stand-ins of GPT-2 for bytes. byteLevelToBytes gives false, and leaves `bytes` unsaid, when a
// character of `token` stands for no byte.
KURTOSCOPE_API std::string byteLevelText(std::string_view bytes);
KURTOSCOPE_API bool byteLevelToBytes(std::string_view token, std::string& bytes);

// Byte-pair encoding over bytes: the pair of neighbours with the lowest rank is joined, leftmost first, until
// none is left. A byte without a token is the unknown token, or dropped where the model has none.
class ByteLevelBpe : public SubwordModel {
public:
    using Merges = std::vector<std::pair<std::string, std::string>>; // in rank order
    struct Options {
        std::string unknown;       // empty: none
        bool fuseUnknown = false;  // neighbouring unknown bytes become one token
        bool ignoreMerges = false; // a piece that is itself a token is taken whole
    };
    // Throws Error naming `where`: a merge of or into tokens that are not in the vocabulary.
    ByteLevelBpe(Vocabulary vocabulary, const Merges& merges, const Options& options,
                 const std::string& where);

    void appendIds(std::string_view piece, std::vector<int>& ids, const std::stop_token& stop) const override;
    std::string readable(const std::string& token) const override;
    const Vocabulary& vocabulary() const override { return vocabulary_; }

private:
    struct Merge {
        int rank, result;
    };
    const Merge* mergeOf(int left, int right) const;
    std::vector<int> symbols(std::string_view piece) const;

    Vocabulary vocabulary_;
    Options options_;
    int unknownId_ = -1;
    std::array<int, 256> byteIds_{};
    std::unordered_map<std::uint64_t, Merge> merges_;
};

} // namespace kurtoscope
