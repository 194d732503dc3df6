// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QApplication>
#include <QElapsedTimer>
#include <QEvent>
#include <QMetaEnum>
#include <QThread>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>
#include <vector>

namespace kurtoscope {

// A program that notes how long each event held its thread: input, timers, results that come in, painting.
// What one event has others do before it returns belongs to it.
class ClockedApplication : public QApplication {
public:
    struct Held {
        double ms, ownMs; // own: the thread's processor time, without what other threads took
        QString by;       // "Timer → QTimer"
    };
    using QApplication::QApplication;

    bool notify(QObject* receiver, QEvent* event) override {
        if (!noting_ || depth_ > 0 || QThread::currentThread() != thread())
            return QApplication::notify(receiver, event);
        ++depth_;
        const QEvent::Type type = event->type();
        // The receiver may be gone afterwards.
        const QByteArray name =
            QByteArray(receiver->metaObject()->className()) + ' ' + receiver->objectName().toUtf8();
        QElapsedTimer clock;
        clock.start();
        const double own = ownTimeMs();
        const bool answer = QApplication::notify(receiver, event);
        const double ms = static_cast<double>(clock.nsecsElapsed()) / 1e6;
        held_.push_back({ms, ownTimeMs() - own,
                         QStringLiteral("%1 → %2").arg(QMetaEnum::fromType<QEvent::Type>().valueToKey(type),
                                                       name.trimmed())});
        --depth_;
        return answer;
    }

    void start() {
        held_.clear();
        noting_ = true;
    }
    std::vector<Held> stop() {
        noting_ = false;
        return std::move(held_);
    }
    std::size_t noted() const { return held_.size(); }

    static double ownTimeMs() {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
    }

private:
    std::vector<Held> held_;
    bool noting_ = false;
    int depth_ = 0;
};

inline double share(std::vector<double> of, double at) {
    if (of.empty()) return 0;
    std::ranges::sort(of);
    return of[static_cast<std::size_t>(at * static_cast<double>(of.size() - 1))];
}

} // namespace kurtoscope
