// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/pretokenizer.h"
#include "core/model/tokenizer.h"
#include "core/model/tokenizer_added.h"
#include "core/model/tokenizer_normalizer.h"
#include "core/model/tokenizer_vocabulary.h"

#include <memory>
#include <vector>

namespace kurtoscope {

// What stands where in the finished sequence: fixed ids, or the first or second text.
struct TemplatePart {
    enum class Kind : unsigned char { Fixed, First, Second };
    Kind kind = Kind::Fixed;
    std::vector<int> ids; // of Fixed
    int typeId = 0;
};

enum class DecoderKind : unsigned char { JoinBySpace, WordPiece, ByteLevel };

// The stages of a tokenizer, as its files describe them.
struct TokenizerStages {
    TextNormalizer normalizer;
    Pretokenizer pretokenizer;
    std::unique_ptr<const SubwordModel> model;
    AddedTokens added;
    std::vector<TemplatePart> single = {{TemplatePart::Kind::First, {}, 0}};
    std::vector<TemplatePart> pair = {{TemplatePart::Kind::First, {}, 0},
                                      {TemplatePart::Kind::Second, {}, 1}};
    DecoderKind decoder = DecoderKind::JoinBySpace;
    std::string continuationPrefix = "##"; // of DecoderKind::WordPiece
    bool cleanUp = true;                   // of DecoderKind::WordPiece: no space before punctuation
    int pad = -1;                          // −1: looked up by the usual names
};

std::shared_ptr<const Tokenizer> makeTokenizer(TokenizerStages stages);

} // namespace kurtoscope
