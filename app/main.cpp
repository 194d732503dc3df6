// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"

#include <string_view>

#ifdef KURTOSCOPE_HAS_WINDOW
#include "app/window/open_window.h"
#else
#include <iostream>
#endif

namespace {

bool forCommandLine(std::string_view first) {
    return first == "--help" || first == "-h" || first == "--version" ||
           kurtoscope::commands::isCommand(first);
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && forCommandLine(argv[1])) return kurtoscope::commands::runCommandLine(argc, argv);
#ifdef KURTOSCOPE_HAS_WINDOW
    return kurtoscope::openWindow(argc, argv);
#else
    constexpr int misused = 2;
    std::cerr << "kurtoscope: this build has no window. Commands: " << kurtoscope::commands::commandList()
              << "\nSee kurtoscope --help.\n";
    return misused;
#endif
}
