// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/data_request.h"
#include "core/data/prediction.h"
#include "core/data/recipe.h"

#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

// One text under FP32 and under a recipe, token by token.
struct TextRequest {
    DataRequest data;    // to calibrate on, and where the text comes from when none is given
    std::string text;    // "": the first window of the data
    Recipe recipe;       // fp32 is answered too: nothing differs
    int maxTokens = 256; // what is longer is cut; logits of this many tokens are held at once
    int topCount = 6;    // likeliest entries of either side
};

// A likely entry (next token, token at this place, or class) with its probability on both sides, 0…1.
struct Compared {
    int id = 0;
    std::string name;
    double before = 0, after = 0; // FP32, the recipe
};

struct TextToken {
    std::string text;      // as a person reads it
    double divergence = 0; // see TextReading::measure
    std::vector<Compared>
        top; // union of both sides' likeliest, most likely first; empty without token logits
    // Signal to noise of the stream that leaves each layer, this token alone, dB; ∞ where nothing differs.
    std::vector<float> sqnrDb;
};

struct TextReading {
    enum class Answers : unsigned char { next_token, masked_token, classes, embedding };
    Recipe recipe;      // with its criterion resolved
    std::string source; // the text as given, "" for the data's first window
    Answers answers = Answers::next_token;
    std::string measure; // of each token: "KL (nats)", or "1 − cosine" of the final hidden state
    std::vector<TextToken> tokens;
    int leftOut = 0;               // tokens beyond maxTokens
    std::vector<Compared> classes; // of a classifier, by label
    double divergence = 0;         // of the whole text: mean KL of its tokens, KL of the classes, or …
    std::optional<double> cosine;  // … of the pooled embeddings, for a model without a head
    int layers() const { return tokens.empty() ? 0 : static_cast<int>(tokens.front().sqnrDb.size()); }
};

// The first layer behind which a token's error jumps: where its SQNR lies at least `dropDb` below that of the
// layer before, or for layer 0 below 10 dB. Where it never jumps, the layer with the largest drop; −1 for no
// layers or no error at all.
KURTOSCOPE_API int errorJump(const std::vector<float>& sqnrDb, double dropDb = 6);

} // namespace kurtoscope
