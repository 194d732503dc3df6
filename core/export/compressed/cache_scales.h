// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"
#include "core/export/tensor_writer.h"

#include <vector>

namespace kurtoscope {

// self_attn.k_scale and v_scale of every layer of a decoder: static scales for keys and values as a cache
// holds them in 8 bits, `largest` being the last level (127.5 of integers, 448 of E4M3). From statistics of
// keys before their rotary embedding: a pair that turns never gets larger than its length, which is what
// bounds it. Empty for encoders, which have no cache. Runs the model.
std::vector<PlannedTensor> cacheScales(const ExportSubject& subject, float largest);

// How many there are, without running anything.
std::vector<std::string> cachedLayers(const ExportSubject& subject);

} // namespace kurtoscope
