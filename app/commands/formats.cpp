// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/member_list.h"
#include "core/workbench.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace kurtoscope::commands {
namespace {

class Formats : public Command {
public:
    std::string_view id() const override { return "formats"; }
    std::string_view summary() const override {
        return "Lists what `export` writes, what loads it, and what each can be told";
    }
    void declare(CLI::App& app) override { json_.declare(app); }

    int run(std::stop_token) override {
        json_.checkTarget();
        Json formats = Json::array();
        for (const auto& format : Workbench::exportFormats())
            formats.push_back(memberJson(format));
        if (json_.wanted()) {
            json_.write({{"schema", 1}, {"formats", formats}});
            return 0;
        }
        for (const auto& format : Workbench::exportFormats())
            printMember(json_.human(), format);
        json_.human() << "In brackets: what loads it. Written as format:key=value,key=value\n";
        return 0;
    }

private:
    JsonOutput json_;
};

} // namespace

const Registration<Command, Formats> formatsRegistration;

} // namespace kurtoscope::commands
