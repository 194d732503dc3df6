// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/command_run.h"

#include <arpa/inet.h>
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

// Commands in processes of their own, as torchrun would start them on one machine.
inline std::vector<CommandRun> runTogether(const std::vector<QStringList>& commands) {
    const int count = static_cast<int>(commands.size());
    const QString port = QString::number(freePort());
    std::vector<std::unique_ptr<QProcess>> processes;
    for (int rank = 0; rank < count; ++rank) {
        QProcessEnvironment environment = commandEnvironment();
        environment.insert("WORLD_SIZE", QString::number(count));
        environment.insert("RANK", QString::number(rank));
        environment.insert("MASTER_ADDR", "127.0.0.1");
        environment.insert("MASTER_PORT", port);
        processes.push_back(std::make_unique<QProcess>());
        processes.back()->setProcessEnvironment(environment);
        processes.back()->start(KURTOSCOPE_BINARY, commands[std::size_t(rank)]);
    }
    std::vector<CommandRun> runs;
    for (const auto& process : processes) {
        CommandRun run;
        if (process->waitForFinished(300'000) && process->exitStatus() == QProcess::NormalExit)
            run.code = process->exitCode();
        run.out = process->readAllStandardOutput(), run.err = process->readAllStandardError();
        runs.push_back(std::move(run));
    }
    return runs;
}
inline std::vector<CommandRun> runTogether(int count, const QStringList& arguments) {
    return runTogether(std::vector<QStringList>(std::size_t(count), arguments));
}

} // namespace kurtoscope::test
