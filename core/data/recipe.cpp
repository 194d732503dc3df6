// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/recipe.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/data/criterion.h"
#include "core/data/recipe_json.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

namespace kurtoscope {
namespace {

constexpr const char* form =
    "Write it like w8a8:activation=per-token,keep=ratio:20, or give a recipe file made by kurtoscope";

std::optional<Scope> scopeFromName(std::string_view name) {
    for (const Scope scope : {Scope::linear_inputs, Scope::all_activations})
        if (scopeName(scope) == name) return scope;
    return std::nullopt;
}

bool isWord(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.';
    });
}

// The value of a parameter may also be a list of sites or a number with a sign.
bool isValue(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char c) { return c == '/' || isWord(std::string_view(&c, 1)); });
}

bool isFile(std::string_view name) {
    std::error_code code;
    return std::filesystem::is_regular_file(std::filesystem::path(name), code);
}

void readKeep(Recipe& recipe, std::string_view value) {
    if (isFile(value) || value.ends_with(".json")) {
        const std::string file(value);
        recipe.kept = keptFromJson(readFile(file), file);
        return;
    }
    try {
        recipe.keep = value == "auto" ? "auto" : Criterion::parse(value).text();
    } catch (const Error& error) {
        throw Error(error.message(), "keep=" + std::string(value),
                    error.hint() + "; or name a file of kept channels");
    }
}

int countIn(std::string_view value, const char* what, const std::string& where) {
    int count = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), count);
    if (code != std::errc() || end != value.data() + value.size() || count < 1)
        throw Error(what, where, form);
    return count;
}

void readPair(Recipe& recipe, RecipePart& part, std::string_view piece,
              std::set<std::string, std::less<>>& seen) {
    const std::size_t equals = piece.find('=');
    const std::string_view key = piece.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    const std::string where = "\"" + std::string(piece) + "\"";
    if (!isWord(key) || value.empty()) throw Error("a recipe needs key=value here", where, form);
    const bool whole = key == "scope" || key == "keep" || key == "samples" ||
                       key == "sample_seed"; // of the recipe, whichever scheme they stand behind
    if (!seen.emplace(whole ? std::string(key) : part.scheme + ":" + std::string(key)).second)
        throw Error("the key " + std::string(key) + " is given twice", where, form);
    if (key == "scope") {
        const auto scope = scopeFromName(value);
        if (!scope)
            throw Error("no scope is called " + std::string(value), where,
                        "Known: linear-inputs, all-activations");
        recipe.scope = *scope;
    } else if (key == "keep") {
        readKeep(recipe, value);
    } else if (key == "samples") {
        recipe.samples = countIn(value, "samples is a number of calibration windows, 1 or more", where);
    } else if (key == "sample_seed") {
        recipe.sampleSeed = countIn(value, "sample_seed is a number, 1 or more", where);
    } else if (isValue(value)) {
        part.parameters.emplace(key, value);
    } else {
        throw Error("a parameter's value is letters, digits, points, dashes, underscores and slashes", where,
                    form);
    }
}

// A '+' begins the next scheme unless it stands inside the name of a file that exists ("keep=a+b.json").
std::size_t endOfPart(std::string_view text, std::size_t begin) {
    for (std::size_t plus = text.find('+', begin); plus != std::string_view::npos;
         plus = text.find('+', plus + 1)) {
        const std::size_t keep = text.rfind("keep=", plus);
        if (keep == std::string_view::npos || keep < begin) return plus;
        const std::size_t comma = text.find(',', keep);
        if (comma < plus || !isFile(text.substr(keep + 5, comma - keep - 5))) return plus;
    }
    return std::string_view::npos;
}

// "scheme[:key=value,…]"; scope and keep go to the recipe.
RecipePart readPart(Recipe& recipe, std::string_view piece, std::string_view text,
                    std::set<std::string, std::less<>>& seen) {
    RecipePart part;
    const std::size_t colon = piece.find(':');
    part.scheme = piece.substr(0, colon);
    if (!isWord(part.scheme))
        throw Error("a recipe begins with a scheme's id", "\"" + std::string(text) + "\"", form);
    for (std::size_t begin = colon; begin != std::string_view::npos;) {
        const std::size_t comma = piece.find(',', begin + 1);
        readPair(recipe, part, piece.substr(begin + 1, comma - begin - 1), seen);
        begin = comma;
    }
    return part;
}

