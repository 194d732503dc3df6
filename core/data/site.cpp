// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/site.h"

#include "core/base/error.h"

#include <charconv>

namespace kurtoscope {
namespace {

struct PlaceText {
    std::string_view name, meaning;
};

constexpr std::array<PlaceText, placeCount> placeTexts{{
    {"embedding", "sum of the embeddings that enters the first layer (after its LayerNorm in BERT)"},
    {"attn_input", "input of the query, key and value projections"},
    {"query", "output of the query projection, before any rotary embedding"},
    {"key", "output of the key projection, before any rotary embedding"},
    {"value", "output of the value projection"},
    {"attn_probs", "attention probabilities after softmax; a channel is a key position"},
    {"attn_context", "attention-weighted values: input of the attention's output projection"},
    {"attn_output", "output of the attention's output projection"},
    {"attn_residual", "residual stream after the attention's output was added"},
    {"attn_norm", "output of the LayerNorm after attention (post-norm models: the same tensor as mlp_input)"},
    {"mlp_input", "input of the feed-forward network"},
    {"mlp_hidden", "input of the feed-forward network's last projection, after its activation function"},
    {"mlp_output", "output of the feed-forward network's last projection"},
    {"mlp_residual", "residual stream after the feed-forward output was added"},
    {"mlp_norm", "output of the LayerNorm after the feed-forward network (post-norm models)"},
    {"final_norm", "output of the last norm: the final hidden state"},
    {"logits", "output of the model's head"},
}};

} // namespace

std::string_view placeName(Place place) {
    return placeTexts[static_cast<std::size_t>(place)].name;
}
std::string_view placeMeaning(Place place) {
    return placeTexts[static_cast<std::size_t>(place)].meaning;
}

std::optional<Place> placeFromName(std::string_view name) {
    for (std::size_t i = 0; i < placeCount; ++i)
        if (placeTexts[i].name == name) return static_cast<Place>(i);
    return std::nullopt;
}

const std::array<Place, placeCount>& allPlaces() {
    static const auto places = [] {
        std::array<Place, placeCount> all{};
        for (std::size_t i = 0; i < placeCount; ++i)
            all[i] = static_cast<Place>(i);
        return all;
    }();
    return places;
}

std::string Site::name() const {
    const std::string place_(placeName(place));
    return layer < 0 ? place_ : "layers." + std::to_string(layer) + "." + place_;
}

Site Site::fromName(std::string_view name) {
    constexpr std::string_view prefix = "layers.";
    Site site;
    std::string_view rest = name;
    bool ok = true;
    if (rest.starts_with(prefix)) {
        rest.remove_prefix(prefix.size());
        const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), site.layer);
        ok = code == std::errc() && site.layer >= 0 && end != rest.data() + rest.size() && *end == '.';
        if (ok) rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
    }
    const auto place = placeFromName(rest);
    if (!ok || !place || isPerLayer(*place) != (site.layer >= 0))
        throw Error("no site is called \"" + std::string(name) + "\"", "",
                    "Write it like layers.3.mlp_output, or embedding, final_norm, logits");
    site.place = *place;
    return site;
}

} // namespace kurtoscope
