// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/emergence.h"
#include "core/engine/transformer.h"

#include <c10/core/Device.h>

#include <stop_token>
#include <vector>

namespace kurtoscope {

// One checkpoint's linear inputs over `batches`, as the plain model has them, and the weights that read them.
// Throws Cancelled.
EmergenceStep lookAt(const Transformer& model, const std::vector<Batch>& batches, c10::Device device,
                     std::stop_token stop);

} // namespace kurtoscope
