// SPDX-License-Identifier: GPL-3.0-or-later
// How time and memory of an evaluation grow with its tokens: bench_cost MODEL TEXT [RECIPE] [windows]
// [length] [state MB]. Runs FP32 and the recipe over 1, 2 and 4 times `windows` windows, each in a program of
// its own, so that nothing is kept from one to the next, and prints seconds of evaluation and the memory it
// reached beyond the open model.
#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/engine/pass_memory.h"
#include "core/workbench.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace kurtoscope;

namespace {

struct Cost {
    double seconds = 0, megabytes = 0, kept = 0;
};

int stateMegabytes = 256; // what is kept to answer the next click grows until it is reached

Cost costOf(const char* model, const DataRequest& data, const Recipe& recipe) {
    WorkbenchOptions options{DeviceKind::cpu, 0, 1};
    options.stateMegabytes = stateMegabytes;
    Workbench workbench(options);
    workbench.open(model);
    DataRequest one = data;
    one.windows = 1;
    workbench.evaluate({one, {Recipe(), recipe}, false, false}); // rounds the weights, warms up
    PassMemory::giveBack(); // what passes take is counted
    const std::int64_t before = residentBytes();
    forgetPeak();
    const auto start = std::chrono::steady_clock::now();
    workbench.evaluate({data, {Recipe(), recipe}, false, false});
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
            double(peakResidentBytes() - before) / 1e6, double(workbench.workCounts().stateBytes) / 1e6};
}

// LibTorch's threads do not survive a fork: the child opens everything itself.
Cost inAProgramOfItsOwn(const char* model, const DataRequest& data, const Recipe& recipe) {
    int ends[2];
    if (pipe(ends) != 0) throw Error("no pipe could be made", "", "");
    const pid_t child = fork();
    if (child == 0) {
        Cost cost;
        try {
            cost = costOf(model, data, recipe);
        } catch (const std::exception& failure) {
            std::fprintf(stderr, "%s\n", failure.what());
        }
        const ssize_t written = write(ends[1], &cost, sizeof cost);
        _exit(written == sizeof cost ? 0 : 1);
    }
    close(ends[1]);
    Cost cost;
    const ssize_t got = read(ends[0], &cost, sizeof cost);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (got != sizeof cost || cost.seconds == 0) throw Error("the measuring program failed", "", "");
    return cost;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3)
        return std::fprintf(stderr, "bench_cost MODEL TEXT [RECIPE] [windows] [length] [state MB]\n"), 2;
    try {
        DataRequest data;
        data.path = arguments[2];
        data.length = count > 5 ? std::atoi(arguments[5]) : 128;
        const Recipe recipe = Recipe::parse(count > 3 ? arguments[3] : "w8a8:dynamic=on");
        const int windows = count > 4 ? std::atoi(arguments[4]) : 8;
        if (count > 6) stateMegabytes = std::atoi(arguments[6]);
        double before = 0;
        for (const int times : {1, 2, 4}) {
            data.windows = windows * times;
            const Cost cost = inAProgramOfItsOwn(arguments[1], data, recipe);
            std::printf(
                "%4d × %d tokens: %7.2f s%s, %.0f MB beyond the open model, %.0f of them kept states\n",
                data.windows, data.length, cost.seconds,
                before > 0 ? (" (× " + std::to_string(cost.seconds / before).substr(0, 4) + ")").c_str() : "",
                cost.megabytes, cost.kept);
            before = cost.seconds;
        }
    } catch (const Error& error) {
        return std::fprintf(stderr, "%s\n", error.what()), 1;
    }
}