std::string partText(const RecipePart& part, const std::string& more = "") {
    std::string pairs;
    for (const auto& [key, value] : part.parameters)
        pairs.append(pairs.empty() ? ":" : ",").append(key).append("=").append(value);
    if (!more.empty()) pairs.append(pairs.empty() ? ":" : ",").append(more);
    return part.scheme + pairs;
}

void mix(std::size_t& seed, std::size_t value) {
    seed ^= value + 0x9e3779b97f4a7c15ULL + (seed << 6) +
            (seed >> 2); // golden ratio: spreads neighbouring values
}

} // namespace

std::string_view scopeName(Scope scope) {
    return scope == Scope::linear_inputs ? "linear-inputs" : "all-activations";
}

std::size_t Recipe::hash() const {
    const std::hash<std::string> text;
    std::size_t seed = 0;
    for (const RecipePart& part : parts())
        mix(seed, text(partText(part)));
    mix(seed, static_cast<std::size_t>(scope));
    mix(seed, text(keep));
    mix(seed, static_cast<std::size_t>(samples));
    mix(seed, static_cast<std::size_t>(sampleSeed));
    for (const auto& [site, channels] : kept) {
        mix(seed, std::hash<Site>()(site));
        mix(seed, channels.size());
        for (const int channel : channels)
            mix(seed, static_cast<std::size_t>(channel));
    }
    mix(seed, kept.size());
    for (const Site site : highPrecision)
        mix(seed, std::hash<Site>()(site));
    for (const auto& [site, count] : bits) {
        mix(seed, std::hash<Site>()(site));
        mix(seed, static_cast<std::size_t>(count));
    }
    for (const auto& [site, range] : ranges) {
        mix(seed, std::hash<Site>()(site));
        mix(seed, std::hash<float>()(range.low));
        mix(seed, std::hash<float>()(range.high));
    }
    return seed;
}

std::size_t Recipe::keptCount() const {
    return channelCount(kept);
}

void Recipe::setKept(Site site, int channel, bool on) {
    if (on) {
        kept[site].insert(channel);
    } else if (const auto found = kept.find(site); found != kept.end()) {
        found->second.erase(channel);
        if (found->second.empty()) kept.erase(found);
    }
}

std::string Recipe::toJson() const {
    return recipeToJson(*this);
}

Recipe Recipe::fromJson(std::string_view json, const std::string& where) {
    return recipeFromJson(json, where);
}

Recipe Recipe::parse(std::string_view text) {
    const bool fileName =
        text.ends_with(".json") && text.find('=') == std::string_view::npos; // not keep=FILE.json
    if (isFile(text) || fileName) return fromJson(readFile(std::string(text)), std::string(text));
    Recipe recipe;
    std::set<std::string, std::less<>> seen, schemes;
    for (std::size_t begin = 0;;) {
        const std::size_t end = endOfPart(text, begin);
        RecipePart part = readPart(recipe, text.substr(begin, end - begin), text, seen);
        if (!schemes.insert(part.scheme).second)
            throw Error("the scheme " + part.scheme + " is given twice", "\"" + std::string(text) + "\"",
                        form);
        if (begin == 0)
            static_cast<RecipePart&>(recipe) = std::move(part);
        else
            recipe.with.push_back(std::move(part));
        if (end == std::string_view::npos) return recipe;
        begin = end + 1;
    }
}

std::string Recipe::text() const {
    std::string more;
    if (scope != Scope::linear_inputs) more.append("scope=").append(scopeName(scope));
    if (!keep.empty()) more.append(more.empty() ? "" : ",").append("keep=").append(keep);
    if (samples > 0) more.append(more.empty() ? "" : ",").append("samples=").append(std::to_string(samples));
    if (sampleSeed > 0)
        more.append(more.empty() ? "" : ",").append("sample_seed=").append(std::to_string(sampleSeed));
    std::string text = partText(*this, more);
    for (const RecipePart& part : with)
        text.append("+").append(partText(part));
    return text;
}

std::vector<RecipePart> Recipe::parts() const {
    std::vector<RecipePart> all{*this};
    all.insert(all.end(), with.begin(), with.end());
    return all;
}

} // namespace kurtoscope
