// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QObject>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace kurtoscope {

// A thread of its own for what would hold the window up: jobs run there one after another, in the order of
// the calls. GUI thread only, but for add() without `done`; the destructor waits for the jobs, and drops what
// was to be done after them.
class KURTOSCOPE_WIDGETS_API Worker : public QObject {
    Q_OBJECT
public:
    explicit Worker(QObject* parent = nullptr);
    ~Worker() override;

    void add(std::function<void()> job, std::function<void()> done = {}); // done: on the GUI thread, later
    void finish(); // waits until every job has run, and has what is to be done after them done

private:
    Q_INVOKABLE void handOut();
    void work(std::stop_token stop);
    void wait();

    struct Job {
        std::function<void()> run, done;
    };
    std::mutex mutex_; // guards what follows
    std::condition_variable_any changed_;
    std::deque<Job> jobs_;
    bool working_ = false;
    std::vector<std::function<void()>> done_;
    std::jthread thread_; // last: it uses all of the above
};

} // namespace kurtoscope
