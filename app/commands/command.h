// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"

#include <stop_token>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace kurtoscope::commands {

// A sub-command: it declares its options on the parser's app, then runs with what was parsed into its
// members. Each lives in one file and registers itself on that file's last line. Throws Error (exit 1),
// UsageError (2), Cancelled (130).
class Command {
public:
    virtual ~Command() = default;
    virtual std::string_view id() const = 0;
    virtual std::string_view summary() const = 0;
    virtual void declare(CLI::App& app) = 0;
    virtual int run(std::stop_token stop) = 0; // the exit code
};

// A mistake in the arguments that only shows once they are looked at together.
class UsageError : public Error {
public:
    using Error::Error;
};

bool isCommand(std::string_view id);
std::string commandList(); // "evaluate, inspect, models"
// Parses and runs: 0 done, 1 failed, 2 usage, 130 stopped by Ctrl-C. Prints errors; throws nothing.
int runCommandLine(int argc, char** argv);

} // namespace kurtoscope::commands

namespace kurtoscope {

template <>
Registry<commands::Command>& Registry<commands::Command>::instance();

} // namespace kurtoscope
