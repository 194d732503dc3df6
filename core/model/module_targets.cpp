// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/module_targets.h"

#include "core/base/error.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unicode/regex.h>

namespace kurtoscope {
namespace {

struct Numbered {
    std::string block, rest; // "layers", "mlp.down_proj"
    int layer = 0;
};

// "model.layers.3.mlp.down_proj": the last part that is a number, with its neighbours.
std::optional<Numbered> numbered(const std::string& name) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        parts.push_back(name.substr(begin, end - begin));
        begin = end + 1;
    }
    for (std::size_t i = parts.size() - 1; i-- > 1;) {
        const bool digits = !parts[i].empty() && parts[i].size() < 7 &&
                            parts[i].find_first_not_of("0123456789") == std::string::npos;
        if (!digits) continue;
        std::string rest;
        for (std::size_t j = i + 1; j < parts.size(); ++j)
            rest += (rest.empty() ? "" : ".") + parts[j];
        return Numbered{parts[i - 1], rest, std::stoi(parts[i])};
    }
    return std::nullopt;
}

std::string escaped(const std::string& text) {
    std::string made;
    for (const char c : text) {
        if (std::string_view(".+*?()[]{}|^$\\").find(c) != std::string_view::npos) made += '\\';
        made += c;
    }
    return made;
}

icu::RegexPattern* compiled(const std::string& target, UErrorCode& status) {
    return icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(target.substr(3)), 0, status);
}

constexpr const char* anyPrefix = R"(re:(.*\.)?)";

} // namespace

std::vector<std::string> modulePatterns(const std::vector<std::string>& members,
                                        const std::vector<std::string>& names) {
    std::map<std::pair<std::string, std::string>, std::set<int>> here, everywhere;
    for (const std::string& name : names)
        if (const auto parts = numbered(name)) everywhere[{parts->block, parts->rest}].insert(parts->layer);
    std::vector<std::string> patterns;
    std::vector<std::pair<std::string, std::string>> order;
    for (const std::string& name : members) {
        const auto parts = numbered(name);
        if (!parts) {
            patterns.push_back(anyPrefix + escaped(name) + "$");
            continue;
        }
        const std::pair key(parts->block, parts->rest);
        if (!here.contains(key)) order.push_back(key);
        here[key].insert(parts->layer);
    }
    for (const auto& key : order) {
        const std::set<int>& layers = here.at(key);
        std::string which = R"(\d+)";
        if (layers != everywhere[key]) {
            which.clear();
            for (const int layer : layers)
                which += (which.empty() ? "(" : "|") + std::to_string(layer);
            which += ")";
        }
        patterns.push_back(anyPrefix + escaped(key.first) + R"(\.)" + which + R"(\.)" + escaped(key.second) +
                           "$");
    }
    return patterns;
}

bool targetMatches(const std::string& target, const std::string& module) {
    if (!target.starts_with("re:")) return target == module;
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::RegexPattern> pattern(compiled(target, status));
    if (U_FAILURE(status)) return false;
    const auto text = icu::UnicodeString::fromUTF8(module);
    const std::unique_ptr<icu::RegexMatcher> matcher(pattern->matcher(text, status));
    if (U_FAILURE(status)) return false;
    matcher->setTimeLimit(1000, status); // of steps: a hostile pattern could take for ever
    return matcher->lookingAt(status) && U_SUCCESS(status);
}

void checkTarget(const std::string& target, const std::string& where) {
    if (!target.starts_with("re:")) return;
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::RegexPattern> pattern(compiled(target, status));
    if (U_FAILURE(status) || target.size() > 10'000)
        throw Error("\"" + target.substr(0, 200) + "\" is no regular expression that can be used", where,
                    "Patterns begin with re: and are matched from a module name's beginning");
}

int landsIn(const std::string& module, const std::vector<std::vector<std::string>>& targets) {
    for (const bool exact : {true, false})
        for (std::size_t group = 0; group < targets.size(); ++group)
            for (const std::string& target : targets[group])
                if (target.starts_with("re:") != exact && targetMatches(target, module))
                    return static_cast<int>(group);
    return -1;
}

} // namespace kurtoscope
