// SPDX-License-Identifier: GPL-3.0-or-later
// What is stored for each linear layer, tensor by tensor.
#include "core/export/compressed/compressed_linear.h"
#include "core/export/narrow_floats.h"
#include "core/quantization/number_format.h"
#include "core/quantization/weight_levels.h"

#include <cstring>

namespace kurtoscope {
namespace {

template <class T>
std::string bytesOf(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

PlannedTensor tensor(const std::string& name, const char* type, std::vector<std::int64_t> shape,
                     std::function<std::string()> make) {
    return {name, type, std::move(shape), std::move(make)};
}

PlannedTensor floats(const std::string& name, std::vector<float> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return tensor(name, "F32", {count}, [values = std::move(values)] { return bytesOf(values); });
}

// `bits` of each value raised to be positive, one behind the other from the lowest bit of 32-bit words on.
std::vector<std::uint32_t> packed(const std::vector<std::int8_t>& q, std::int64_t rows, std::int64_t columns,
                                  int bits) {
    const std::int64_t words = (columns * bits + 31) / 32;
    std::vector<std::uint32_t> made(std::size_t(rows * words), 0);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) {
            const auto value =
                static_cast<std::uint32_t>(q[std::size_t(row * columns + column)] + (1 << (bits - 1)));
            const std::int64_t bit = column * bits; // 4 and 8 divide 32: no value lies across two words
            made[std::size_t(row * words + bit / 32)] |= value << (bit % 32);
        }
    return made;
}

// The levels of one weight, made when its first tensor is asked for and dropped with its last.
class SharedLevels {
public:
    explicit SharedLevels(const CompressedLinear& one)
        : rounded_(*one.rounded), rule_(one.weightRule), kept_(one.kept), name_(one.linear->name) {}
    const WeightLevels& get() {
        if (!made_) made_ = std::make_unique<WeightLevels>(levelsOf(rounded_, rule_, kept_, name_));
        return *made_;
    }

private:
    at::Tensor rounded_;
    WeightRule rule_;
    std::set<int> kept_;
    std::string name_;
    std::unique_ptr<WeightLevels> made_;
};

void addIntegers(const CompressedLinear& one, std::vector<PlannedTensor>& all) {
    const std::string& name = one.linear->name;
    const std::int64_t outputs = one.linear->weight.size(0), inputs = one.linear->weight.size(1);
    const WeightRule& rule = one.weightRule;
    const auto levels = std::make_shared<SharedLevels>(one);
    std::vector<std::int64_t> scaleShape{1};
    if (rule.granularity == Granularity::per_channel) scaleShape = {outputs, 1};
    if (rule.granularity == Granularity::per_group) scaleShape = {outputs, inputs / rule.group};
    if (one.format == "pack-quantized") {
        const int bits = rule.bits;
        all.push_back(tensor(name + ".weight_packed", "I32", {outputs, (inputs * bits + 31) / 32},
                             [=] { return bytesOf(packed(levels->get().q, outputs, inputs, bits)); }));
        all.push_back(tensor(name + ".weight_shape", "I64", {2}, [=] {
            return bytesOf(std::vector<std::int64_t>{outputs, inputs});
        }));
    } else {
        all.push_back(
            tensor(name + ".weight", "I8", {outputs, inputs}, [=] { return bytesOf(levels->get().q); }));
    }
    all.push_back(
        tensor(name + ".weight_scale", "F32", scaleShape, [=] { return bytesOf(levels->get().scales); }));
    if (!rule.symmetric)
        all.push_back(tensor(name + ".weight_zero_point", "I8", scaleShape,
                             [=] { return bytesOf(levels->get().zeros); }));
}

// The weight whose kept columns are zero: they have no say in a scale, and what is stored of them is nothing.
at::Tensor inliersOf(const CompressedLinear& one) {
    at::Tensor weight = one.linear->weight.to(at::kCPU, at::kFloat).clone();
    for (const int column : one.kept)
        weight.select(1, column).zero_();
    return weight;
}

void addFp8(const CompressedLinear& one, std::vector<PlannedTensor>& all) {
    const std::string& name = one.linear->name;
    const std::int64_t outputs = one.linear->weight.size(0), inputs = one.linear->weight.size(1);
    const bool perChannel = one.weightRule.granularity == Granularity::per_channel;
    const auto scale = [=, one = one] {
        const at::Tensor absmax = inliersOf(one).abs();
        const at::Tensor over = (perChannel ? absmax.amax(1, true) : absmax.amax().view({1, 1})) /
                                numberFormat(Format::e4m3).largest;
        return at::where(over > 0, over, at::ones({}, over.options()));
    };
    all.push_back(tensor(name + ".weight", "F8_E4M3", {outputs, inputs},
                         [=, one = one] { return e4m3Bytes(inliersOf(one) / scale()); }));
    all.push_back(tensor(name + ".weight_scale", "F32",
                         perChannel ? std::vector<std::int64_t>{outputs, 1} : std::vector<std::int64_t>{1},
                         [=] { return floatBytes(scale()); }));
}

void addFp4(const CompressedLinear& one, std::vector<PlannedTensor>& all) {
    const std::string& name = one.linear->name;
    const std::int64_t outputs = one.linear->weight.size(0), inputs = one.linear->weight.size(1);
    const bool nv = one.weightRule.format == Format::nvfp4;
    const std::int64_t block = nv ? 16 : 32;
    all.push_back(tensor(name + ".weight_packed", "U8", {outputs, inputs / 2},
                         [one = one] { return fp4Bytes(inliersOf(one), one.weightRule.format).values; }));
    all.push_back(tensor(name + ".weight_scale", nv ? "F8_E4M3" : "U8", {outputs, inputs / block},
                         [one = one] { return fp4Bytes(inliersOf(one), one.weightRule.format).scales; }));
    if (nv)
        all.push_back(tensor(name + ".weight_global_scale", "F32", {1}, [one = one] {
            return bytesOf(std::vector<float>{fp4Bytes(inliersOf(one), one.weightRule.format).globalScale});
        }));
}

} // namespace

std::vector<PlannedTensor> compressedTensors(const CompressedLinear& one) {
    std::vector<PlannedTensor> all;
    const std::string& name = one.linear->name;
    if (!one.weights.is_null()) {
        if (one.weightRule.format == Format::integer)
            addIntegers(one, all);
        else if (one.weightRule.format == Format::e4m3)
            addFp8(one, all);
        else
            addFp4(one, all);
    }
    if (!one.input || one.input->rule.dynamic) return all;
    const ActivationRule& rule = one.input->rule;
    if (rule.format == Format::integer) {
        all.push_back(floats(name + ".input_scale", {one.input->grid.scale}));
        if (!rule.symmetric) {
            const auto zero = static_cast<std::int8_t>(one.input->grid.zero);
            all.push_back(tensor(name + ".input_zero_point", "I8", {1},
                                 [zero] { return bytesOf(std::vector<std::int8_t>{zero}); }));
        }
    } else {
        const NumberFormat& format = numberFormat(rule.format);
        const float absmax = one.input->absmax > 0 ? one.input->absmax : 1;
        if (rule.format == Format::nvfp4)
            all.push_back(floats(name + ".input_global_scale",
                                 {format.largest * numberFormat(Format::e4m3).largest / absmax}));
        else
            all.push_back(floats(name + ".input_scale", {absmax / format.largest}));
    }
    return all;
}

} // namespace kurtoscope
