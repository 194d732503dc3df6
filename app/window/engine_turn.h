// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

namespace kurtoscope {

// Whose job runs where a program has several engine threads: one at a time, so that they do not take each
// other's processor and a latency is measured alone. The most urgent lane goes first and stops a less urgent
// one that runs, which whoever wants it posts again; among equals, the one that waited longest. A job that is
// to run `whole`, for it would begin from nothing, is let finish. Any thread.
class EngineTurn {
public:
    static EngineTurn& ofThisProgram();

    // Waits for it; throws Cancelled when `job` is asked to stop meanwhile. A smaller lane is more urgent.
    class Held {
    public:
        Held(EngineTurn& turn, std::size_t lane, bool whole, const std::stop_source& job);
        ~Held();
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;

    private:
        EngineTurn& turn_;
    };

private:
    struct Running {
        std::size_t lane;
        bool whole;
        std::stop_source job;
    };

    std::mutex mutex_; // guards everything below
    std::condition_variable_any changed_;
    std::set<std::pair<std::size_t, std::uint64_t>> waiting_; // lane, and when it came
    std::optional<Running> running_;
    std::uint64_t came_ = 0;
};

} // namespace kurtoscope
