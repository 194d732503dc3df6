// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/compressed/compressed_linear.h"

#include <vector>

namespace kurtoscope {

// Kept channels beside a checkpoint whose columns of them are zero: y = Q(x)·Wq + x[:, S]·W[:, S].
//
// For any way to round activations, outlier_channels.json and .safetensors with a loader in Python. Where
// activations have one static range per tensor, a one-hot LoRA adapter too, which stock transformers loads
// with PEFT.
bool hasAdapter(const std::vector<CompressedLinear>& linears); // where one is wanted
std::int64_t outlierBytes(const CompressedLinear& one);
void describeOutliers(const ExportSubject& subject, const std::vector<CompressedLinear>& linears,
                      bool adapter, ExportPlan& plan);
void writeOutliers(const ExportSubject& subject, const std::vector<CompressedLinear>& linears, bool adapter,
                   ExportFolder& out);

} // namespace kurtoscope
