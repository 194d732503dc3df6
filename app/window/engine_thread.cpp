// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/engine_thread.h"

#include "app/window/engine_turn.h"
#include "core/base/error.h"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace kurtoscope {

EngineThread::EngineThread(const WorkbenchOptions& options, QObject* parent) : QObject(parent) {
    thread_ = std::jthread([this, options] { loop(options); });
}

EngineThread::~EngineThread() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        for (auto& slot : slots_)
            slot.reset();
        stopRunning_.request_stop();
    }
    wake_.notify_all();
    thread_.join();
}

quint64 EngineThread::post(Lane lane, Job job) {
    const auto index = static_cast<std::size_t>(lane);
    std::optional<Waiting> replaced; // destroyed outside the lock: it may hold large results
    quint64 ticket = 0;
    {
        const std::lock_guard lock(mutex_);
        ticket = ++lastTicket_;
        replaced = std::exchange(slots_[index], Waiting{ticket, std::move(job)});
        if (runningLane_ && *runningLane_ >= index) stopRunning_.request_stop();
    }
    wake_.notify_all();
    return ticket;
}

void EngineThread::stop() {
    std::array<std::optional<Waiting>, laneCount> dropped;
    const std::lock_guard lock(mutex_);
    std::swap(dropped, slots_);
    stopRunning_.request_stop();
}

bool EngineThread::busy() const {
    const std::lock_guard lock(mutex_);
    return runningLane_ ||
           std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot.has_value(); });
}

std::optional<EngineThread::Waiting> EngineThread::take() {
    std::unique_lock lock(mutex_);
    runningLane_.reset();
    auto urgent = slots_.end();
    wake_.wait(lock, [&] {
        urgent =
            std::find_if(slots_.begin(), slots_.end(), [](const auto& slot) { return slot.has_value(); });
        return closing_ || urgent != slots_.end();
    });
    if (closing_) return std::nullopt;
    stopRunning_ = std::stop_source();
    runningLane_ = static_cast<std::size_t>(urgent - slots_.begin());
    return std::exchange(*urgent, std::nullopt);
}

void EngineThread::loop(const WorkbenchOptions& options) {
    std::unique_ptr<Workbench> workbench; // made and destroyed here: it may own a CUDA context
    while (auto next = take()) {
        const quint64 ticket = next->ticket;
        std::stop_source stop(std::nostopstate);
        std::size_t lane = 0;
        {
            const std::lock_guard lock(mutex_);
            stop = stopRunning_;
            lane = *runningLane_;
        }
        auto outcome = Outcome::failed;
        try {
            // A click in another window must not cost minutes of an export.
            const bool whole = lane == static_cast<std::size_t>(Lane::exporting);
            const EngineTurn::Held turn(EngineTurn::ofThisProgram(), lane, whole, stop);
            if (!workbench) workbench = std::make_unique<Workbench>(options);
            next->job(*workbench, stop.get_token());
            outcome = Outcome::done;
        } catch (const Cancelled&) {
            outcome = Outcome::stopped;
        } catch (const std::exception& failure) {
            const Error error = Workbench::explain(failure);
            report(ticket, error.message(), error.where(), error.hint());
        } catch (...) {
            report(ticket, "Something failed without saying what", "",
                   "This is a fault in Kurtoscope: please report what you did before");
        }
        next.reset(); // before the report: whoever hears of the end may rely on the job's captures being gone
        deliver([this, ticket, outcome] { emit finished(ticket, outcome); });
    }
}

void EngineThread::report(quint64 ticket, const std::string& what, const std::string& where,
                          const std::string& hint) {
    deliver([this, ticket, what, where, hint] {
        emit failed(ticket, QString::fromStdString(what), QString::fromStdString(where),
                    QString::fromStdString(hint));
    });
}

void EngineThread::deliver(std::function<void()> result) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return;
        first = outbox_.empty();
        outbox_.push_back(std::move(result));
    }
    // By name and without arguments: what crosses between the threads stays under our own mutex, where the
    // thread sanitizer can see it.
    if (first) QMetaObject::invokeMethod(this, "handOut", Qt::QueuedConnection);
}

void EngineThread::handOut() {
    std::vector<std::function<void()>> results;
    {
        const std::lock_guard lock(mutex_);
        std::swap(results, outbox_);
    }
    for (const auto& result : results)
        result();
}

} // namespace kurtoscope
