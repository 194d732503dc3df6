// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/energy_meter.h"
#include "core/base/phases.h"
#include "core/engine/pass_graphs.h"
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
    // `graphs`: passes on a GPU are played from CUDA graphs where they can be; phases then count nothing.
    PassTimes(const Transformer& base, const RecipeArithmetic* arithmetic, c10::Device device,
              bool graphs = true);

    // Runs one more; with a meter, what it takes is counted too. Throws Cancelled.
    void run(const Batch& batch, std::stop_token stop, EnergyMeter* meter = nullptr);
    void forget(); // what warmed up

    const std::vector<double>& ms() const { return ms_; }
    double seconds() const { return seconds_; }
    std::map<std::string, double> phases() const; // shares, "rest" among them, adding up to 1
    bool replays() const { return replays_; }     // the last run did
    std::string graphShortfall() const { return graphs_ ? graphs_->why() : ""; }
    std::optional<double> joules() const; // of a pass; empty where nothing tells

private:
    at::Tensor step(const Batch& batch, std::stop_token stop) const; // one pass, operator by operator

    const Transformer& base_;
    const RecipeArithmetic* arithmetic_; // null: FP32
    c10::Device device_;
    std::optional<PassGraphs> graphs_;
    bool replays_ = false;
    std::vector<double> ms_;
    PhaseClock clock_;
    double seconds_ = 0, joules_ = 0;
    bool metered_ = false;
};

} // namespace kurtoscope
