// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/onnx/graph.h"
#include "core/quantization/round_activation.h"

#include <string>

namespace kurtoscope {

// What cannot be said in operators of a standard graph; empty: it can.
std::string roundingLimit(const SiteRounding& rounding, int channels);

// `x` put on its grid: QuantizeLinear and DequantizeLinear where one stored range serves the tensor, else
// plain operators that take the range from the values. `padding` is float [batch, 1.., position, 1], 0 at
// positions that no range may see; empty where there is none. Kept channels come out rounded too. Names begin
// with `name`.
OnnxGraph::Value roundingNodes(OnnxGraph& graph, const OnnxGraph::Value& x, const SiteRounding& rounding,
                               const OnnxGraph::Value& padding, const std::string& name);
// Kept channels as they were.
OnnxGraph::Value withKept(OnnxGraph& graph, const OnnxGraph::Value& x, const OnnxGraph::Value& rounded,
                          const SiteRounding& rounding);

} // namespace kurtoscope
