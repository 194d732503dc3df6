// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace kurtoscope {

// An object out of JSON text. Throws Error naming `where` and the line for what is no JSON, nests too deep,
// holds a key twice or a number beyond a double.
nlohmann::json parseStrictObject(std::string_view text, const std::string& where, const std::string& hint);

// One object of a file that this program wrote and anybody may have changed since: every key is asked for by
// name, and finish() refuses those that nobody asked for. Errors name the file, the key with its path, what
// was got and expected.
class StrictObject {
public:
    StrictObject(const nlohmann::json& value, std::string where, std::string path, std::string hint);

    bool has(const char* key) const { return value_.contains(key); }
    const nlohmann::json* find(const char* key); // null when it is not there
    const nlohmann::json& need(const char* key);
    StrictObject object(const char* key);
    const nlohmann::json* list(const char* key); // null when it is not there
    std::string text(const char* key, std::size_t longest = 100'000);
    std::int64_t integer(const char* key, std::int64_t low, std::int64_t high);
    double real(const char* key); // "inf", "-inf" and "nan" stand for what JSON cannot write
    bool flag(const char* key);
    void finish() const; // no other key is there

    std::string at(const char* key) const { return path_.empty() ? key : path_ + "." + key; }
    [[noreturn]] void fail(const std::string& what, const char* key) const;

private:
    const nlohmann::json& value_;
    std::string where_, path_, hint_;
    std::set<std::string> asked_;
};

nlohmann::json realJson(double value); // as real() reads it

} // namespace kurtoscope
