// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/command_run.h"

#include <QtTest>

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace kurtoscope::test {

inline int freePort() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool known = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(socket);
    return known ? ntohs(address.sin_port) : 0;
}

// Commands in processes of their own, as torchrun would start them on one machine. `address`: where they meet.
class Together {
public:
    explicit Together(const std::vector<QStringList>& commands, const QString& address = "127.0.0.1") {
        const QString port = QString::number(freePort());
        for (std::size_t rank = 0; rank < commands.size(); ++rank) {
            QProcessEnvironment environment = commandEnvironment();
            environment.insert("WORLD_SIZE", QString::number(commands.size()));
            environment.insert("RANK", QString::number(rank));
            environment.insert("MASTER_ADDR", address);
            environment.insert("MASTER_PORT", port);
            processes_.push_back(std::make_unique<QProcess>());
            processes_.back()->setProcessEnvironment(environment);
            processes_.back()->start(KURTOSCOPE_BINARY, commands[rank]);
        }
    }
    Together(int count, const QStringList& arguments, const QString& address = "127.0.0.1")
        : Together(std::vector<QStringList>(std::size_t(count), arguments), address) {}

    void signal(int rank, int number) const {
        ::kill(static_cast<pid_t>(processes_[std::size_t(rank)]->processId()), number);
    }
    bool allRun() const {
        return std::all_of(processes_.begin(), processes_.end(), [](const auto& process) {
            process->waitForFinished(0);
            return process->state() != QProcess::NotRunning;
        });
    }
    std::vector<CommandRun> wait(int forMs = 300'000) {
        std::vector<CommandRun> runs;
        for (const auto& process : processes_) {
            CommandRun run;
            if (process->waitForFinished(forMs) && process->exitStatus() == QProcess::NormalExit)
                run.code = process->exitCode();
            run.out = process->readAllStandardOutput(), run.err = process->readAllStandardError();
            runs.push_back(std::move(run));
        }
        return runs;
    }

private:
    std::vector<std::unique_ptr<QProcess>> processes_;
};

inline std::vector<CommandRun> runTogether(const std::vector<QStringList>& commands) {
    return Together(commands).wait();
}
inline std::vector<CommandRun> runTogether(int count, const QStringList& arguments) {
    return runTogether(std::vector<QStringList>(std::size_t(count), arguments));
}

// A column of the backends that need no GPU.
inline void backendRows() {
    QTest::addColumn<QString>("backend");
    for (const char* backend : {"gloo", "store"})
        QTest::newRow(backend) << backend;
}

} // namespace kurtoscope::test

// Where a run in several processes ended for want of gloo in this build.
#define SKIP_WITHOUT_GLOO(run)                                                                               \
    if ((run).err.contains("built without it")) QSKIP("built without gloo")
