// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_json_field.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_depth.h"

namespace kurtoscope {

nlohmann::json JsonField::parseFile(const std::filesystem::path& file) {
    const std::string bytes = readFile(file);
    if (nestsDeeper(bytes, deepestJson))
        throw Error("this is nested more than " + std::to_string(deepestJson) + " deep", file.string(),
                    "The file is damaged; fetch it again");
    try {
        return nlohmann::json::parse(bytes);
    } catch (const nlohmann::json::exception& problem) {
        throw Error(std::string("this is not valid JSON: ") + problem.what(), file.string(),
                    "The file is damaged; fetch it again");
    }
}

bool JsonField::has(const char* key) const {
    if (!value_->is_object()) wrongType("an object");
    const auto found = value_->find(key);
    return found != value_->end() && !found->is_null();
}

JsonField JsonField::at(const char* key) const {
    if (!value_->is_object()) wrongType("an object");
    JsonField member = *this;
    member.key_ += (key_.empty() ? "" : ".") + std::string(key);
    const auto found = value_->find(key);
    if (found == value_->end()) member.fail("this key is missing", "The file is damaged; fetch it again");
    member.value_ = &*found;
    return member;
}

JsonField JsonField::at(std::size_t index) const {
    if (!value_->is_array()) wrongType("an array");
    JsonField member = *this;
    member.key_ += "[" + std::to_string(index) + "]";
    if (index >= value_->size()) member.fail("the array ends before this entry");
    member.value_ = &(*value_)[index];
    return member;
}

std::vector<JsonField> JsonField::items() const {
    if (!value_->is_array()) wrongType("an array");
    std::vector<JsonField> fields;
    for (std::size_t i = 0; i < value_->size(); ++i)
        fields.push_back(at(i));
    return fields;
}

const nlohmann::json& JsonField::object() const {
    if (!value_->is_object()) wrongType("an object");
    return *value_;
}

std::string JsonField::text() const {
    if (!value_->is_string()) wrongType("a string");
    return value_->get<std::string>();
}

std::int64_t JsonField::integer() const {
    if (!value_->is_number_integer()) wrongType("an integer");
    return value_->get<std::int64_t>();
}

bool JsonField::flag(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    const JsonField member = at(key);
    if (!member.value_->is_boolean()) member.wrongType("true or false");
    return member.value_->get<bool>();
}

std::string JsonField::textOr(const char* key, const std::string& otherwise) const {
    return has(key) ? at(key).text() : otherwise;
}

void JsonField::fail(const std::string& what, const std::string& hint) const {
    throw Error(what, where(), hint);
}

void JsonField::refuse(const std::string& type, const std::string& supported) const {
    fail("\"" + type + "\" is not supported", "Supported here: " + supported);
}

void JsonField::wrongType(const char* expected) const {
    fail(std::string("got ") + value_->type_name() + ", expected " + expected,
         "The file is damaged; fetch it again");
}

} // namespace kurtoscope
