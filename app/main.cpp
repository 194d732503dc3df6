// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

#ifdef KURTOSCOPE_HAS_WINDOW
#include "app/commands/report_page.h"
#include "app/window/open_window.h"
#include "app/window/pdf_page.h"
#else
#include <iostream>
#endif

namespace {

bool forCommandLine(std::string_view first) {
    return first == "--help" || first == "-h" || first == "--version" ||
           kurtoscope::commands::isCommand(first);
}

// OpenMP's threads spin while they wait, which starves them of their own cores as soon as another program
// runs: a busy machine took four times as long. How long they spin can only be said before libgomp is loaded,
// so the program says it and starts itself once more; ./run and the desktop's entry say it before, which saves
// loading everything twice. Whoever set a policy keeps it.
void waitWithoutSpinning(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
    ::setenv("GOMP_SPINCOUNT", "10000", 0);
    ::execv("/proc/self/exe", argv); // returns only where that fails; then it spins
}

} // namespace

int main(int argc, char** argv) {
    waitWithoutSpinning(argv);
#ifdef KURTOSCOPE_HAS_WINDOW
    kurtoscope::commands::pdfWriter() = kurtoscope::writePdfPage;
#endif
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
