// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace kurtoscope::commands {

// Turns Ctrl-C (SIGINT) and SIGTERM into a stop request while it lives; a second one ends the process at
// once. Create it before other threads start, so that they inherit the blocked signals. A thread waits for
// them: a handler may not stop anything safely.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    std::stop_token token() const { return source_.get_token(); }
    int exitCode() const { return 128 + signal_; }

private:
    void wait(const std::stop_token& done);

    std::stop_source source_;
    std::atomic<int> signal_ = SIGINT;
    sigset_t signals_{}, before_{};
    std::jthread waiter_;
};

} // namespace kurtoscope::commands
