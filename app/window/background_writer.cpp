// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/background_writer.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <QCoreApplication>
#include <QFile>

namespace kurtoscope {

BackgroundWriter::BackgroundWriter(QObject* parent)
    : QObject(parent), thread_([this](std::stop_token stop) { work(std::move(stop)); }) {}

BackgroundWriter::~BackgroundWriter() {
    wait();
}

// One after another: an older state never ends up over a newer one.
void BackgroundWriter::work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !jobs_.empty(); })) {
        const std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        working_ = true;
        lock.unlock();
        job();
        lock.lock();
        working_ = false;
        changed_.notify_all();
    }
}

void BackgroundWriter::add(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_all();
}

void BackgroundWriter::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.empty() && !working_; });
}

void BackgroundWriter::write(const QString& path, std::function<std::string()> bytes, Done done) {
    add([this, path, bytes = std::move(bytes), done = std::move(done)] {
        std::optional<Failure> failure;
        try {
            writeFileAtomically(path.toStdString(), bytes());
        } catch (const Error& error) {
            failure = Failure{QString::fromStdString(error.message()), QString::fromStdString(error.where()),
                              QString::fromStdString(error.hint())};
        } catch (const std::exception& error) {
            failure = Failure{QString::fromUtf8(error.what()), path, {}};
        }
        const std::lock_guard lock(mutex_);
        finished_.emplace_back(done, std::move(failure));
        QMetaObject::invokeMethod(this, "handOut", Qt::QueuedConnection);
    });
}

void BackgroundWriter::handOut() {
    std::vector<std::pair<Done, std::optional<Failure>>> finished;
    {
        const std::lock_guard lock(mutex_);
        finished.swap(finished_);
    }
    for (const auto& [done, failure] : finished)
        done(failure);
}

void BackgroundWriter::remove(const QString& path) {
    add([path] { QFile::remove(path); });
}

void BackgroundWriter::finish() {
    wait();
    QCoreApplication::sendPostedEvents(this, QEvent::MetaCall);
}

} // namespace kurtoscope
