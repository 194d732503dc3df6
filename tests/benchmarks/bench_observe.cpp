// SPDX-License-Identifier: GPL-3.0-or-later
// What observing every site costs over the plain forward pass: both in turn, so that a machine that slows
// down slows both. Usage: bench_observe MODEL TEXT [length] [rounds] [threads] [windows]
#include "core/base/error.h"
#include "core/data/channel_stats.h"
#include "core/workbench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace kurtoscope;

namespace {

constexpr int usualWindows = 8; // of text; the figures at a pass's end are made once, as in use

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
    return values[values.size() / 2];
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3)
        return std::fprintf(stderr, "usage: %s MODEL TEXT [length] [rounds] [threads] [windows]\n", argv[0]), 2;
    const int windows = argc > 6 ? std::atoi(argv[6]) : usualWindows;
    const int length = argc > 3 ? std::atoi(argv[3]) : 256, rounds = argc > 4 ? std::atoi(argv[4]) : 15;
    try {
        Workbench workbench({DeviceKind::cpu, argc > 5 ? std::atoi(argv[5]) : 0, 1});
        const ModelInfo& model = workbench.open(argv[1]);
        ObserveRequest observe;
        observe.data.path = argv[2];
        observe.data.windows = windows, observe.data.length = length, observe.data.calibrationWindows = 1;
        EvaluateRequest plain;
        plain.data = observe.data;
        plain.recipes = {Recipe()};
        workbench.evaluate(plain); // reads, tokenizes, keeps what evaluation itself needs
        std::vector<double> plainMs, observedMs;
        for (int round = 0; round <= rounds; ++round) {
            const double forward =
                *workbench.evaluate(plain).front().latencyP50Ms; // the median of a few, head included
            const double observed = 1000 * workbench.observe(observe).seconds / windows;
            if (round == 0) continue; // the first makes the accumulators and warms the caches
            plainMs.push_back(forward);
            observedMs.push_back(observed);
        }
        std::printf(
            "%s, %d windows of %d tokens, %s, %d rounds\nplain %.1f ms, observed %.1f ms, ratio %.3f (best of "
            "each %.3f)\n",
            model.name.c_str(), windows, length, workbench.deviceText().c_str(), rounds, median(plainMs),
            median(observedMs), median(observedMs) / median(plainMs),
            *std::min_element(observedMs.begin(), observedMs.end()) /
                *std::min_element(plainMs.begin(), plainMs.end()));
    } catch (const Error& error) {
        return std::fprintf(stderr, "%s\n", error.what()), 1;
    }
}
