// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/integer_linears.h"

#include "core/base/phases.h"

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr std::int64_t mostInputs = 65'536; // their sum of products still fits 32 bits

} // namespace

bool IntegerLinears::pack(const RealLayer& layer, PackedWeights& store) {
    if (!layer.input) return false;
    const Linear& linear = layer.linear;
    const std::set<int>& kept = layer.kept;
    const std::int64_t outputs = linear.weight.size(0), inputs = linear.weight.size(1);
    std::vector<IntegerPart> parts = integerParts(*layer.input);
    if (inputs > mostInputs || parts.empty()) return false;
    std::optional<IntegerWeight> integers;
    at::Tensor weight, bias;
    std::vector<Part> made;
    for (IntegerPart& part : parts) {
        std::string name = layer.key + (made.empty() ? "" : "+"); // the first alone has the bias
        for (const std::int64_t channel : part.channels)
            name += ";" + std::to_string(channel);
        auto packed = store.integers[name].lock();
        if (!packed) {
            if (!integers) integers = integerWeight(linear.weight, layer.rule, kept);
            if (!integers) return false;
            if (!weight.defined()) weight = linear.weight.to(at::kFloat).contiguous();
            if (linear.bias.defined() && !bias.defined()) bias = linear.bias.to(at::kFloat).contiguous();
            const bool whole = part.channels.empty();
            const std::int64_t count = whole ? inputs : std::int64_t(part.channels.size());
            std::vector<std::int8_t> q;
            std::vector<int> places; // of kept channels, within the part
            std::vector<float> columns;
            for (std::int64_t i = 0; i < count; ++i) {
                const auto channel = whole ? i : part.channels[std::size_t(i)];
                if (!kept.contains(int(channel))) continue;
                places.push_back(int(i));
                for (std::int64_t output = 0; output < outputs; ++output)
                    columns.push_back(weight.const_data_ptr<float>()[output * inputs + channel]);
            }
            if (!whole)
                for (std::int64_t output = 0; output < outputs; ++output)
                    for (const std::int64_t channel : part.channels)
                        q.push_back(integers->q[std::size_t(output * inputs + channel)]);
            packed = std::make_shared<const PackedWeight>(
                whole ? integers->q.data() : q.data(), outputs, count, integers->scales,
                bias.defined() && made.empty() ? bias.const_data_ptr<float>() : nullptr, places, columns);
            std::erase_if(store.integers, [](const auto& entry) { return entry.second.expired(); });
            store.integers[name] = packed;
        }
        made.push_back({std::move(packed), std::move(part.channels), std::move(part.rounding)});
    }
    packed_[&linear] = std::move(made);
    return true;
}

at::Tensor IntegerLinears::multiply(const Linear& linear, const at::Tensor& x,
                                    const std::vector<int>& lengths, const Then& then) const {
    const std::vector<Part>& parts = packed_.at(&linear);
    if (!last_.defined() || !last_.is_same(x)) { // a query's input is a key's and a value's too
        const PhaseTimer timer(Phase::quantize);
        last_.reset(); // what fails half-way is nobody's
        rows_.resize(std::max(rows_.size(), parts.size()));
        for (std::size_t i = 0; i < parts.size(); ++i)
            integerRows(x, parts[i].channels, parts[i].input, lengths, parts[i].weight->keptInputs(),
                        rows_[i]);
        last_ = x;
    }
    const PhaseTimer timer(Phase::gemm);
    auto shape = x.sizes().vec();
    const std::int64_t outputs = shape.back() = parts.front().weight->outputs();
    at::Tensor out = at::empty(shape, x.options());
    auto* to = out.data_ptr<float>();
    const bool fits = then.fits();
    std::vector<PackedWeight::Term> terms;
    for (std::size_t i = 0; i < parts.size(); ++i)
        terms.push_back({&rows_[i], parts[i].weight.get()});
    PackedWeight::multiplyTogether(terms, to, fits ? then.afterRows(to, outputs) : AfterRows());
    return fits ? out : then.applied(out);
}

std::map<const void*, std::int64_t> IntegerLinears::heldBytes() const {
    std::map<const void*, std::int64_t> held;
    for (const auto& [linear, parts] : packed_)
        for (const Part& part : parts)
            held[part.weight.get()] = static_cast<std::int64_t>(part.weight->bytes());
    return held;
}

} // namespace kurtoscope
