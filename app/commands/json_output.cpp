// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/json_output.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/data/stored_recipe.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace kurtoscope::commands {

Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json number(const std::optional<double>& value) {
    return value ? number(*value) : Json(nullptr);
}

Json number(float value) {
    if (!std::isfinite(value)) return nullptr;
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    double same = 0;
    std::from_chars(digits.data(), end, same);
    return same;
}

Json numbers(const std::vector<float>& values) {
    Json array = Json::array();
    for (const float value : values)
        array.push_back(number(value));
    return array;
}

Json numbers(const std::vector<double>& values) {
    Json array = Json::array();
    for (const double value : values)
        array.push_back(number(value));
    return array;
}

Json modelJson(const ModelInfo& model) {
    const auto recipe = storedRecipe(model);
    return {{"name", model.name},
            {"path", model.path},
            {"architecture", model.architecture},
            {"head", model.head},
            {"stored_precision", model.storedPrecision},
            {"stored_recipe", recipe ? Json::parse(recipe->toJson()) : Json()},
            {"layers", model.layers},
            {"hidden", model.hidden},
            {"heads", model.heads},
            {"key_value_heads", model.keyValueHeads},
            {"intermediate", model.intermediate},
            {"max_length", model.maxLength},
            {"vocabulary", model.vocabulary},
            {"parameters", model.parameters},
            {"file_bytes", model.fileBytes},
            {"causal", model.causal},
            {"post_norm", model.postNorm},
            {"labels", model.labels},
            {"warnings", model.warnings}};
}

void checkWritable(const std::string& file) {
    namespace fs = std::filesystem;
    std::error_code code;
    const fs::path path(file);
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, code))
        throw Error("cannot write: the folder " + folder.string() + " does not exist", file,
                    "Create it first");
    if (fs::is_directory(path, code))
        throw Error("cannot write: that is a folder, a file name was expected", file, "Name a file in it");
    if (::access(folder.c_str(), W_OK) != 0)
        throw Error("cannot write: no permission in " + folder.string(), file, "Choose another folder");
}

void JsonOutput::declare(CLI::App& app) {
    app.add_option("--json", target_, "Write the result as JSON to this file; - is standard output")
        ->type_name("FILE");
}

std::ostream& JsonOutput::human() const {
    return target_ == "-" ? std::cerr : std::cout;
}

void JsonOutput::checkTarget() const {
    if (wanted() && target_ != "-") checkWritable(target_);
}

void JsonOutput::write(const Json& json, int indent) const {
    // Names and tokens may hold broken UTF-8; the file must not.
    const std::string text = json.dump(indent, ' ', false, Json::error_handler_t::replace) + '\n';
    if (target_ != "-") return writeFileAtomically(target_, text);
    std::cout << text << std::flush;
    if (!std::cout)
        throw Error("cannot write all of the JSON", "standard output", "Check the free space where it goes");
}

} // namespace kurtoscope::commands
