// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <exception>
#include <string>

namespace kurtoscope {

// The one failure core throws: `what` says what was got and expected, `where` names file and key,
// `hint` says what to do. Caught only by the engine thread and by the command line.
class KURTOSCOPE_API Error : public std::exception {
public:
    Error(std::string what, std::string where, std::string hint);

    const char* what() const noexcept override { return sentence_.c_str(); } // all three parts, one line
    const std::string& message() const noexcept { return message_; }
    const std::string& where() const noexcept { return where_; }
    const std::string& hint() const noexcept { return hint_; }

private:
    std::string message_, where_, hint_, sentence_;
};

// Thrown when a stop was asked for; shows no message.
class KURTOSCOPE_API Cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "cancelled"; }
};

} // namespace kurtoscope
