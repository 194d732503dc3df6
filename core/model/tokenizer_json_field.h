// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kurtoscope {

// A value inside a JSON file that knows its file and key, so that whatever is wrong with it can be said in
// one sentence. Points into a document that must outlive it. Look-ups throw Error.
class JsonField {
public:
    JsonField(const nlohmann::json& document, std::string file) : value_(&document), file_(std::move(file)) {}
    static nlohmann::json parseFile(const std::filesystem::path& file);

    bool has(const char* key) const; // there, and not null
    JsonField at(const char* key) const;
    JsonField at(std::size_t index) const;
    std::vector<JsonField> items() const; // of an array
    const nlohmann::json& object() const;

    std::string text() const;
    std::int64_t integer() const;
    bool flag(const char* key, bool otherwise) const; // a member that may be absent or null
    std::string textOr(const char* key, const std::string& otherwise) const;

    bool isText() const { return value_->is_string(); }
    bool isNull() const { return value_->is_null(); }
    bool isObject() const { return value_->is_object(); }
    std::string where() const { return key_.empty() ? file_ : file_ + ", key " + key_; }
    [[noreturn]] void fail(const std::string& what, const std::string& hint = "") const;
    // The value of "type" is none of those known; `supported` lists them.
    [[noreturn]] void refuse(const std::string& type, const std::string& supported) const;

private:
    [[noreturn]] void wrongType(const char* expected) const;
    const nlohmann::json* value_;
    std::string file_, key_;
};

} // namespace kurtoscope
