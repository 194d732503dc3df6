// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/model_info.h"

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace kurtoscope::commands {

using Json = nlohmann::ordered_json; // keys stay in the order in which they are documented

Json number(double value);                       // null when not finite
Json number(const std::optional<double>& value); // null when absent
Json number(float value);                        // the shortest digits that read back as the same float
Json numbers(const std::vector<float>& values);
Json numbers(const std::vector<double>& values);
Json modelJson(const ModelInfo& model);

// The option --json FILE. With "-" standard output holds the JSON alone; what people read goes to standard
// error.
class JsonOutput {
public:
    void declare(CLI::App& app);
    bool wanted() const { return !target_.empty(); }
    std::ostream& human() const; // where tables go
    void checkTarget() const;    // throws Error before long work when the file could not be written
    void write(const Json& json, int indent = 2) const; // atomically; throws Error
private:
    std::string target_;
};

void checkWritable(const std::string& file); // throws Error when its folder is missing or read-only

} // namespace kurtoscope::commands
