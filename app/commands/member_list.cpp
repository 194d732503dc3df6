// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/member_list.h"

#include "app/commands/terminal.h"

#include <charconv>
#include <ostream>

namespace kurtoscope::commands {
namespace {

std::string number(double value) {
    char buffer[32];
    const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
    return {buffer, end};
}

std::string allowed(const ParameterInfo& parameter) {
    if (parameter.kind == ParameterInfo::Kind::text) return "text";
    if (parameter.choices.empty()) return number(parameter.low) + "–" + number(parameter.high);
    std::string list;
    for (const auto& choice : parameter.choices)
        list += (list.empty() ? "" : "|") + choice;
    return list;
}

const char* kindName(ParameterInfo::Kind kind) {
    switch (kind) {
    case ParameterInfo::Kind::choice:
        return "choice";
    case ParameterInfo::Kind::integer:
        return "integer";
    case ParameterInfo::Kind::real:
        return "real";
    case ParameterInfo::Kind::text:
        break;
    }
    return "text";
}

} // namespace

Json memberJson(const SchemeInfo& scheme) {
    Json parameters = Json::array();
    for (const auto& p : scheme.parameters) {
        Json entry{{"id", p.id},
                   {"title", p.title},
                   {"help", p.help},
                   {"kind", kindName(p.kind)},
                   {"default", p.defaultValue}};
        if (p.kind == ParameterInfo::Kind::choice) entry["choices"] = p.choices;
        if (p.kind == ParameterInfo::Kind::integer || p.kind == ParameterInfo::Kind::real) {
            entry["low"] = p.low;
            entry["high"] = p.high;
        }
        parameters.push_back(std::move(entry));
    }
    return {{"id", scheme.id},
            {"title", scheme.title},
            {"summary", scheme.summary},
            {"source", scheme.source},
            {"parameters", parameters}};
}

void printMember(std::ostream& out, const SchemeInfo& scheme) {
    out << scheme.id << "  " << scheme.title << ". " << scheme.summary
        << (scheme.source.empty() ? "" : " (" + scheme.source + ")") << '\n';
    Table table({{"  key", false}, {"values", false}, {"default", false}, {"", false}});
    for (const auto& p : scheme.parameters)
        table.add({"  " + p.id, allowed(p), p.defaultValue, p.help.empty() ? p.title : p.help});
    if (!scheme.parameters.empty()) table.print(out);
    out << '\n';
}

} // namespace kurtoscope::commands
