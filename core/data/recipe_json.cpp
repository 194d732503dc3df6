// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/recipe_json.h"

#include "core/base/error.h"
#include "core/data/criterion.h"
#include "core/data/strict_json.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <limits>

namespace kurtoscope {
namespace {

using nlohmann::json;

constexpr int schemaVersion = 1;
constexpr const char* schemaHint = "See resources/recipe.schema.json for what a recipe may hold";

[[noreturn]] void fail(const std::string& what, const std::string& where, const std::string& key) {
    throw Error(what, key.empty() ? where : where + ", " + key, schemaHint);
}

std::string typeOf(const json& value) {
    return std::string("got ") + value.type_name();
}

std::string textOf(const json& value, const std::string& where, const std::string& key) {
    if (!value.is_string()) fail("text was expected, " + typeOf(value), where, key);
    return value.get<std::string>();
}

Site siteOf(const std::string& name, const std::string& where, const std::string& key) {
    try {
        return Site::fromName(name);
    } catch (const Error& error) {
        throw Error(error.message(), where + ", " + key, error.hint());
    }
}

std::set<int> channelsOf(const json& value, const std::string& where, const std::string& key) {
    if (!value.is_array()) fail("a list of channel numbers was expected, " + typeOf(value), where, key);
    std::set<int> channels;
    for (const json& entry : value) {
        if (!entry.is_number_integer())
            fail("a channel number was expected, got " + entry.dump(), where, key);
        const bool fits =
            entry.is_number_unsigned() &&
            entry.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<int>::max());
        if (!fits) fail("a channel number from 0 was expected, got " + entry.dump(), where, key);
        if (!channels.insert(entry.get<int>()).second)
            fail("channel " + entry.dump() + " is given twice", where, key);
    }
    return channels;
}

std::map<Site, std::set<int>> keptOf(const json& value, const std::string& where, const std::string& prefix) {
    if (!value.is_object())
        fail("sites with lists of channels were expected, " + typeOf(value), where, prefix);
    std::map<Site, std::set<int>> kept;
    for (const auto& [name, channels] : value.items()) {
        const std::string key = prefix.empty() ? name : prefix + "." + name;
        const Site site = siteOf(name, where, key);
        std::set<int> numbers = channelsOf(channels, where, key);
        if (!numbers.empty()) kept[site] = std::move(numbers);
    }
    return kept;
}

std::string keepOf(const json& value, const std::string& where) {
    std::string keep = textOf(value, where, "keep");
    if (keep.empty() || keep == "auto") return keep;
    try {
        return Criterion::parse(keep).text();
    } catch (const Error& error) {
        throw Error(error.message(), where + ", keep", error.hint());
    }
}

// Reads `key` when it belongs to a scheme and what it is told; false when it does not.
bool readPartKey(RecipePart& part, const std::string& key, const json& value, const std::string& where,
                 const std::string& at) {
    if (key == "scheme") {
        part.scheme = textOf(value, where, at);
        if (part.scheme.empty()) fail("a scheme's id was expected, got nothing", where, at);
    } else if (key == "parameters") {
        if (!value.is_object())
            fail("parameters with their values were expected, " + typeOf(value), where, at);
        for (const auto& [name, setting] : value.items())
            part.parameters[name] = textOf(setting, where, at + "." + name);
    } else {
        return false;
    }
    return true;
}

RecipePart partOf(const json& value, const std::string& where, const std::string& at) {
    if (!value.is_object()) fail("a scheme with its parameters was expected, " + typeOf(value), where, at);
    if (!value.contains("scheme")) fail("the key \"scheme\" is missing", where, at);
    RecipePart part;
    for (const auto& [key, entry] : value.items())
        if (!readPartKey(part, key, entry, where, at + "." + key))
            fail("unknown key \"" + key + "\"", where, at);
    return part;
}

StaticRange rangeOf(const json& value, const std::string& where, const std::string& key) {
    const bool pair = value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
    if (!pair) fail("two numbers, lowest and highest, were expected, " + typeOf(value), where, key);
    const StaticRange range{value[0].get<float>(), value[1].get<float>()};
    if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high)
        fail("a lowest and a highest number were expected, got " + value.dump(), where, key);
    return range;
}

// The shortest digits that read back as the same float.
std::string digitsOf(float value) {
    char buffer[32];
    const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
    return {buffer, end};
}

// Quoted and escaped; a name that is not UTF-8 gets replacement signs rather than an exception.
std::string jsonText(std::string_view text) {
    return json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class Range, class Text>
std::string listed(const Range& range, const char* separator, const Text& text) {
    std::string list;
    for (const auto& entry : range)
        list += (list.empty() ? "" : separator) + text(entry);
    return list;
}

} // namespace

