// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/criterion.h"

#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

namespace kurtoscope {
namespace {

using Kind = Criterion::Kind;
constexpr CriterionKind kinds[] = {
    {Kind::ratio, "ratio", "ratio to the median channel", " ×",
     "A channel whose absmax exceeds this many times the absmax of the median channel of its site.", 20},
    {Kind::magnitude, "magnitude", "magnitude (LLM.int8)", "",
     "A channel with |x| of at least this in ≥ 6 % of tokens of ≥ 25 % of layers.", 6},
    {Kind::sigma, "sigma", "standard deviations", " σ",
     "A channel whose absmax lies more than this many standard deviations of its site from the mean.", 6},
    {Kind::top, "top", "largest per site", " channels",
     "This many channels with the largest absmax at every site.", 4}};

} // namespace

std::span<const CriterionKind> criterionKinds() {
    return kinds;
}

Criterion Criterion::parse(std::string_view text) {
    if (text == "auto") return {};
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    const std::string_view number =
        colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    for (const CriterionKind& known : kinds) {
        if (known.id != name) continue;
        const Kind kind = known.kind;
        double value = 0;
        const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
        const bool whole = kind != Kind::top || value == std::floor(value);
        if (code == std::errc() && end == number.data() + number.size() && std::isfinite(value) &&
            value > 0 && whole)
            return {kind, value};
        throw Error("criterion \"" + std::string(text) + "\" needs a " + (kind == Kind::top ? "whole " : "") +
                        "number above 0 after " + std::string(name) + ":",
                    "", "Write it like ratio:20, top:4, magnitude:6 or sigma:6");
    }
    throw Error("unknown outlier criterion \"" + std::string(text) + "\"", "",
                "Known: auto, ratio:R, top:K, magnitude:M, sigma:S");
}

std::string Criterion::text() const {
    std::array<char, 32> number{};
    const auto [end, code] = std::to_chars(number.data(), number.data() + number.size(), value);
    const auto found = std::find_if(std::begin(kinds), std::end(kinds),
                                    [&](const CriterionKind& known) { return known.kind == kind; });
    return std::string(found->id) + ":" + std::string(number.data(), end);
}

} // namespace kurtoscope
