// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/rotary.h"

#include "core/base/error.h"

#include <numbers>

#include <nlohmann/json.hpp>

namespace kurtoscope {

at::Tensor rotaryFrequencies(const ModelFolder& folder, std::int64_t size) {
    const ConfigJson& config = folder.config;
    const auto& json = config.json();
    const bool nested = config.has("rope_parameters") && json.at("rope_parameters").is_object();
    const char* key = nested ? "rope_parameters" : "rope_scaling";
    const ConfigJson scaling(config.has(key) && json.at(key).is_object() ? json.at(key)
                                                                         : nlohmann::json::object(),
                             config.where());
    const double base = config.number("rope_theta", scaling.number("rope_theta", 10000.0));
    at::Tensor inverse = at::pow(base, at::arange(0, size, 2, at::kFloat) / double(size)).reciprocal();
    if (const StoredTensor* factors = folder.find("rope_freqs.weight")) {
        if (factors->shape != std::vector<std::int64_t>{size / 2})
            throw Error("\"rope_freqs.weight\" has " + std::to_string(factors->elements()) +
                            " values, expected " + std::to_string(size / 2),
                        folder.path, "The weights do not belong to this config.json");
        at::Tensor stretch = at::empty({size / 2}, at::kFloat);
        dequantize(*factors, {stretch.data_ptr<float>(), static_cast<std::size_t>(size / 2)});
        return inverse / stretch;
    }
    const std::string type = scaling.text("rope_type", scaling.text("type", "default"));
    if (type == "default") return inverse;
    if (type == "linear") return inverse / scaling.number("factor", 1);
    if (type == "llama3") {
        const double factor = scaling.number("factor", 8), low = scaling.number("low_freq_factor", 1),
                     high = scaling.number("high_freq_factor", 4),
                     context = scaling.number("original_max_position_embeddings", 8192);
        const at::Tensor wavelength = 2 * std::numbers::pi / inverse;
        const at::Tensor smooth = ((context / wavelength - low) / (high - low)).clamp(0, 1);
        return (1 - smooth) * inverse / factor + smooth * inverse;
    }
    throw Error("rope scaling \"" + type + "\" is not supported", config.where(),
                "Supported: default, linear, llama3");
}

} // namespace kurtoscope
