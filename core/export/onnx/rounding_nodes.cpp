// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/rounding_nodes.h"

#include "core/quantization/number_format.h"

#include <ATen/ATen.h>

namespace kurtoscope {
namespace {

using Value = OnnxGraph::Value;

at::Tensor vectorOf(const std::vector<float>& values) {
    return at::tensor(values, at::kFloat);
}

// One range for the whole tensor, stored: an 8-bit integer and back. Grids that are narrower than the
// integer's own range are clipped first, so that values beyond them land where the grid ends.
Value storedRange(OnnxGraph& graph, Value x, const Grid& grid, const std::string& name) {
    constexpr float lowest = -128, highest = 127;
    if (grid.low > lowest || grid.high < highest) {
        std::vector<Value> bounds{x, grid.low > lowest ? graph.real((grid.low - grid.zero) * grid.scale) : "",
                                  grid.high < highest ? graph.real((grid.high - grid.zero) * grid.scale)
                                                      : ""};
        if (bounds.back().empty()) bounds.pop_back();
        x = graph.node("Clip", bounds, {}, name + "/clip");
    }
    const Value scale = graph.real(grid.scale),
                zero = graph.byte(OnnxType::int8, static_cast<int>(grid.zero));
    const Value integers = graph.node("QuantizeLinear", {x, scale, zero}, {}, name + "/integers");
    return graph.node("DequantizeLinear", {integers, scale, zero}, {}, name + "/rounded");
}

// (round(clip(x / scale + zero)) − zero) · scale in float operators; `zero` empty for symmetric grids.
Value onGrid(OnnxGraph& graph, const Value& x, const Value& scale, const Value& zero, float low, float high,
             const std::string& name) {
    Value q = graph.node("Div", {x, scale});
    if (!zero.empty()) q = graph.node("Add", {q, zero});
    q = graph.node("Round", {graph.node("Clip", {q, graph.real(low), graph.real(high)})});
    if (!zero.empty()) q = graph.node("Sub", {q, zero});
    return graph.node("Mul", {q, scale}, {}, name + "/rounded");
}

Value positiveOrOne(OnnxGraph& graph, const Value& scale) {
    return graph.node("Where", {graph.node("Greater", {scale, graph.real(0)}), scale, graph.real(1)});
}

// What ranges are taken from: kept channels and padding count as zero.
Value ranged(OnnxGraph& graph, Value x, const SiteRounding& rounding, const Value& padding) {
    if (!rounding.inlier.empty()) {
        std::vector<float> keep;
        for (const std::int32_t mask : rounding.inlier)
            keep.push_back(mask == 0 ? 0.0F : 1.0F);
        std::string name = "inliers";
        for (std::size_t channel = 0; channel < keep.size(); ++channel)
            if (keep[channel] == 0) name += "/" + std::to_string(channel);
        x = graph.node("Mul", {x, graph.tensor(name + "/of/" + std::to_string(keep.size()), vectorOf(keep))});
    }
    const ActivationRule& rule = rounding.rule;
    const bool overPositions =
        rule.granularity == Granularity::per_tensor || rule.granularity == Granularity::per_channel;
    return padding.empty() || !overPositions ? x : graph.node("Mul", {x, padding});
}

// Which dimensions share a range: all of a sequence's, its positions, or a row's channels. Every tensor here
// has three but attention's probabilities, which have four.
std::vector<std::int64_t> sharedAxes(const ActivationRule& rule, int dimensions) {
    if (rule.granularity == Granularity::per_token || rule.granularity == Granularity::per_group) return {-1};
    if (rule.granularity == Granularity::per_channel) return {-2};
    return dimensions == 4 ? std::vector<std::int64_t>{1, 2, 3} : std::vector<std::int64_t>{1, 2};
}

Value integersFromValues(OnnxGraph& graph, Value x, const SiteRounding& rounding, const Value& padding,
                         int dimensions, const std::string& name) {
    const ActivationRule& rule = rounding.rule;
    Value seen = ranged(graph, x, rounding, padding);
    const bool grouped = rule.granularity == Granularity::per_group;
    if (grouped) {
        const Value shape = graph.whole({0, 0, -1, rule.group});
        x = graph.node("Reshape", {x, shape});
        seen = graph.node("Reshape", {seen, shape});
    }
    const Value axes = graph.whole(sharedAxes(rule, dimensions));
    const float high = static_cast<float>((1 << (rule.bits - 1)) - 1);
    Value rounded;
    if (rule.symmetric) {
        const Value largest = graph.node("ReduceMax", {graph.node("Abs", {seen}), axes}, {{"keepdims", 1}});
        const float steps = rule.fullRange ? high + 0.5F : high;
        const Value scale = positiveOrOne(graph, graph.node("Div", {largest, graph.real(steps)}));
        rounded = onGrid(graph, x, scale, "", rule.fullRange ? -high - 1 : -high, high, name);
    } else {
        const Value least = graph.node(
                        "Min", {graph.node("ReduceMin", {seen, axes}, {{"keepdims", 1}}), graph.real(0)}),
                    most = graph.node(
                        "Max", {graph.node("ReduceMax", {seen, axes}, {{"keepdims", 1}}), graph.real(0)});
        const Value scale = positiveOrOne(
            graph, graph.node("Div", {graph.node("Sub", {most, least}), graph.real(2 * high + 1)}));
        const Value zero = graph.node(
            "Round", {graph.node("Sub", {graph.real(-high - 1), graph.node("Div", {least, scale})})});
        rounded = onGrid(graph, x, scale, zero, -high - 1, high, name);
    }
    return grouped ? graph.node("Reshape", {rounded, graph.whole({0, 0, -1})}) : rounded;
}

Value cast(OnnxGraph& graph, const Value& x, OnnxType to) {
    const Value narrow = graph.node("Cast", {x}, {{"to", static_cast<std::int64_t>(to)}});
    return graph.node("Cast", {narrow}, {{"to", static_cast<std::int64_t>(OnnxType::float32)}});
}

Value floats(OnnxGraph& graph, const Value& x, const SiteRounding& rounding, const Value& padding,
             int dimensions, const std::string& name) {
    const ActivationRule& rule = rounding.rule;
    if (rule.format == Format::fp16) return cast(graph, x, OnnxType::float16);
    if (rule.format == Format::bf16) return cast(graph, x, OnnxType::bfloat16);
    const NumberFormat& format = numberFormat(rule.format);
    const Value most = graph.real(format.largest);
    Value scale;
    if (rule.dynamic) {
        const Value seen = graph.node("Abs", {ranged(graph, x, rounding, padding)});
        const Value largest =
            graph.node("ReduceMax", {seen, graph.whole(sharedAxes(rule, dimensions))}, {{"keepdims", 1}});
        scale = positiveOrOne(graph, graph.node("Div", {largest, most}));
    } else {
        scale = graph.real(rounding.absmax > 0 ? rounding.absmax / format.largest : 1);
    }
    const Value scaled =
        graph.node("Clip", {graph.node("Div", {x, scale}), graph.real(-format.largest), most});
    const Value narrow = cast(graph, scaled, rule.format == Format::e4m3 ? OnnxType::e4m3 : OnnxType::e5m2);
    return graph.node("Mul", {narrow, scale}, {}, name + "/rounded");
}

} // namespace

std::string roundingLimit(const SiteRounding& rounding, int channels) {
    const ActivationRule& rule = rounding.rule;
    if (rule.threshold > 0) return "channels that are found at run time (LLM.int8())";
    if (rule.reciprocal) return "inputs multiplied by their scale's reciprocal (levels=full-reciprocal)";
    if (rule.format != Format::integer) {
        const NumberFormat& format = numberFormat(rule.format);
        return format.block > 0 ? "activations in " + std::string(format.name) + ", blocks with a scale each"
                                : "";
    }
    if (!rounding.scales.empty() || !rule.dynamic) return "";
    if (!rounding.groups.empty()) return "embedding groups with ranges from the values";
    if (rule.granularity == Granularity::per_channel && rule.tokenRun > 0)
        return "scales over runs of tokens";
    if (rule.granularity == Granularity::per_group &&
        (channels < 1 || channels % std::max(1, rule.group) != 0))
        return "groups of " + std::to_string(rule.group) + " in " + std::to_string(channels) + " channels";
    return "";
}

Value roundingNodes(OnnxGraph& graph, const Value& x, const SiteRounding& rounding, const Value& padding,
                    const std::string& name) {
    const int dimensions = name.ends_with(placeName(Place::attn_probs)) ? 4 : 3;
    const ActivationRule& rule = rounding.rule;
    if (rule.format != Format::integer) return floats(graph, x, rounding, padding, dimensions, name);
    if (!rounding.scales.empty()) {
        const bool centred =
            std::all_of(rounding.zeros.begin(), rounding.zeros.end(), [](float z) { return z == 0; });
        return onGrid(graph, x, graph.tensor(name + "/scales", vectorOf(rounding.scales)),
                      centred ? "" : graph.tensor(name + "/zeros", vectorOf(rounding.zeros)),
                      rounding.grid.low, rounding.grid.high, name);
    }
    if (!rule.dynamic && rule.bits <= 8) return storedRange(graph, x, rounding.grid, name);
    if (!rule.dynamic) // wider than the integers that run times multiply
        return onGrid(graph, x, graph.real(rounding.grid.scale),
                      rounding.grid.zero == 0 ? "" : graph.real(rounding.grid.zero), rounding.grid.low,
                      rounding.grid.high, name);
    return integersFromValues(graph, x, rounding, padding, dimensions, name);
}

Value withKept(OnnxGraph& graph, const Value& x, const Value& rounded, const SiteRounding& rounding) {
    if (rounding.inlier.empty()) return rounded;
    const at::Tensor mask = at::tensor(std::vector<std::int32_t>(rounding.inlier), at::kInt).ne(0);
    std::string name = "kept";
    for (std::size_t channel = 0; channel < rounding.inlier.size(); ++channel)
        if (rounding.inlier[channel] == 0) name += "/" + std::to_string(channel);
    return graph.node(
        "Where", {graph.tensor(name + "/of/" + std::to_string(rounding.inlier.size()), mask), rounded, x});
}

} // namespace kurtoscope
