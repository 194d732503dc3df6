// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <array>
#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kurtoscope {

// The kind of a site, in the order in which a block makes them. The same tensor has one name in every family.
enum class Place : unsigned char {
    embedding,
    attn_input,
    query,
    key,
    value,
    attn_probs,
    attn_context,
    attn_output,
    attn_residual,
    attn_norm,
    mlp_input,
    mlp_hidden,
    mlp_output,
    mlp_residual,
    mlp_norm,
    final_norm,
    logits,
};
inline constexpr std::size_t placeCount = 17;

KURTOSCOPE_API std::string_view placeName(Place place);    // "mlp_output"
KURTOSCOPE_API std::string_view placeMeaning(Place place); // one sentence for tooltips
KURTOSCOPE_API std::optional<Place> placeFromName(std::string_view name);
KURTOSCOPE_API const std::array<Place, placeCount>& allPlaces();
constexpr bool isPerLayer(Place p) {
    return p != Place::embedding && p != Place::final_norm && p != Place::logits;
}

// Where a tensor is seen. `layer` counts from 0; −1 for the places that exist once (embedding, final_norm,
// logits).
struct Site {
    int layer = -1;
    Place place = Place::embedding;

    auto operator<=>(const Site&) const = default;
    KURTOSCOPE_API std::string name() const;                    // "layers.3.mlp_output", "embedding"
    KURTOSCOPE_API static Site fromName(std::string_view name); // throws Error
};

} // namespace kurtoscope

template <>
struct std::hash<kurtoscope::Site> {
    std::size_t operator()(const kurtoscope::Site& site) const noexcept {
        return static_cast<std::size_t>(site.layer + 1) * kurtoscope::placeCount +
               static_cast<std::size_t>(site.place);
    }
};
