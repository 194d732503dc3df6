// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/data_request.h"
#include "core/data/recipe.h"

#include <string>
#include <vector>

namespace kurtoscope {

struct AttentionRequest {
    DataRequest data; // to calibrate on, and where the text comes from when none is given
    std::string text; // "": the first window of the data
    Recipe recipe;
    int layer = 0;
    int maxTokens = 256; // heads × maxTokens² weights are held
};

// What a token is to attention: outliers and attention sinks go together.
enum class TokenRole : unsigned char { word, first, separator, punctuation };

// Where each query's attention goes: the whole map of one layer, and the shares of the sinks in every layer.
struct AttentionReading {
    Recipe recipe;
    std::string source; // the text as given
    int layer = 0, layers = 0, heads = 0;
    bool causal = false;
    int leftOut = 0; // tokens beyond maxTokens
    std::vector<std::string> tokens;
    std::vector<TokenRole> roles;
    std::vector<float> weights; // [head, query, key] of `layer`; 0 where a causal model may not look

    // Share (0…1) of attention that falls on the first token, on separators ([SEP], </s>, <|…|>) and on
    // punctuation, mean over all queries but the first (which in a causal model sees nothing else):
    // [layer, head].
    std::vector<float> toFirst, toSeparators, toPunctuation;
    // The same if every query looked at all it may see alike.
    double evenFirst = 0, evenSeparators = 0, evenPunctuation = 0;

    int length() const { return static_cast<int>(tokens.size()); }
    float weight(int head, int query, int key) const {
        const auto n = tokens.size();
        return weights[(static_cast<std::size_t>(head) * n + static_cast<std::size_t>(query)) * n +
                       static_cast<std::size_t>(key)];
    }
    float share(const std::vector<float>& of, int atLayer, int head) const {
        return of[static_cast<std::size_t>(atLayer) * static_cast<std::size_t>(heads) +
                  static_cast<std::size_t>(head)];
    }
};

} // namespace kurtoscope
