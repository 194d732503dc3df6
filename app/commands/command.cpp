// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"

#include "app/commands/interrupt.h"
#include "app/window_options.h"
#include "core/workbench.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace kurtoscope {

template <>
Registry<commands::Command>& Registry<commands::Command>::instance() {
    static Registry<commands::Command> registry;
    return registry;
}

namespace commands {
namespace {

constexpr int failed = 1;
constexpr int misused = 2;

constexpr std::size_t helpColumn = 36;

std::string footer() {
    const auto line = [](std::string left, const std::string& right) {
        left = "  " + left;
        left.resize(std::max(left.size() + 1, helpColumn), ' ');
        return left + right + '\n';
    };
    std::string text =
        "The window:\n" + line("kurtoscope [MODEL] [OPTIONS]", "opens a window; MODEL is a folder, "
                                                               "a GGUF file or a name from `models`");
    for (const auto& [name, value, byDefault, help] : windowOptions)
        text += line(
            std::string("--") + name + ' ' + value + (*byDefault ? std::string("=") + byDefault : ""), help);
    return text + "\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped. `--json -` writes to standard "
                  "output.\n";
}

std::string helpPointer(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return "See kurtoscope " + (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help.";
}

int guarded(Command& command, const std::string& pointer) {
    Interrupt interrupt;
    try {
        return command.run(interrupt.token());
    } catch (const Cancelled&) {
        std::cerr << "Stopped.\n";
        return interrupt.exitCode();
    } catch (const UsageError& error) {
        std::cerr << "kurtoscope: " << error.what() << '\n' << pointer << '\n';
        return misused;
    } catch (const std::exception& failure) {
        std::cerr << "kurtoscope: " << Workbench::explain(failure).what() << '\n';
    }
    return failed;
}

} // namespace

bool isCommand(std::string_view id) {
    return Registry<Command>::instance().find(id) != nullptr;
}

std::string commandList() {
    std::string list;
    for (const auto& command : Registry<Command>::instance().members())
        list += (list.empty() ? "" : ", ") + std::string(command->id());
    return list;
}

int runCommandLine(int argc, char** argv) {
    CLI::App app{"Shows a transformer's activation outliers and what quantization makes of them.",
                 "kurtoscope"};
    app.set_version_flag("--version", "kurtoscope " + Workbench::version(), "Print the version and exit");
    app.require_subcommand(1);
    app.footer(footer());
    app.get_formatter()->column_width(helpColumn);
    app.failure_message([](const CLI::App* parsed, const CLI::Error& error) {
        return std::string("kurtoscope: ") + error.what() + '\n' + helpPointer(*parsed) + '\n';
    });
    for (const auto& command : Registry<Command>::instance().members()) {
        CLI::App* sub = app.add_subcommand(std::string(command->id()), std::string(command->summary()));
        sub->footer("");
        command->declare(*sub);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::RequiredError& error) {
        for (const std::string& word : app.remaining(true)) { // rather than that what was misspelt is missing
            if (!word.starts_with("-")) continue;
            std::cerr << "kurtoscope: there is no option " << word << '\n' << helpPointer(app) << '\n';
            return misused;
        }
        return app.exit(error) == 0 ? 0 : misused;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : misused; // help and version are "errors" of code 0
    }
    const std::string chosen = app.get_subcommands().front()->get_name();
    for (const auto& command : Registry<Command>::instance().members())
        if (command->id() == chosen) return guarded(*command, helpPointer(app));
    return misused;
}

} // namespace commands
} // namespace kurtoscope
