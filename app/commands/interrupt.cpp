// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/interrupt.h"

#include <ctime>
#include <pthread.h>
#include <unistd.h>

namespace kurtoscope::commands {

Interrupt::Interrupt() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM}) {
        struct sigaction action {};
        // A signal that the caller ignores (nohup, a shell's background job) stays ignored.
        if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&signals_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    waiter_ = std::jthread([this](const std::stop_token& done) { wait(done); });
}

Interrupt::~Interrupt() {
    waiter_.request_stop();
    waiter_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupt::wait(const std::stop_token& done) {
    while (!done.stop_requested()) {
        const timespec pause{0, 20'000'000};
        const int signal = sigtimedwait(&signals_, nullptr, &pause);
        if (signal <= 0) continue;
        signal_ = signal;
        if (!source_.request_stop()) ::_exit(128 + signal);
    }
}

} // namespace kurtoscope::commands
