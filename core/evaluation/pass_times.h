// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/energy_meter.h"
#include "core/base/phases.h"
#include "core/quantization/recipe_arithmetic.h"

#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

// Whole passes of one recipe, output head included, timed with what they spent their time on. What the
// latency column, the phase bars and `bench` all read. Engine thread.
class PassTimes {
public:
    PassTimes(const Transformer& base, const RecipeArithmetic* arithmetic, c10::Device device)
        : base_(base), arithmetic_(arithmetic), device_(device) {}

    // Runs one more; with a meter, what it takes is counted too. Throws Cancelled.
    void run(const Batch& batch, std::stop_token stop, EnergyMeter* meter = nullptr);
    void forget(); // what warmed up

    const std::vector<double>& ms() const { return ms_; }
    double seconds() const { return seconds_; }
    std::map<std::string, double> phases() const; // shares, "rest" among them, adding up to 1
    std::optional<double> joules() const;         // of a pass; empty where nothing tells

private:
    const Transformer& base_;
    const RecipeArithmetic* arithmetic_; // null: FP32
    c10::Device device_;
    std::vector<double> ms_;
    PhaseClock clock_;
    double seconds_ = 0, joules_ = 0;
    bool metered_ = false;
};

} // namespace kurtoscope
