// SPDX-License-Identifier: GPL-3.0-or-later
// What making a recipe ready takes: bench_recipe MODEL TEXT [WINDOWS] RECIPE…, with that many calibration
// windows of 256 tokens, or 8. Prints the seconds until the first window is evaluated, what each module's
// rounding cost, and the reading over 4 windows.
#include "core/workbench.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace kurtoscope;

int main(int count, char** arguments) {
    if (count < 4) return std::fprintf(stderr, "bench_recipe MODEL TEXT [WINDOWS] RECIPE…\n"), 2;
    try {
        Workbench workbench({DeviceKind::cpu, 0, 1});
        workbench.open(arguments[1]);
        EvaluateRequest request;
        request.data.path = arguments[2];
        request.data.windows = 4, request.data.calibrationWindows = 8;
        int first = 3;
        if (const int windows = std::atoi(arguments[3]); windows > 0)
            request.data.calibrationWindows = windows, ++first;
        request.latency = false;
        request.recipes = {Recipe()};
        request.holdOut = true;
        workbench.evaluate(request); // so that FP32's own answers are there
        for (int i = first; i < count; ++i) {
            request.recipes = {Recipe::parse(arguments[i])};
            const auto start = std::chrono::steady_clock::now();
            double ready = -1;
            const auto seconds = [&] {
                return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            };
            const Reading reading = workbench
                                        .evaluate(
                                            request, {},
                                            [&](const Reading&) {
                                                if (ready < 0) ready = seconds();
                                            },
                                            [&](const Progress& progress) {
                                                if (progress.phase.find(": ") != std::string::npos)
                                                    std::printf("  %s\n", progress.phase.c_str());
                                            })
                                        .front();
            std::printf(
                "%s: first window after %.1f s, all after %.1f s; score %.4f, KL %.4g, output SQNR %.2f dB, "
                "%.2f bits\n",
                arguments[i], ready, seconds(), reading.score, reading.klMean.value_or(-1),
                reading.sqnrDb.value_or(-1), reading.effectiveBits);
        }
    } catch (const std::exception& failure) {
        return std::fprintf(stderr, "%s\n", failure.what()), 1;
    }
}
