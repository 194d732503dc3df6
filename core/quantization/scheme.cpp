// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

#include <charconv>
#include <cmath>

namespace kurtoscope {
namespace {

const ParameterInfo* findParameter(const SchemeInfo& info, const std::string& id) {
    for (const auto& known : info.parameters)
        if (known.id == id) return &known;
    return nullptr;
}

std::string written(double number) {
    char buffer[32];
    const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, number);
    return {buffer, end};
}

std::string allowed(const ParameterInfo& parameter) {
    switch (parameter.kind) {
    case ParameterInfo::Kind::choice:
        break;
    case ParameterInfo::Kind::integer:
        return "an integer from " + written(parameter.low) + " to " + written(parameter.high);
    case ParameterInfo::Kind::real:
        return "a number from " + written(parameter.low) + " to " + written(parameter.high);
    case ParameterInfo::Kind::text:
        return parameter.help;
    }
    std::string text;
    for (const auto& choice : parameter.choices)
        text += (text.empty() ? "" : ", ") + choice;
    return text;
}

template <class Number>
bool isWithin(const ParameterInfo& parameter, const std::string& value) {
    Number number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    return code == std::errc() && end == value.data() + value.size() && double(number) >= parameter.low &&
           double(number) <= parameter.high;
}

bool isAllowed(const ParameterInfo& parameter, const std::string& value) {
    switch (parameter.kind) {
    case ParameterInfo::Kind::choice:
        break;
    case ParameterInfo::Kind::integer:
        return isWithin<int>(parameter, value);
    case ParameterInfo::Kind::real:
        return isWithin<double>(parameter, value);
    case ParameterInfo::Kind::text:
        return !value.empty();
    }
    return std::find(parameter.choices.begin(), parameter.choices.end(), value) != parameter.choices.end();
}

} // namespace

void checkTold(const SchemeInfo& info, const RecipePart& part, const std::string& family,
               const std::string& more) {
    for (const auto& [id, value] : part.parameters) {
        const ParameterInfo* known = findParameter(info, id);
        if (!known) {
            std::string ids;
            for (const auto& one : info.parameters)
                ids += (ids.empty() ? "" : ", ") + one.id;
            if (!more.empty()) ids += (ids.empty() ? "" : ", ") + more;
            throw Error(family + " " + info.id + " has no parameter \"" + id + "\"", "",
                        ids.empty() ? "It takes none" : "It has: " + ids);
        }
        if (!isAllowed(*known, value))
            throw Error(id + "=" + value + " is not possible for " + family + " " + info.id, "",
                        "Possible: " + allowed(*known));
    }
}

template <>
Registry<Scheme>& Registry<Scheme>::instance() {
    static Registry<Scheme> registry;
    return registry;
}

std::string Told::text(const std::string& id) const {
    const auto found = part_.parameters.find(id);
    if (found != part_.parameters.end()) return found->second;
    const ParameterInfo* known = findParameter(info_, id);
    return known ? known->defaultValue : "";
}

int Told::integer(const std::string& id) const {
    return std::stoi(text(id));
}

double Told::real(const std::string& id) const {
    return numberOf(text(id));
}

double numberOf(const std::string& value) {
    double number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
}

bool Told::givenAny(const std::vector<std::string>& ids) const {
    return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) { return given(id); });
}

ParameterInfo choiceOf(std::string id, std::string title, std::string help, std::string fallback,
                       std::vector<std::string> choices) {
    return {std::move(id),
            std::move(title),
            std::move(help),
            std::move(fallback),
            std::move(choices),
            0,
            0,
            ParameterInfo::Kind::choice};
}

ParameterInfo integerOf(std::string id, std::string title, std::string help, int fallback, int low,
                        int high) {
    return {std::move(id),
            std::move(title),
            std::move(help),
            std::to_string(fallback),
            {},
            double(low),
            double(high),
            ParameterInfo::Kind::integer};
}

ParameterInfo realOf(std::string id, std::string title, std::string help, std::string fallback, double low,
                     double high) {
    return {std::move(id), std::move(title),         std::move(help), std::move(fallback), {}, low,
            high,          ParameterInfo::Kind::real};
}

ParameterInfo textOf(std::string id, std::string title, std::string help, std::string fallback) {
    return {std::move(id),
            std::move(title),
            std::move(help),
            std::move(fallback),
            {},
            0,
            0,
            ParameterInfo::Kind::text};
}

ParameterInfo switchOf(std::string id, std::string title, std::string help, bool fallback) {
    return choiceOf(std::move(id), std::move(title), std::move(help), fallback ? "on" : "off", {"on", "off"});
}

Plan planOf(const Recipe& recipe) {
    Plan plan;
    const auto parts = recipe.parts();
    for (const RecipePart& part : parts) {
        const Scheme& scheme = Registry<Scheme>::instance().get(part.scheme, "scheme");
        checkTold(scheme.info(), part, "scheme", "scope, keep, samples, sample_seed");
        if (std::count_if(parts.begin(), parts.end(),
                          [&](const RecipePart& other) { return other.scheme == part.scheme; }) > 1)
            throw Error(part.scheme + " stands twice in the recipe", recipe.text(), "Leave one out");
        if (part.scheme == "fp32" && parts.size() > 1)
            throw Error("fp32 cannot be combined with other schemes", recipe.text(), "Leave fp32 out");
        scheme.plan(Told(scheme.info(), part), plan);
    }
    plan.check(recipe);
    plan.rangesGiven = !recipe.ranges.empty();
    // A scheme's own criterion is a start; channels that were chosen since then stand.
    if (!recipe.keep.empty())
        plan.keep = recipe.keep;
    else if (!recipe.kept.empty())
        plan.keep.clear();
    return plan;
}

} // namespace kurtoscope
