// SPDX-License-Identifier: GPL-3.0-or-later
// What a click costs: bench_click MODEL TEXT [RECIPE] [LAYER] [windows] [length] [clicks]. Channels of one
// site are kept one after another. For each click the time until the first reading, until all windows are
// read, the same of a workbench that keeps no states, and of a recipe that nothing is known of; medians.
#include "core/base/error.h"
#include "core/workbench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace kurtoscope;

namespace {

struct Click {
    double first = 0, all = 0, window = 0; // ms; `window`: between two readings
};

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
    return values[values.size() / 2];
}

Click evaluate(Workbench& workbench, const DataRequest& data, const Recipe& recipe) {
    EvaluateRequest request{data, {recipe}, false, true};
    const auto start = std::chrono::steady_clock::now();
    const auto ms = [&] {
        return 1000 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    std::vector<double> readings;
    workbench.evaluate(request, {}, [&](const Reading&) { readings.push_back(ms()); });
    Click click{readings.front(), ms(), 0};
    click.window = (click.all - click.first) / std::max(1, data.windows - 1);
    return click;
}

void print(const char* what, const std::vector<Click>& clicks) {
    std::vector<double> first, all, window;
    for (const Click& click : clicks)
        first.push_back(click.first), all.push_back(click.all), window.push_back(click.window);
    std::printf("%-34s first reading %7.1f ms, all windows %7.1f ms, a window %6.1f ms\n", what,
                median(first), median(all), median(window));
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3)
        return std::fprintf(stderr, "bench_click MODEL TEXT [RECIPE] [LAYER] [windows] [length] [clicks]\n"),
               2;
    const auto number = [&](int at, int otherwise) {
        return count > at ? std::atoi(arguments[at]) : otherwise;
    };
    try {
        Workbench kept({DeviceKind::cpu, 0, 1});
        WorkbenchOptions without{DeviceKind::cpu, 0, 1};
        without.stateMegabytes = 0;
        Workbench whole(without);
        const ModelInfo& model = kept.open(arguments[1]);
        whole.open(arguments[1]);
        DataRequest data;
        data.path = arguments[2];
        data.windows = number(5, 8), data.length = number(6, 256);
        const Recipe base = Recipe::parse(count > 3 ? arguments[3] : "w8a8");
        const Site site{number(4, model.layers / 2), Place::mlp_input};
        const int clicks = number(7, 3);
        const auto prepare = [&](Workbench& one) { // FP32 and calibration stand when a person clicks
            evaluate(one, data, Recipe::parse("w8a8:weight_bits=7,activation_bits=7"));
        };
        for (Workbench* one : {&kept, &whole})
            prepare(*one), evaluate(*one, data, base);
        std::vector<Click> fresh, toggled, unkept;
        Recipe recipe = base;
        for (int click = 0; click < clicks; ++click) {
            evaluate(kept, data, recipe); // the column that is clicked on is the last that ran
            recipe.setKept(site, 10 + click, true);
            toggled.push_back(evaluate(kept, data, recipe));
            unkept.push_back(evaluate(whole, data, recipe));
            Workbench anew({DeviceKind::cpu, 0, 1}); // every layer is new to it: no weights, no states
            anew.open(arguments[1]);
            prepare(anew);
            fresh.push_back(evaluate(anew, data, recipe));
        }
        const WorkCounts counts = kept.workCounts();
        std::printf("%s, %s, %d × %d tokens, %s, a channel of %s\n", model.name.c_str(), base.text().c_str(),
                    data.windows, data.length, kept.deviceText().c_str(), site.name().c_str());
        print("nothing known of the recipe", fresh);
        print("a click, nothing kept", unkept);
        print("a click", toggled);
        const auto all = [](const std::vector<Click>& list) {
            std::vector<double> values;
            for (const Click& click : list)
                values.push_back(click.all);
            return median(values);
        };
        std::printf("a click / full run %.3f, / nothing kept %.3f; kept states %.0f of %.0f MB\n",
                    all(toggled) / all(fresh), all(toggled) / all(unkept), double(counts.stateBytes) / 1e6,
                    double(counts.stateBudget) / 1e6);
    } catch (const Error& error) {
        return std::fprintf(stderr, "%s\n", error.what()), 1;
    }
}
