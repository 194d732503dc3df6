// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/integer_linears.h"

#include "core/base/phases.h"

namespace kurtoscope {
namespace {

constexpr std::int64_t mostInputs = 65'536; // their sum of products still fits 32 bits

} // namespace

bool IntegerLinears::add(const Linear& linear, const WeightRule& rule, const SiteRounding& input,
                         const std::set<int>& kept, const std::string& key, Store& store) {
    const std::int64_t outputs = linear.weight.size(0), inputs = linear.weight.size(1);
    if (!linear.weight.is_cpu() || inputs > mostInputs || !fitsIntegers(input)) return false;
    auto packed = store[key].lock();
    if (!packed) {
        const auto integers = integerWeight(linear.weight, rule, kept);
        if (!integers) return false;
        std::vector<float> columns;
        const at::Tensor weight = linear.weight.to(at::kFloat);
        for (const int column : kept) {
            const at::Tensor one = weight.select(1, column).contiguous();
            columns.insert(columns.end(), one.const_data_ptr<float>(), one.const_data_ptr<float>() + outputs);
        }
        at::Tensor bias;
        if (linear.bias.defined()) bias = linear.bias.to(at::kFloat).contiguous();
        packed = std::make_shared<const PackedWeight>(integers->q.data(), outputs, inputs, integers->scales,
                                                      bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                                                      std::vector<int>(kept.begin(), kept.end()), columns);
        std::erase_if(store, [](const auto& entry) { return entry.second.expired(); });
        store[key] = packed;
    }
    packed_[&linear] = {std::move(packed), input};
    inputs_.insert(linear.input);
    return true;
}

at::Tensor IntegerLinears::multiply(const Linear& linear, const at::Tensor& x,
                                    const std::vector<int>& lengths) const {
    const Entry& entry = packed_.at(&linear);
    if (!last_.defined() || !last_.is_same(x)) { // a query's input is a key's and a value's too
        const PhaseTimer timer(Phase::quantize);
        rows_ = std::make_shared<const IntegerRows>(
            integerRows(x, entry.input, lengths, entry.weight->keptInputs()));
        last_ = x;
    }
    const PhaseTimer timer(Phase::gemm);
    auto shape = x.sizes().vec();
    shape.back() = entry.weight->outputs();
    at::Tensor out = at::empty(shape, x.options());
    entry.weight->multiply(*rows_, out.data_ptr<float>());
    return out;
}

std::map<const void*, std::int64_t> IntegerLinears::heldBytes() const {
    std::map<const void*, std::int64_t> held;
    for (const auto& [linear, entry] : packed_)
        held[entry.weight.get()] = static_cast<std::int64_t>(entry.weight->bytes());
    return held;
}

} // namespace kurtoscope
