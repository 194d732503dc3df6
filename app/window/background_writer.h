// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace kurtoscope {

// Writes files whole or not at all, in the order of the calls, on a thread of its own: a slow disk must not
// hold the window up. GUI thread only; its destructor waits for what was asked for.
class BackgroundWriter : public QObject {
    Q_OBJECT
public:
    struct Failure {
        QString what, where, hint;
    };
    using Done = std::function<void(std::optional<Failure>)>; // on the GUI thread; dropped with the writer

    explicit BackgroundWriter(QObject* parent = nullptr);
    ~BackgroundWriter() override;

    void write(const QString& path, std::function<std::string()> bytes, Done done); // bytes: made there
    void remove(const QString& path); // after what is being written
    void finish();                    // waits until all of it is on disk, and says so

private:
    Q_INVOKABLE void handOut();
    void add(std::function<void()> job);
    void work(std::stop_token stop);
    void wait(); // until nothing is left to do

    std::mutex mutex_; // guards what follows
    std::condition_variable_any changed_;
    std::deque<std::function<void()>> jobs_;
    bool working_ = false;
    std::vector<std::pair<Done, std::optional<Failure>>> finished_;
    std::jthread thread_; // last: it uses all of the above
};

} // namespace kurtoscope
