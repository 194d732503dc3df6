// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <array>
#include <chrono>
#include <cstddef>

namespace kurtoscope {

// What a forward pass spends its time on; the rest is what none of these counts.
enum class Phase : unsigned char { quantize, gemm, attention };
inline constexpr std::size_t phaseCount = 3;

// Seconds by phase, counted while one is listening on this thread: the thread that runs the model, whose own
// time is the wall's, since it waits for the pool.
struct PhaseClock {
    std::array<double, phaseCount> seconds{};

    KURTOSCOPE_API static PhaseClock*& listening(); // null: nothing is counted
};

// Counts its scope into a phase.
class PhaseTimer {
public:
    explicit PhaseTimer(Phase phase) : clock_(PhaseClock::listening()), phase_(phase) {
        if (clock_) start_ = std::chrono::steady_clock::now();
    }
    ~PhaseTimer() {
        if (clock_)
            clock_->seconds[std::size_t(phase_)] +=
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    PhaseTimer(const PhaseTimer&) = delete;
    PhaseTimer& operator=(const PhaseTimer&) = delete;

private:
    PhaseClock* clock_;
    Phase phase_;
    std::chrono::steady_clock::time_point start_;
};

} // namespace kurtoscope
