// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/compressed/compressed_linear.h"

#include <optional>

namespace kurtoscope {

// Whether and how nearly vLLM's engine for CPUs answers from a folder of these layers as the simulation does.
// Null where it has no kernels for them: encoders, kept channels, weights alone at other than 4 bits, mixes.
// `limits`: what the format cannot carry of the recipe.
std::optional<ExportCheck> vllmCheck(const ExportSubject& subject,
                                     const std::vector<CompressedLinear>& linears,
                                     const std::vector<ExportLimit>& limits);

// Symmetric scales taken at run time, where loaders part: compressed-tensors' own takes absmax / 127.5 and
// one level more below, vLLM's kernels absmax / 127. Whether a layer rounds its input by either.
bool roundsAtRunTime(const CompressedLinear& one, bool fullRange);

} // namespace kurtoscope
