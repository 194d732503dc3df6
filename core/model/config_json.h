// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp> // whoever reads json() itself includes json.hpp, which costs every file seconds

namespace kurtoscope {

// A model's config.json (or the same made from GGUF metadata) with look-ups that name file and key when they
// fail.
class ConfigJson {
public:
    ConfigJson(); // empty
    ConfigJson(nlohmann::json json, std::string where);
    static ConfigJson read(const std::string& file); // throws Error: missing, not JSON, not an object

    bool has(const std::string& key) const;              // and not null
    std::int64_t positive(const std::string& key) const; // from 1 to the largest int; throws Error
    std::int64_t positive(const std::string& key, std::int64_t otherwise) const;
    double number(const std::string& key, double otherwise) const;
    bool flag(const std::string& key, bool otherwise) const;
    std::string text(const std::string& key, const std::string& otherwise) const;
    const nlohmann::json& json() const { return *json_; }
    const std::string& where() const { return where_; }

private:
    std::shared_ptr<const nlohmann::json> json_; // never null
    std::string where_;
};

} // namespace kurtoscope
