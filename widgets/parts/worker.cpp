// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/worker.h"

#include <QCoreApplication>
#include <QEvent>

#include <utility>

namespace kurtoscope {

Worker::Worker(QObject* parent)
    : QObject(parent), thread_([this](std::stop_token stop) { work(std::move(stop)); }) {}

Worker::~Worker() {
    wait();
}

void Worker::work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !jobs_.empty(); })) {
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        working_ = true;
        lock.unlock();
        job.run();
        job.run = {}; // what it held goes before anybody is told
        lock.lock();
        working_ = false;
        if (job.done) {
            done_.push_back(std::move(job.done));
            QMetaObject::invokeMethod(this, "handOut", Qt::QueuedConnection);
        }
        changed_.notify_all();
    }
}

void Worker::add(std::function<void()> job, std::function<void()> done) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(job), std::move(done)});
    changed_.notify_all();
}

void Worker::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.empty() && !working_; });
}

void Worker::handOut() {
    std::vector<std::function<void()>> done;
    {
        const std::lock_guard lock(mutex_);
        done.swap(done_);
    }
    for (const auto& each : done)
        each();
}

void Worker::finish() {
    wait();
    QCoreApplication::sendPostedEvents(this, QEvent::MetaCall);
}

} // namespace kurtoscope
