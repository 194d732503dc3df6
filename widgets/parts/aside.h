// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/parts/worker.h"

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

namespace kurtoscope {

// Computes what would hold the window up on a thread of its own. The latest question wins: answers to earlier
// ones are dropped. Asked and answered on the GUI thread; what a computation reads must belong to it or be
// shared and const.
class Aside {
public:
    static constexpr std::size_t worthwhile = 250'000; // values: fewer are counted within a frame

    ~Aside() { drop(); }

    template <class Compute, class Done>
    void ask(Compute compute, Done done) {
        const quint64 ticket = ++ticket_;
        asked_ = true;
        const auto answer = std::make_shared<std::optional<decltype(compute())>>();
        worker_.add(
            [this, ticket, answer, compute = std::move(compute)] {
                if (ticket == ticket_) *answer = compute();
            },
            [this, ticket, answer, done = std::move(done)] {
                if (ticket != ticket_) return;
                asked_ = false;
                done(std::move(**answer));
            });
    }
    void drop() {
        ++ticket_;
        asked_ = false;
    }
    void finish() { // waits for the answer, and has it taken
        if (asked_) worker_.finish();
    }
    bool isAsked() const { return asked_; }

private:
    std::atomic<quint64> ticket_ = 0;
    bool asked_ = false;
    Worker worker_; // last: its jobs use the above
};

} // namespace kurtoscope
