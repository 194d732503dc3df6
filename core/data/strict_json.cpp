// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/strict_json.h"

#include "core/base/error.h"
#include "core/base/json_depth.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace kurtoscope {
namespace {

using nlohmann::json;

// A wrong value may be a whole file.
std::string shortened(const json& value) {
    if (value.is_structured()) return std::string("got ") + value.type_name();
    std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 60) + "…";
    return "got " + text;
}

} // namespace

json parseStrictObject(std::string_view text, const std::string& where, const std::string& hint) {
    if (nestsDeeper(text, deepestJson))
        throw Error("nested more than " + std::to_string(deepestJson) + " deep", where, hint);
    std::vector<std::set<std::string>>
        keys; // of the objects that are open: JSON itself lets a key come twice
    const json::parser_callback_t refuseTwice = [&](int, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::object_start) keys.emplace_back();
        if (event == json::parse_event_t::object_end) keys.pop_back();
        if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
            throw Error("a key is given twice", where + ", " + parsed.get<std::string>(), hint);
        return true;
    };
    json value;
    try {
        value = json::parse(text, refuseTwice);
    } catch (const json::parse_error& error) {
        const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
        throw Error("not valid JSON",
                    where + ", line " + std::to_string(1 + std::count(text.begin(), end, '\n')), hint);
    } catch (const json::out_of_range&) { // such as 1e999, which the grammar allows
        throw Error("a number is too large", where, hint);
    }
    if (!value.is_object())
        throw Error(std::string("a JSON object was expected, got ") + value.type_name(), where, hint);
    return value;
}

StrictObject::StrictObject(const json& value, std::string where, std::string path, std::string hint)
    : value_(value), where_(std::move(where)), path_(std::move(path)), hint_(std::move(hint)) {
    if (!value_.is_object())
        throw Error("a JSON object was expected, " + shortened(value_),
                    path_.empty() ? where_ : where_ + ", " + path_, hint_);
}

void StrictObject::fail(const std::string& what, const char* key) const {
    throw Error(what, where_ + ", " + at(key), hint_);
}

const json* StrictObject::find(const char* key) {
    asked_.insert(key);
    const auto found = value_.find(key);
    return found == value_.end() ? nullptr : &*found;
}

const json& StrictObject::need(const char* key) {
    if (const json* value = find(key)) return *value;
    throw Error(std::string("the key \"") + key + "\" is missing",
                path_.empty() ? where_ : where_ + ", " + path_, hint_);
}

StrictObject StrictObject::object(const char* key) {
    return {need(key), where_, at(key), hint_};
}

const json* StrictObject::list(const char* key) {
    const json* value = find(key);
    if (value && !value->is_array()) fail("a list was expected, " + shortened(*value), key);
    return value;
}

std::string StrictObject::text(const char* key, std::size_t longest) {
    const json& value = need(key);
    if (!value.is_string()) fail("text was expected, " + shortened(value), key);
    auto text = value.get<std::string>();
    if (text.size() > longest)
        fail("at most " + std::to_string(longest) + " bytes of text were expected, got " +
                 std::to_string(text.size()),
             key);
    return text;
}

std::int64_t StrictObject::integer(const char* key, std::int64_t low, std::int64_t high) {
    const json& value = need(key);
    const std::string expected =
        "a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " was expected, ";
    if (!value.is_number_integer()) fail(expected + shortened(value), key);
    const bool tooLarge =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (tooLarge || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high)
        fail(expected + shortened(value), key);
    return value.get<std::int64_t>();
}

double StrictObject::real(const char* key) {
    const json& value = need(key);
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) fail("a number was expected, " + shortened(value), key);
    return value.get<double>();
}

bool StrictObject::flag(const char* key) {
    const json& value = need(key);
    if (!value.is_boolean()) fail("true or false was expected, " + shortened(value), key);
    return value.get<bool>();
}

void StrictObject::finish() const {
    for (const auto& [key, value] : value_.items())
        if (!asked_.contains(key))
            throw Error("unknown key \"" + key + "\"", path_.empty() ? where_ : where_ + ", " + path_, hint_);
}

json realJson(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return value;
}

} // namespace kurtoscope
