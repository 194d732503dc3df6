// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/compressed/cache_scales.h"

#include "core/quantization/number_format.h"

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

struct CachedLayer {
    std::string module;
    const SiteRounding *keys, *values; // null: in floating point
};

// The module around the linear layer that makes keys: "model.layers.0.self_attn".
std::vector<CachedLayer> layersOf(const ExportSubject& subject) {
    constexpr std::string_view ending = ".k_proj";
    std::vector<CachedLayer> layers;
    if (!subject.base.info().causal) return layers;
    for (const auto& linear : subject.model().linears()) {
        if (linear->output.place != Place::key || !linear->name.ends_with(ending)) continue;
        const int layer = linear->output.layer;
        layers.push_back({linear->name.substr(0, linear->name.size() - ending.size()),
                          subject.arithmetic->cacheRounding({layer, Place::key}),
                          subject.arithmetic->cacheRounding({layer, Place::value})});
    }
    return layers;
}

PlannedTensor scaleOf(const std::string& name, const SiteRounding& rounding) {
    const float absmax = rounding.absmax > 0 ? rounding.absmax : 1;
    const float scale = rounding.rule.format == Format::integer
                            ? rounding.grid.scale
                            : absmax / numberFormat(rounding.rule.format).largest;
    return {name, "F32", {1}, [scale] {
                return std::string(reinterpret_cast<const char*>(&scale), sizeof scale);
            }};
}

} // namespace

Json cacheScheme(const ExportSubject& subject, std::vector<ExportLimit>& limits) {
    const auto& rule = subject.plan.cache;
    if (!rule || !subject.arithmetic) return nullptr;
    const auto whole = [&](const char* what) {
        limits.push_back({what, "keys and values stay in floating point"});
        return nullptr;
    };
    if (!rule->fixed)
        return whole(
            "keys by channel and values by token in the cache (kv-cache:ranges=static can be carried)");
    const std::vector<CachedLayer> layers = layersOf(subject);
    if (layers.empty()) return whole("rounded keys and values of a model that has no cache the loaders know");
    const ActivationRule* first = layers.front().keys ? &layers.front().keys->rule : nullptr;
    for (const CachedLayer& layer : layers)
        for (const SiteRounding* side : {layer.keys, layer.values})
            if (!side || !first || side->rule.bits != first->bits || !side->inlier.empty()) {
                limits.push_back({"keys and values of one layer in other bits than another's, in high "
                                  "precision, or with kept channels",
                                  ""});
                return nullptr;
            }
    return {{"num_bits", first->bits},
            {"type", rule->format == Format::integer ? "int" : "float"},
            {"symmetric", true},
            {"strategy", "tensor"},
            {"dynamic", false}};
}

std::vector<ExportedModule> cachedModules(const ExportSubject& subject, const Json& scheme) {
    std::vector<ExportedModule> modules;
    if (scheme.is_null()) return modules;
    const std::string numbers =
        (scheme.at("type") == "int" ? "int" : "fp") + std::to_string(scheme.at("num_bits").get<int>());
    for (const CachedLayer& layer : layersOf(subject)) {
        ExportedModule module;
        module.name = layer.module;
        module.group = "kv_cache_scheme";
        module.treatment = numbers + " keys and values per tensor, static";
        modules.push_back(std::move(module));
    }
    return modules;
}

std::vector<PlannedTensor> cacheScales(const ExportSubject& subject) {
    std::vector<PlannedTensor> all;
    for (const CachedLayer& layer : layersOf(subject)) {
        all.push_back(scaleOf(layer.module + ".k_scale", *layer.keys));
        all.push_back(scaleOf(layer.module + ".v_scale", *layer.values));
    }
    return all;
}

} // namespace kurtoscope
