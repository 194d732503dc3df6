// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/json_output.h"
#include "app/commands/terminal.h"
#include "core/workbench.h"

#include <CLI/CLI.hpp>

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

Json schemeJson(const SchemeInfo& scheme) {
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

class Schemes : public Command {
public:
    std::string_view id() const override { return "schemes"; }
    std::string_view summary() const override {
        return "Lists the ways to quantize and what each can be told";
    }
    void declare(CLI::App& app) override { json_.declare(app); }

    int run(std::stop_token) override {
        json_.checkTarget();
        if (json_.wanted()) {
            Json schemes = Json::array();
            for (const auto& scheme : Workbench::schemes())
                schemes.push_back(schemeJson(scheme));
            json_.write({{"schema", 1}, {"schemes", schemes}});
            return 0;
        }
        for (const auto& scheme : Workbench::schemes()) {
            json_.human() << scheme.id << "  " << scheme.title << ". " << scheme.summary
                          << (scheme.source.empty() ? "" : " (" + scheme.source + ")") << '\n';
            Table table({{"  key", false}, {"values", false}, {"default", false}, {"", false}});
            for (const auto& p : scheme.parameters)
                table.add({"  " + p.id, allowed(p), p.defaultValue, p.help.empty() ? p.title : p.help});
            if (!scheme.parameters.empty()) table.print(json_.human());
            json_.human() << '\n';
        }
        json_.human()
            << "Every scheme also takes scope=linear-inputs|all-activations and "
               "keep=auto|ratio:20|top:4|magnitude:6|sigma:6|FILE and samples=N and sample_seed=N "
               "(calibration windows, drawn at random).\n"
               "Written as scheme:key=value,key=value – for example w8a8:activation=per-token,keep=auto\n"
               "Schemes are combined with +, in order: transforms, a way to round weights, a way to round "
               "activations.\n";
        return 0;
    }

private:
    JsonOutput json_;
};

} // namespace

const Registration<Command, Schemes> schemesRegistration;

} // namespace kurtoscope::commands
