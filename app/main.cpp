// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/known_models.h"

#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#ifdef KURTOSCOPE_HAS_WINDOW
#include "app/window/open_window.h"
#endif

namespace {

constexpr int misused = 2;

bool forCommandLine(std::string_view first) {
    return first == "--help" || first == "-h" || first == "--version" ||
           kurtoscope::commands::isCommand(first);
}

// The window takes paths; a name from `kurtoscope models` is turned into one here. False: it is neither.
bool resolveModel(std::string& argument) {
    if (argument.empty() || argument.front() == '-' || std::filesystem::exists(argument)) return true;
    try {
        argument = kurtoscope::commands::modelPath(argument);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && forCommandLine(argv[1])) return kurtoscope::commands::runCommandLine(argc, argv);

    std::string first = argc > 1 ? argv[1] : "";
    if (!resolveModel(first)) {
        std::cerr << "kurtoscope: \"" << first
                  << "\" is no model and no command. Commands: " << kurtoscope::commands::commandList()
                  << "\nSee kurtoscope --help.\n";
        return misused;
    }
#ifdef KURTOSCOPE_HAS_WINDOW
    std::vector<char*> arguments(argv, argv + argc + 1);
    if (argc > 1) arguments[1] = first.data();
    return kurtoscope::openWindow(argc, arguments.data());
#else
    std::cerr << "kurtoscope: this build has no window. Commands: " << kurtoscope::commands::commandList()
              << "\nSee kurtoscope --help.\n";
    return misused;
#endif
}
