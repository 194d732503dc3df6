// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/config_json.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_depth.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

namespace kurtoscope {
namespace {

[[noreturn]] void wrong(const ConfigJson& config, const std::string& key, const std::string& expected) {
    std::string got = "nothing";
    if (config.json().contains(key)) {
        constexpr std::size_t longest = 80; // what a sentence can carry
        const auto& value = config.json().at(key);
        got = value.dump();
        if (got.size() > longest) got = std::string("a long ") + value.type_name();
    }
    throw Error("\"" + key + "\" is " + got + ", expected " + expected, config.where(),
                "Check that the file is complete and belongs to this model");
}

} // namespace

ConfigJson::ConfigJson() : ConfigJson(nlohmann::json(), "") {}

ConfigJson::ConfigJson(nlohmann::json json, std::string where)
    : json_(std::make_shared<const nlohmann::json>(std::move(json))), where_(std::move(where)) {}

bool ConfigJson::has(const std::string& key) const {
    return json_->contains(key) && !json_->at(key).is_null();
}

ConfigJson ConfigJson::read(const std::string& file) {
    const std::string bytes = readFile(file);
    if (nestsDeeper(bytes, deepestJson))
        throw Error("is nested more than " + std::to_string(deepestJson) + " deep", file,
                    "Download the file again");
    auto json = nlohmann::json::parse(bytes, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        throw Error("is not a JSON object", file, "Download the file again");
    return {std::move(json), file};
}

std::int64_t ConfigJson::positive(const std::string& key) const {
    constexpr std::int64_t most = std::numeric_limits<int>::max(); // sizes and layers are kept as int
    const bool whole = has(key) && json_->at(key).is_number_integer();
    const auto value = whole ? json_->at(key).get<std::int64_t>() : 0; // beyond 63 bits: below 0
    if (value < 1 || value > most) wrong(*this, key, "a whole number from 1 to " + std::to_string(most));
    return value;
}

std::int64_t ConfigJson::positive(const std::string& key, std::int64_t otherwise) const {
    return has(key) ? positive(key) : otherwise;
}

double ConfigJson::number(const std::string& key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_->at(key).is_number()) wrong(*this, key, "a number");
    return json_->at(key).get<double>();
}

bool ConfigJson::flag(const std::string& key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_->at(key).is_boolean()) wrong(*this, key, "true or false");
    return json_->at(key).get<bool>();
}

std::string ConfigJson::text(const std::string& key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_->at(key).is_string()) wrong(*this, key, "a text");
    return json_->at(key).get<std::string>();
}

} // namespace kurtoscope