std::string recipeToJson(const Recipe& recipe) {
    const auto parametersText = [](const RecipePart& part) {
        return "{" +
               listed(
                   part.parameters, ", ",
                   [](const auto& entry) { return jsonText(entry.first) + ": " + jsonText(entry.second); }) +
               "}";
    };
    const std::string with = listed(recipe.with, ",\n", [&](const RecipePart& part) {
        return "    {\"scheme\": " + jsonText(part.scheme) + ", \"parameters\": " + parametersText(part) +
               "}";
    });
    const std::string bits = listed(recipe.bits, ", ", [](const auto& entry) {
        return jsonText(entry.first.name()) + ": " + std::to_string(entry.second);
    });
    const std::string kept = listed(recipe.kept, ",\n", [](const auto& entry) {
        return "    " + jsonText(entry.first.name()) + ": [" +
               listed(entry.second, ", ", [](int channel) { return std::to_string(channel); }) + "]";
    });
    const std::string ranges = listed(recipe.ranges, ",\n", [](const auto& entry) {
        return "    " + jsonText(entry.first.name()) + ": [" + digitsOf(entry.second.low) + ", " +
               digitsOf(entry.second.high) + "]";
    });
    const std::string whole =
        listed(recipe.highPrecision, ", ", [](Site site) { return jsonText(site.name()); });
    return "{\n  \"schema\": " + std::to_string(schemaVersion) +
           ",\n  \"scheme\": " + jsonText(recipe.scheme) + ",\n  \"parameters\": " + parametersText(recipe) +
           (with.empty() ? "" : ",\n  \"with\": [\n" + with + "\n  ]") +
           ",\n  \"scope\": " + jsonText(scopeName(recipe.scope)) +
           ",\n  \"keep\": " + jsonText(recipe.keep) + ",\n  \"kept\": {" +
           (kept.empty() ? "" : "\n" + kept + "\n  ") + "},\n  \"high_precision\": [" + whole + "]" +
           (bits.empty() ? "" : ",\n  \"bits\": {" + bits + "}") +
           (ranges.empty() ? "" : ",\n  \"ranges\": {\n" + ranges + "\n  }") +
           (recipe.samples > 0 ? ",\n  \"samples\": " + std::to_string(recipe.samples) : "") +
           (recipe.sampleSeed > 0 ? ",\n  \"sample_seed\": " + std::to_string(recipe.sampleSeed) : "") +
           "\n}\n";
}

Recipe recipeFromJson(std::string_view text, const std::string& where) {
    const json object = parseStrictObject(text, where, schemaHint);
    Recipe recipe;
    for (const auto& [key, value] : object.items()) {
        if (key == "schema") {
            if (value != schemaVersion) fail("schema 1 was expected, got " + value.dump(), where, key);
        } else if (readPartKey(recipe, key, value, where, key)) {
            continue;
        } else if (key == "with") {
            if (!value.is_array())
                fail("a list of further schemes was expected, " + typeOf(value), where, key);
            for (const json& entry : value)
                recipe.with.push_back(
                    partOf(entry, where, key + "[" + std::to_string(recipe.with.size()) + "]"));
        } else if (key == "scope") {
            const std::string name = textOf(value, where, key);
            if (name == scopeName(Scope::all_activations))
                recipe.scope = Scope::all_activations;
            else if (name != scopeName(Scope::linear_inputs))
                fail("linear-inputs or all-activations was expected, got " + name, where, key);
        } else if (key == "keep") {
            recipe.keep = keepOf(value, where);
        } else if (key == "kept") {
            recipe.kept = keptOf(value, where, key);
        } else if (key == "high_precision") {
            if (!value.is_array()) fail("a list of sites was expected, " + typeOf(value), where, key);
            for (const json& name : value)
                recipe.highPrecision.insert(siteOf(textOf(name, where, key), where, key));
        } else if (key == "samples") {
            if (!value.is_number_integer() || value < 1 || value > 1'000'000)
                fail("a number of calibration windows from 1 was expected, got " + value.dump(), where, key);
            recipe.samples = value.get<int>();
        } else if (key == "sample_seed") {
            if (!value.is_number_integer() || value < 1 || value > 1'000'000)
                fail("a seed from 1 was expected, got " + value.dump(), where, key);
            recipe.sampleSeed = value.get<int>();
        } else if (key == "ranges") {
            if (!value.is_object())
                fail("sites with their ranges were expected, " + typeOf(value), where, key);
            for (const auto& [name, range] : value.items()) {
                const std::string at = key + "." + name;
                recipe.ranges[siteOf(name, where, at)] = rangeOf(range, where, at);
            }
        } else if (key == "bits") {
            if (!value.is_object()) fail("sites with their bits were expected, " + typeOf(value), where, key);
            for (const auto& [name, count] : value.items()) {
                const std::string at = key + "." + name;
                if (!count.is_number_integer() || count < 2 || (count > 8 && count != 16))
                    fail("bits from 2 to 8, or 16, were expected, got " + count.dump(), where, at);
                recipe.bits[siteOf(name, where, at)] = count.get<int>();
            }
        } else {
            fail("unknown key \"" + key + "\"", where, "");
        }
    }
    for (const char* key : {"schema", "scheme"})
        if (!object.contains(key)) fail(std::string("the key \"") + key + "\" is missing", where, "");
    return recipe;
}

ChannelSets keptFromJson(std::string_view text, const std::string& where) {
    const json object = parseStrictObject(text, where, schemaHint);
    if (object.contains("schema")) return recipeFromJson(text, where).kept;
    return keptOf(object, where, "");
}

} // namespace kurtoscope
