// SPDX-License-Identifier: GPL-3.0-or-later
// What opening a model takes: bench_load MODEL [RECIPE] [rounds]. Seconds until it is ready to run with its
// file in the page cache, until a recipe's weights are rounded and packed, and the memory that both leave and
// reach.
#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/workbench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

using namespace kurtoscope;

namespace {

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
    return values[values.size() / 2];
}

template <class Work>
double seconds(Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

int main(int count, char** arguments) {
    if (count < 2) return std::fprintf(stderr, "bench_load MODEL [RECIPE] [rounds]\n"), 2;
    const std::string recipe = count > 2 ? arguments[2] : "w8a8:dynamic=on";
    const int rounds = count > 3 ? std::atoi(arguments[3]) : 5;
    try {
        const std::int64_t before = residentBytes(); // the program and its libraries
        std::vector<double> opened, packed;
        std::int64_t after = 0, peak = 0, peakPacked = 0, parameters = 0;
        for (int round = 0; round < rounds; ++round) {
            Workbench workbench({DeviceKind::cpu, 0, 1});
            forgetPeak();
            opened.push_back(seconds([&] { parameters = workbench.open(arguments[1]).parameters; }));
            if (round == 0) after = residentBytes(), peak = peakResidentBytes();
            BenchRequest ready; // a recipe is made ready, and nothing is run
            ready.recipes = {Recipe::parse(recipe)};
            ready.lengths.clear(), ready.machine = false;
            packed.push_back(seconds([&] { workbench.bench(ready); }));
            if (round == 0) peakPacked = peakResidentBytes();
        }
        std::printf("%s: open %.3f s (%.3f…%.3f), %s rounded and packed %.3f s more (%.3f…%.3f)\n",
                    arguments[1], median(opened), *std::ranges::min_element(opened),
                    *std::ranges::max_element(opened), recipe.c_str(), median(packed),
                    *std::ranges::min_element(packed), *std::ranges::max_element(packed));
        const auto mb = [](std::int64_t bytes) { return double(bytes) / 1e6; };
        std::printf("float32 weights %.0f MB; program before %.0f MB, model open %.0f MB (peak %.0f), packed "
                    "peak %.0f "
                    "MB\n",
                    mb(parameters * 4), mb(before), mb(after), mb(peak), mb(peakPacked));
    } catch (const Error& error) {
        return std::fprintf(stderr, "%s\n", error.what()), 1;
    }
}
