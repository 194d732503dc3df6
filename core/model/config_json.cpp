// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/config_json.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

namespace kurtoscope {
namespace {

[[noreturn]] void wrong(const ConfigJson& config, const std::string& key, const std::string& expected) {
    const std::string got = config.json().contains(key) ? config.json().at(key).dump() : "nothing";
    throw Error("\"" + key + "\" is " + got + ", expected " + expected, config.where(),
                "Check that the file is complete and belongs to this model");
}

} // namespace

ConfigJson ConfigJson::read(const std::string& file) {
    const std::string bytes = readFile(file);
    auto json = nlohmann::json::parse(bytes, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        throw Error("is not a JSON object", file, "Download the file again");
    return {std::move(json), file};
}

std::int64_t ConfigJson::positive(const std::string& key) const {
    if (!has(key) || !json_.at(key).is_number_integer() || json_.at(key).get<std::int64_t>() < 1 ||
        json_.at(key).get<std::int64_t>() > (std::int64_t{1} << 40))
        wrong(*this, key, "a positive integer");
    return json_.at(key).get<std::int64_t>();
}

std::int64_t ConfigJson::positive(const std::string& key, std::int64_t otherwise) const {
    return has(key) ? positive(key) : otherwise;
}

double ConfigJson::number(const std::string& key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_.at(key).is_number()) wrong(*this, key, "a number");
    return json_.at(key).get<double>();
}

bool ConfigJson::flag(const std::string& key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_.at(key).is_boolean()) wrong(*this, key, "true or false");
    return json_.at(key).get<bool>();
}

std::string ConfigJson::text(const std::string& key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_.at(key).is_string()) wrong(*this, key, "a text");
    return json_.at(key).get<std::string>();
}

} // namespace kurtoscope
