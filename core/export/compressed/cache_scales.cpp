// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/compressed/cache_scales.h"

#include "core/base/error.h"

#include <cmath>

namespace kurtoscope {
namespace {

const SiteStats& statsAt(const Observation& seen, Site site) {
    const SiteStats* stats = seen.find(site);
    if (!stats)
        throw Error("no statistics for " + site.name(), "", "Calibrate on text that the model can read");
    return *stats;
}

float keyBound(const SiteStats& stats, int heads) {
    const std::size_t width = stats.absmax.size() / std::size_t(std::max(1, heads)), half = width / 2;
    float bound = 0;
    for (std::size_t at = 0; at + width <= stats.absmax.size(); at += width)
        for (std::size_t i = 0; i < half; ++i)
            bound = std::max(bound, std::hypot(stats.absmax[at + i], stats.absmax[at + half + i]));
    return bound;
}

float valueBound(const SiteStats& stats) {
    return *std::max_element(stats.absmax.begin(), stats.absmax.end());
}

PlannedTensor scale(const std::string& name, float bound, float largest) {
    const float value = bound > 0 ? bound / largest : 1;
    return {name, "F32", {1}, [value] {
                return std::string(reinterpret_cast<const char*>(&value), sizeof value);
            }};
}

} // namespace

std::vector<std::string> cachedLayers(const ExportSubject& subject) {
    constexpr std::string_view key = ".k_proj";
    std::vector<std::string> names;
    if (!subject.base.info().causal) return names;
    for (const auto& linear : subject.base.linears())
        if (linear->name.ends_with(key))
            names.push_back(linear->name.substr(0, linear->name.size() - key.size()));
    return names;
}

std::vector<PlannedTensor> cacheScales(const ExportSubject& subject, float largest) {
    const std::vector<std::string> layers = cachedLayers(subject);
    std::vector<PlannedTensor> all;
    if (layers.empty()) return all;
    const Observation seen = subject.observe(true);
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        const int at = static_cast<int>(layer);
        all.push_back(scale(layers[layer] + ".k_scale",
                            keyBound(statsAt(seen, {at, Place::key}), subject.base.info().keyValueHeads),
                            largest));
        all.push_back(
            scale(layers[layer] + ".v_scale", valueBound(statsAt(seen, {at, Place::value})), largest));
    }
    return all;
}

} // namespace kurtoscope
