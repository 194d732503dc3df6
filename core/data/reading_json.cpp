// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/reading_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace kurtoscope {
namespace {

constexpr int largestInt = std::numeric_limits<int>::max();
constexpr std::int64_t largestWhole = std::int64_t{1} << 53; // what every reader of JSON can hold

constexpr std::pair<const char*, double Reading::*> reals[] = {
    {"score", &Reading::score},
    {"standard_error", &Reading::standardError},
    {"difference", &Reading::difference},
    {"difference_error", &Reading::differenceError},
    {"effective_bits", &Reading::effectiveBits},
    {"activation_bits", &Reading::activationBits},
    {"cache_bits", &Reading::cacheBits},
};
constexpr std::pair<const char*, std::optional<double> Reading::*> figures[] = {
    {"pearson", &Reading::pearson},
    {"perplexity", &Reading::perplexity},
    {"kl_mean", &Reading::klMean},
    {"kl_median", &Reading::klMedian},
    {"kl_p99", &Reading::klP99},
    {"top1_agreement", &Reading::top1Agreement},
    {"cosine", &Reading::cosine},
    {"sqnr_db", &Reading::sqnrDb},
    {"latency_p50_ms", &Reading::latencyP50Ms},
    {"latency_p99_ms", &Reading::latencyP99Ms},
};
constexpr std::pair<const char*, int Reading::*> counts[] = {
    {"windows_done", &Reading::windowsDone},
    {"windows_total", &Reading::windowsTotal},
    {"latency_runs", &Reading::latencyRuns},
};
constexpr std::pair<const char*, std::size_t Reading::*> channels[] = {
    {"kept_channels", &Reading::keptChannels},
    {"kept_of", &Reading::keptOf},
};

} // namespace

nlohmann::json readingToJson(const Reading& reading) {
    nlohmann::json object{{"metric", reading.metric},
                          {"lower_is_better", reading.lowerIsBetter},
                          {"kernels", kernelTagName(reading.kernels)},
                          {"weight_bytes", reading.weightBytes}};
    for (const auto& [key, member] : counts)
        object[key] = reading.*member;
    for (const auto& [key, member] : channels)
        object[key] = reading.*member;
    for (const auto& [key, member] : reals)
        object[key] = realJson(reading.*member);
    for (const auto& [key, member] : figures)
        if (reading.*member) object[key] = realJson(*(reading.*member));
    const bool finite = std::ranges::all_of(reading.pulls, [](double pull) { return std::isfinite(pull); });
    if (!reading.pulls.empty() && finite) object["pulls"] = reading.pulls;
    for (const auto& [phase, share] : reading.phases)
        object["phases"][phase] = realJson(share);
    return object;
}

Reading readingFromJson(StrictObject object) {
    Reading reading;
    reading.metric = object.text("metric", 100);
    reading.lowerIsBetter = object.flag("lower_is_better");
    reading.weightBytes = object.integer("weight_bytes", 0, largestWhole);
    const std::string kernels = object.text("kernels", 100);
    bool known = false;
    for (const KernelTag tag : {KernelTag::floating, KernelTag::simulated, KernelTag::integer}) {
        if (kernelTagName(tag) != kernels) continue;
        reading.kernels = tag;
        known = true;
    }
    if (!known) object.fail("float, simulated or integer was expected, got \"" + kernels + "\"", "kernels");
    for (const auto& [key, member] : counts)
        reading.*member = static_cast<int>(object.integer(key, 0, largestInt));
    for (const auto& [key, member] : channels)
        reading.*member = static_cast<std::size_t>(object.integer(key, 0, largestWhole));
    for (const auto& [key, member] : reals)
        reading.*member = object.real(key);
    for (const auto& [key, member] : figures)
        if (object.has(key)) reading.*member = object.real(key);
    if (const auto* pulls = object.list("pulls"))
        for (const auto& pull : *pulls) {
            if (!pull.is_number()) object.fail("a list of numbers was expected", "pulls");
            reading.pulls.push_back(pull.get<double>());
        }
    if (object.has("phases")) {
        StrictObject phases = object.object("phases");
        for (const char* phase : {"quantize", "gemm", "epilogue", "attention", "rest"})
            if (phases.has(phase)) reading.phases[phase] = phases.real(phase);
        phases.finish();
    }
    if (!reading.complete())
        object.fail("a reading over all its windows was expected, got " +
                        std::to_string(reading.windowsDone) + " of " + std::to_string(reading.windowsTotal),
                    "windows_done");
    object.finish();
    return reading;
}

} // namespace kurtoscope
