// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/model_folder.h"

#include <ATen/core/Tensor.h>

namespace kurtoscope {

// Inverse frequencies [size / 2] of a rotary embedding over heads of `size` channels, stretched as
// config.json's rope_scaling or a GGUF file's rope_freqs ask for. Throws Error for a stretch that is not
// supported.
at::Tensor rotaryFrequencies(const ModelFolder& folder, std::int64_t size);

} // namespace kurtoscope
