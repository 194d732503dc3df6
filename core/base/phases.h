// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/clock.h"
#include "core/base/export.h"

#include <array>
#include <cstddef>
#include <utility>

namespace kurtoscope {

// What a forward pass spends its time on; the rest is what none of these counts.
enum class Phase : unsigned char { quantize, gemm, epilogue, attention };
inline constexpr std::size_t phaseCount = 4;
inline constexpr const char* phaseNames[phaseCount] = {"quantize", "gemm", "epilogue", "attention"};

// Seconds by phase, counted while one is listening on this thread: the thread that runs the model, whose own
// time is the wall's, since it waits for the pool.
struct PhaseClock {
    std::array<double, phaseCount> seconds{};
    double within = 0; // of phases that ran inside the one that runs, which are not its own time

    KURTOSCOPE_API static PhaseClock*& listening(); // null: nothing is counted
};

// Counts its scope into a phase, without what phases inside it count.
class PhaseTimer {
public:
    explicit PhaseTimer(Phase phase) : clock_(PhaseClock::listening()), phase_(phase) {
        if (!clock_) return;
        outer_ = std::exchange(clock_->within, 0);
        start_ = Clock::now();
    }
    ~PhaseTimer() {
        if (!clock_) return;
        const double all = secondsSince(start_);
        clock_->seconds[std::size_t(phase_)] += all - clock_->within;
        clock_->within = outer_ + all;
    }
    PhaseTimer(const PhaseTimer&) = delete;
    PhaseTimer& operator=(const PhaseTimer&) = delete;

private:
    PhaseClock* clock_;
    Phase phase_;
    Clock::time_point start_;
    double outer_ = 0;
};

} // namespace kurtoscope
