// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/engine_turn.h"

#include "core/base/error.h"

namespace kurtoscope {

EngineTurn& EngineTurn::ofThisProgram() {
    static EngineTurn turn;
    return turn;
}

EngineTurn::Held::Held(EngineTurn& turn, std::size_t lane, bool whole, const std::stop_source& job)
    : turn_(turn) {
    std::unique_lock lock(turn.mutex_);
    const auto mine = turn.waiting_.emplace(lane, ++turn.came_).first;
    if (turn.running_ && !turn.running_->whole && turn.running_->lane > lane)
        turn.running_->job.request_stop();
    const bool given = turn.changed_.wait(lock, job.get_token(),
                                          [&] { return !turn.running_ && turn.waiting_.begin() == mine; });
    turn.waiting_.erase(mine);
    if (given) {
        turn.running_ = Running{lane, whole, job};
        return;
    }
    turn.changed_.notify_all(); // the next one may have waited for this one to go
    throw Cancelled();
}

EngineTurn::Held::~Held() {
    {
        const std::lock_guard lock(turn_.mutex_);
        turn_.running_.reset();
    }
    turn_.changed_.notify_all();
}

} // namespace kurtoscope
