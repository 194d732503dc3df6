// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/pass_times.h"

#include "core/base/stop.h"

#include <algorithm>

namespace kurtoscope {
namespace {

class Listening {
public:
    explicit Listening(PhaseClock& clock) { PhaseClock::listening() = &clock; }
    ~Listening() { PhaseClock::listening() = nullptr; }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
};

} // namespace

PassTimes::PassTimes(const Transformer& base, const RecipeArithmetic* arithmetic, c10::Device device,
                     bool graphs)
    : base_(base), arithmetic_(arithmetic), device_(device) {
    // What is simulated sends masks and ranges to the GPU on its way, which a graph cannot hold.
    const bool stays = !arithmetic || arithmetic->realFormat();
    if (graphs && stays && PassGraphs::possibleOn(device))
        graphs_.emplace(arithmetic ? arithmetic->model() : base, arithmetic, device);
}

void PassTimes::run(const Batch& batch, std::stop_token stop, EnergyMeter* meter) {
    const std::optional<double> before = meter ? meter->joules() : std::nullopt;
    const Clock::time_point start = Clock::now();
    {
        const Listening listening(clock_);
        throwIfStopped(stop); // a graph asks nobody while it is recorded or played
        const auto played = graphs_ ? graphs_->run(batch) : std::nullopt;
        replays_ = played.has_value();
        const at::Tensor made = played ? *played : step(batch, std::move(stop));
        // Reading one value waits for the device.
        if (!device_.is_cpu()) made.flatten()[0].item<float>();
    }
    const double seconds = secondsSince(start);
    ms_.push_back(1000 * seconds);
    seconds_ += seconds;
    if (const std::optional<double> after = before ? meter->joules() : std::nullopt) {
        joules_ += *after - *before;
        metered_ = true;
    }
}

at::Tensor PassTimes::step(const Batch& batch, std::stop_token stop) const {
    Pass pass(batch, device_, nullptr, arithmetic_, std::move(stop));
    const Transformer& model = arithmetic_ ? arithmetic_->model() : base_;
    const at::Tensor hidden = model.hidden(pass), logits = model.head(pass, hidden);
    return logits.defined() ? logits : hidden;
}

void PassTimes::forget() {
    ms_.clear();
    clock_ = {};
    seconds_ = joules_ = 0;
    metered_ = false;
}

std::map<std::string, double> PassTimes::phases() const {
    std::map<std::string, double> shares;
    double counted = 0;
    for (std::size_t phase = 0; phase < phaseCount && seconds_ > 0; ++phase)
        counted += shares[phaseNames[phase]] = clock_.seconds[phase] / seconds_;
    shares["rest"] = std::max(0.0, 1 - counted);
    return shares;
}

std::optional<double> PassTimes::joules() const {
    if (!metered_ || ms_.empty()) return std::nullopt;
    return joules_ / double(ms_.size());
}

} // namespace kurtoscope
