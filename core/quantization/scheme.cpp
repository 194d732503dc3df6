// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

#include <charconv>

namespace kurtoscope {
namespace {

const ParameterInfo* findParameter(const SchemeInfo& info, const std::string& id) {
    for (const auto& known : info.parameters)
        if (known.id == id) return &known;
    return nullptr;
}

std::string allowed(const ParameterInfo& parameter) {
    if (parameter.choices.empty())
        return "an integer from " + std::to_string(parameter.low) + " to " + std::to_string(parameter.high);
    std::string text;
    for (const auto& choice : parameter.choices)
        text += (text.empty() ? "" : ", ") + choice;
    return text;
}

bool isAllowed(const ParameterInfo& parameter, const std::string& value) {
    if (!parameter.choices.empty())
        return std::find(parameter.choices.begin(), parameter.choices.end(), value) !=
               parameter.choices.end();
    int number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    return code == std::errc() && end == value.data() + value.size() && number >= parameter.low &&
           number <= parameter.high;
}

} // namespace

template <>
Registry<Scheme>& Registry<Scheme>::instance() {
    static Registry<Scheme> registry;
    return registry;
}

std::string parameter(const SchemeInfo& info, const Recipe& recipe, const std::string& id) {
    const auto found = recipe.parameters.find(id);
    if (found != recipe.parameters.end()) return found->second;
    const ParameterInfo* known = findParameter(info, id);
    return known ? known->defaultValue : "";
}

int integerParameter(const SchemeInfo& info, const Recipe& recipe, const std::string& id) {
    return std::stoi(parameter(info, recipe, id));
}

const Scheme& checkedScheme(const Recipe& recipe) {
    const Scheme& scheme = Registry<Scheme>::instance().get(recipe.scheme, "scheme");
    const SchemeInfo& info = scheme.info();
    for (const auto& [id, value] : recipe.parameters) {
        const ParameterInfo* known = findParameter(info, id);
        if (!known) {
            std::string ids;
            for (const auto& one : info.parameters)
                ids += one.id + ", ";
            throw Error("scheme " + info.id + " has no parameter \"" + id + "\"", "",
                        "It has: " + ids + "scope, keep");
        }
        if (!isAllowed(*known, value))
            throw Error(id + "=" + value + " is not possible for scheme " + info.id, "",
                        "Possible: " + allowed(*known));
    }
    scheme.activations(recipe); // throws where parameters exclude one another
    scheme.weights(recipe);
    return scheme;
}

} // namespace kurtoscope
