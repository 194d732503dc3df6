// SPDX-License-Identifier: GPL-3.0-or-later
// Weights as integers, laid out for the product.
#include "core/base/error.h"
#include "core/quantization/integer_linears.h"
#include "core/quantization/toggled_columns.h"
#include "core/quantization/weight_levels.h"

#include <algorithm>
#include <utility>

namespace kurtoscope {

std::optional<IntegerWeight> integersOf(const RealLayer& layer) {
    const WeightRule& rule = layer.rule;
    if (auto nearest = integerWeight(layer.linear.weight, rule, layer.kept)) return nearest;
    if (rule.format != Format::integer || rule.bits > 8 || !rule.symmetric ||
        (rule.fullRange && rule.bits == 8))
        return std::nullopt;
    try {
        // Searched, solved for, or with a scale for each group: read off the rounded weight.
        WeightLevels levels = levelsOf(layer.rounded().cpu(), rule, layer.kept, layer.linear.name);
        levels.spread();
        return IntegerWeight{std::move(levels.q), std::move(levels.scales)};
    } catch (const Error&) {
        return std::nullopt; // no integer stands for a NaN
    }
}

namespace {

// The part of a layer's weight that reads `channels`; empty: all of it.
std::shared_ptr<const PackedWeight> packedPart(const RealLayer& layer, const IntegerWeight& integers,
                                               const std::vector<std::int64_t>& channels, bool first) {
    const std::int64_t outputs = layer.linear.weight.size(0), inputs = layer.linear.weight.size(1),
                       groups = std::int64_t(integers.scales.size()) / outputs;
    const std::int64_t count = channels.empty() ? inputs : std::int64_t(channels.size()),
                       group = channels.empty() || groups == 1 ? 0 : channels.front() / layer.rule.group;
    const at::Tensor weight = layer.linear.weight.to(at::kFloat).contiguous();
    const at::Tensor bias =
        first && layer.linear.bias.defined() ? layer.linear.bias.to(at::kFloat).contiguous() : at::Tensor();
    const auto channel = [&](std::int64_t i) { return channels.empty() ? i : channels[std::size_t(i)]; };
    std::vector<int> places; // of kept channels, within the part
    std::vector<float> columns, scales(static_cast<std::size_t>(outputs));
    for (std::int64_t i = 0; i < count; ++i) {
        if (!layer.kept.contains(int(channel(i)))) continue;
        places.push_back(int(i));
        for (std::int64_t output = 0; output < outputs; ++output)
            columns.push_back(weight.const_data_ptr<float>()[output * inputs + channel(i)]);
    }
    std::vector<std::int8_t> q;
    for (std::int64_t output = 0; output < outputs; ++output) {
        scales[std::size_t(output)] = integers.scales[std::size_t(output * groups + group)];
        for (std::int64_t i = 0; i < count && !channels.empty(); ++i)
            q.push_back(integers.q[std::size_t(output * inputs + channel(i))]);
    }
    return std::make_shared<const PackedWeight>(
        channels.empty() ? integers.q.data() : q.data(), outputs, count, scales,
        bias.defined() ? bias.const_data_ptr<float>() : nullptr, places, columns);
}

// The same part, out of what was packed while other channels were kept; null where that is no less work.
std::shared_ptr<const PackedWeight> toggledPart(const RealLayer& layer, const PackedWeights::Latest& latest,
                                                const std::vector<std::int64_t>& channels) {
    const auto base = latest.weight.lock();
    if (!base || !hasNearestIntegers(layer.rule)) return nullptr;
    const at::Tensor weight = layer.linear.weight.to(at::kCPU, at::kFloat).contiguous();
    const auto change =
        toggledColumns(*base, channels, latest.kept,
                       {weight.const_data_ptr<float>(), weight.size(1), layer.rule, layer.kept});
    return change ? std::make_shared<const PackedWeight>(*base, *change) : nullptr;
}

} // namespace

bool IntegerLinears::pack(const RealLayer& layer, PackedWeights& store) {
    const std::int64_t inputs = layer.linear.weight.size(1);
    if (!layer.input || inputs > mostInputs) return false;
    Packed made;
    std::vector<IntegerPart> parts = integerParts(*layer.input);
    if (layer.rule.granularity == Granularity::per_group && layer.rule.group < inputs) {
        parts = cutParts(parts, layer.rule.group, inputs);
        if (parts.empty()) return false;
        made.group = layer.rule.group;
        made.kept.assign(layer.kept.begin(), layer.kept.end());
    }
    std::optional<IntegerWeight> integers;
    for (IntegerPart& part : parts) {
        std::string which = made.parts.empty() ? "" : "+"; // the first alone has the bias
        for (const std::int64_t channel : part.channels)
            which += ";" + std::to_string(channel);
        PackedWeights::Latest& latest = store.latestIntegers[layer.family + which];
        auto packed = store.integers[layer.key + which].lock();
        if (!packed) packed = toggledPart(layer, latest, part.channels);
        if (!packed) {
            if (!integers) integers = integersOf(layer);
            if (!integers) return false;
            packed = packedPart(layer, *integers, part.channels, made.parts.empty());
        }
        store.integers[layer.key + which] = packed;
        latest = {packed, layer.kept};
        made.parts.push_back({std::move(packed), std::move(part.channels), std::move(part.rounding)});
    }
    if (made.parts.empty()) return false;
    std::erase_if(store.integers, [](const auto& entry) { return entry.second.expired(); });
    std::erase_if(store.latestIntegers, [](const auto& entry) { return entry.second.weight.expired(); });
    byInput_[layer.linear.input] = &(packed_[&layer.linear] = std::move(made));
    return true;
}

} // namespace kurtoscope
