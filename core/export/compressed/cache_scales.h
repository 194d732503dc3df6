// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"
#include "core/export/tensor_writer.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace kurtoscope {

// What compressed-tensors can say of keys and values in the cache, as the recipe rounds them: one static
// scale for those of a layer. Null where the recipe leaves them alone, or as the limits say.
nlohmann::ordered_json cacheScheme(const ExportSubject& subject, std::vector<ExportLimit>& limits);
// Attention modules by name, in the model's order. Empty for encoders, which have no cache.
std::vector<ExportedModule> cachedModules(const ExportSubject& subject, const nlohmann::ordered_json& scheme);
// Their k_scale and v_scale.
std::vector<PlannedTensor> cacheScales(const ExportSubject& subject);

} // namespace kurtoscope
