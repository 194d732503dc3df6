// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QCoreApplication>
#include <QEvent>
#include <QObject>
#include <QThreadPool>

#include <atomic>
#include <memory>
#include <utility>

namespace kurtoscope {

// Computes what would hold the window up on a thread of its own. The latest question wins: answers to earlier
// ones are dropped. Asked and answered on the GUI thread; what a computation reads must belong to it or be
// shared and const.
class Aside : public QObject {
public:
    static constexpr std::size_t worthwhile = 250'000; // values: fewer are counted within a frame

    explicit Aside(QObject* parent = nullptr) : QObject(parent) { pool_.setMaxThreadCount(1); }
    ~Aside() override {
        drop();
        pool_.waitForDone();
    }

    template <class Compute, class Done>
    void ask(Compute compute, Done done) {
        const quint64 ticket = ++ticket_;
        asked_ = true;
        pool_.start([this, ticket, compute = std::move(compute), done = std::move(done)] {
            if (ticket != ticket_) return;
            auto answer = std::make_shared<decltype(compute())>(compute());
            QMetaObject::invokeMethod(
                this,
                [this, ticket, answer, done] {
                    if (ticket != ticket_) return;
                    asked_ = false;
                    done(std::move(*answer));
                },
                Qt::QueuedConnection);
        });
    }
    void drop() {
        ++ticket_;
        asked_ = false;
    }
    void finish() { // waits for the answer, and has it taken
        if (!asked_) return;
        pool_.waitForDone();
        QCoreApplication::sendPostedEvents(this, QEvent::MetaCall);
    }
    bool isAsked() const { return asked_; }

private:
    QThreadPool pool_;
    std::atomic<quint64> ticket_ = 0;
    bool asked_ = false;
};

} // namespace kurtoscope
