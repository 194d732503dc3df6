// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/workbench.h"

#include <QObject>
#include <QString>

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace kurtoscope {

enum class Lane : unsigned char { load, observe, evaluate, train, exporting }; // the most urgent first
inline constexpr std::size_t laneCount = 5;
enum class Outcome : unsigned char { done, stopped, failed };

// The one thread that owns the workbench and runs jobs on it, the most urgent lane first. Each lane has one
// slot: a new job replaces the one that waits there, and stops the running one of the same or a lower lane. A
// job that is stopped is gone; whoever still wants its result posts it again. Where a program has several of
// these, their jobs take turns (EngineTurn). post(), stop() and the signals belong to the GUI thread.
class EngineThread : public QObject {
    Q_OBJECT
public:
    using Job = std::function<void(Workbench&, std::stop_token)>; // what it throws ends up in failed()

    explicit EngineThread(const WorkbenchOptions& options = {}, QObject* parent = nullptr);
    ~EngineThread() override; // stops, waits for the running job to notice, drops what was not delivered

    quint64 post(Lane lane, Job job); // the ticket that finished() names
    void stop();       // the running job and all that wait; a job that never ran is not reported
    bool busy() const; // something runs or waits

    // From a job: has the GUI thread run `result` soon, in the order of the calls.
    void deliver(std::function<void()> result);

signals:
    void finished(quint64 ticket, kurtoscope::Outcome outcome); // after everything that the job delivered
    void failed(quint64 ticket, QString what, QString where, QString hint); // just before finished()

private slots:
    void handOut(); // runs what was delivered

private:
    struct Waiting {
        quint64 ticket = 0;
        Job job;
    };

    void loop(const WorkbenchOptions& options);
    std::optional<Waiting> take(); // waits; empty when closing
    void report(quint64 ticket, const std::string& what, const std::string& where, const std::string& hint);

    mutable std::mutex mutex_; // guards everything below
    std::condition_variable wake_;
    std::array<std::optional<Waiting>, laneCount> slots_;
    std::stop_source stopRunning_;
    std::optional<std::size_t> runningLane_;
    quint64 lastTicket_ = 0;
    bool closing_ = false;
    std::vector<std::function<void()>> outbox_;

    std::jthread thread_; // last: it uses all of the above
};

} // namespace kurtoscope
