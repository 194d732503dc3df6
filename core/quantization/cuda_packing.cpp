// SPDX-License-Identifier: GPL-3.0-or-later
// How weights and ranges come to the GPU, and what is refused on the way.
#include "core/quantization/cuda_linears.h"

#include "core/quantization/gpu_numbers.h"
#include "core/quantization/integer_linears.h"

#include <algorithm>

namespace kurtoscope {

using namespace gpu;

namespace {

constexpr int firstWithE4m3 = 89;

// The columns that are kept, as they were.
void packKept(const RealLayer& layer, const at::Tensor& weight, PackedOnGpu& made) {
    if (layer.kept.empty()) return;
    const std::vector<std::int64_t> channels(layer.kept.begin(), layer.kept.end());
    const std::int64_t count = std::int64_t(channels.size()), outputs = weight.size(0);
    const at::Tensor columns = weight.index_select(1, at::tensor(channels, at::kLong).to(weight.device()));
    if (count <= KurtoscopeCudaFinish::mostKept) {
        made.keptColumns = columns.t().contiguous();
        return;
    }
    made.keptHalves =
        at::zeros({padded(outputs), padded(count, whole / 2)}, columns.options().dtype(at::kHalf));
    made.keptHalves.narrow(0, 0, outputs).narrow(1, 0, count).copy_(columns);
}

} // namespace

bool CudaLinears::refuse(const RealLayer& layer, const std::string& why) {
    shortfall_ = layer.linear.name + " is simulated on the GPU, and all others with it: " + why;
    return false;
}

bool CudaLinears::pack(const RealLayer& layer, PackedWeights& store) {
    if (!layer.input) return refuse(layer, "its input is not rounded");
    if (layer.linear.weight.size(1) > mostInputs) return refuse(layer, "it has too many inputs");
    Packed made;
    if (!(format_ == Format::integer ? packIntegers(layer, store, made) : packFloats(layer, store, made)))
        return false;
    if (!runs(made, layer.linear.name)) return false;
    std::erase_if(store.onGpu, [](const auto& entry) { return entry.second.expired(); });
    packed_[&layer.linear] = std::move(made);
    return true;
}

// `ranges`: one part for each range, or for all that weights have scales of their own for.
std::shared_ptr<const GpuRows> CudaLinears::rowsFor(const RealLayer& layer, std::vector<IntegerPart> ranges) {
    const std::int64_t inputs = layer.linear.weight.size(1);
    const at::Device device = layer.linear.weight.device();
    if (const auto found = atSite_.find(layer.linear.input); found != atSite_.end()) return found->second;
    auto made = std::make_shared<GpuRows>();
    made->rounding = ranges.front().rounding;
    made->rounding.inlier = layer.input->inlier;
    made->kept.assign(layer.kept.begin(), layer.kept.end());
    const bool severalRanges = layer.rule.granularity != Granularity::per_group && ranges.size() > 1;
    std::vector<std::int32_t> order, ends;
    std::vector<float> scales, zeros;
    for (const IntegerPart& range : ranges) {
        for (std::int64_t i = 0; i < (range.channels.empty() ? inputs : std::int64_t(range.channels.size()));
             ++i)
            order.push_back(std::int32_t(range.channels.empty() ? i : range.channels[std::size_t(i)]));
        order.resize(std::size_t(padded(std::int64_t(order.size()))), -1);
        ends.push_back(std::int32_t(order.size()));
        scales.push_back(range.rounding.grid.scale), zeros.push_back(range.rounding.grid.zero);
    }
    made->stride = std::int64_t(order.size());
    bool asTheyCome = true;
    for (std::int64_t place = 0; place < made->stride; ++place)
        asTheyCome &= order[std::size_t(place)] == (place < inputs ? place : -1);
    if (!asTheyCome) made->order = uploaded(order, {made->stride}, at::kInt, device);
    if (severalRanges) {
        made->ranges = std::int64_t(ranges.size());
        made->ends = uploaded(ends, {made->ranges}, at::kInt, device);
    }
    if (!made->rounding.rule.dynamic) {
        if (format_ == Format::e4m3)
            scales = {layer.input->absmax > 0 ? layer.input->absmax / 448.0F : 1.0F}, zeros = {0};
        made->scales = uploaded(scales, {made->ranges}, at::kFloat, device);
        made->zeros = uploaded(zeros, {made->ranges}, at::kFloat, device);
    }
    if (!made->kept.empty()) {
        made->inlier = uploaded(made->rounding.inlier, {inputs}, at::kInt, device);
        made->chosen = uploaded(made->kept, {std::int64_t(made->kept.size())}, at::kInt, device);
    }
    return atSite_[layer.linear.input] = made;
}

bool CudaLinears::packIntegers(const RealLayer& layer, PackedWeights& store, Packed& made) {
    const std::int64_t outputs = layer.linear.weight.size(0), inputs = layer.linear.weight.size(1);
    std::vector<IntegerPart> parts = integerParts(*layer.input);
    if (parts.empty()) return refuse(layer, "its input is rounded to no plain integers");
    if (layer.rule.granularity == Granularity::per_group && layer.rule.group < inputs) {
        parts = cutParts(parts, layer.rule.group, inputs);
        if (parts.empty()) return refuse(layer, "its weights' groups are narrow, or cross its input's");
    }
    made.rows = rowsFor(layer, parts);
    std::int64_t place = 0;
    for (const IntegerPart& part : parts) {
        const std::int64_t width =
            padded(part.channels.empty() ? inputs : std::int64_t(part.channels.size()));
        made.parts.push_back({place, width, made.rows->ranges > 1 ? int(made.parts.size()) : 0});
        place += width;
    }
    std::string name = layer.key;
    for (const IntegerPart& part : parts)
        for (name += ";"; const std::int64_t channel : part.channels)
            name += std::to_string(channel) + ",";
    if ((made.weight = store.onGpu[name].lock())) return true;
    const auto found = integersOf(layer);
    if (!found) return refuse(layer, "its weights are no plain integers");
    const std::int64_t groups = std::int64_t(found->scales.size()) / outputs, stride = made.rows->stride;
    std::vector<std::int8_t> q(std::size_t(padded(outputs) * stride));
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
    for (std::size_t p = 0; p < parts.size(); ++p)
        for (std::int64_t output = 0; output < outputs; ++output) {
            const std::vector<std::int64_t>& channels = parts[p].channels;
            std::int8_t* to = q.data() + output * stride + made.parts[p].first;
            std::int32_t sum = 0;
            const std::int64_t count = channels.empty() ? inputs : std::int64_t(channels.size());
            for (std::int64_t i = 0; i < count; ++i)
                sum += to[i] =
                    found
                        ->q[std::size_t(output * inputs + (channels.empty() ? i : channels[std::size_t(i)]))];
            sums.push_back(sum);
            scales.push_back(
                found->scales[std::size_t(output * groups + (groups > 1 ? std::int64_t(p) : 0))]);
        }
    const at::Device device = layer.linear.weight.device();
    const auto weight = std::make_shared<PackedOnGpu>();
    weight->outputs = outputs;
    weight->q = uploaded(q, {padded(outputs), stride}, at::kChar, device);
    weight->scales = uploaded(scales, {std::int64_t(parts.size()), outputs}, at::kFloat, device);
    weight->sums = uploaded(sums, {std::int64_t(parts.size()), outputs}, at::kInt, device);
    const at::Tensor& bias = layer.linear.bias;
    if (bias.defined()) weight->bias = bias.to(at::kFloat).contiguous();
    packKept(layer, layer.linear.weight.to(at::kFloat), *weight);
    store.onGpu[name] = made.weight = weight;
    return true;
}

bool CudaLinears::packFloats(const RealLayer& layer, PackedWeights& store, Packed& made) {
    const ActivationRule& input = layer.input->rule;
    const WeightRule& rule = layer.rule;
    const bool e4m3 = format_ == Format::e4m3;
    if (input.format != format_ || rule.format != format_ || rule.solver || input.embeddingGroups > 0 ||
        input.threshold > 0 || !layer.input->scales.empty())
        return refuse(layer, "its two sides are not one plain cast");
    const bool ranged = input.granularity == Granularity::per_tensor || input.perToken();
    const bool columns = rule.granularity == Granularity::per_channel;
    if (e4m3 && (!ranged || (!columns && rule.granularity != Granularity::per_tensor) ||
                 rule.range != RangeMethod::minmax))
        return refuse(layer, "its scales are of groups");
    const at::Tensor weight = layer.linear.weight.to(at::kFloat).contiguous();
    if (e4m3 && !library_.onHost && library_.capability(weight.device().index()) < firstWithE4m3)
        return refuse(layer, "this GPU has no E4M3 products (compute capability 8.9 and above have)");
    IntegerPart all;
    all.rounding = *layer.input;
    made.rows = rowsFor(layer, {all});
    made.parts = {{0, made.rows->stride, 0}};
    if ((made.weight = store.onGpu[layer.key].lock())) return true;
    const std::int64_t outputs = weight.size(0), inputs = weight.size(1), stride = made.rows->stride;
    const auto packed = std::make_shared<PackedOnGpu>();
    packed->outputs = outputs;
    packed->q = at::zeros({padded(outputs), stride}, weight.options().dtype(storedAs(format_)));
    if (layer.linear.bias.defined()) packed->bias = layer.linear.bias.to(at::kFloat).contiguous();
    packKept(layer, weight, *packed);
    if (e4m3) {
        packed->scales = at::empty({1, outputs}, weight.options());
        const at::Tensor zeros = at::empty({outputs}, weight.options().dtype(at::kInt)),
                         extents = at::empty({2}, weight.options());
        KurtoscopeCudaRows work{};
        work.x = floats(weight);
        work.sequences = 1, work.rows = outputs, work.channels = inputs, work.positions = outputs;
        work.inlier = integers(made.rows->inlier);
        work.ranges = 1, work.extents = extents.data_ptr<float>();
        work.bits = 8, work.perToken = columns, work.e4m3 = 1;
        work.q = packed->q.data_ptr<std::int8_t>(), work.stride = stride;
        work.scales = packed->scales.data_ptr<float>(), work.zeros = zeros.data_ptr<std::int32_t>();
        work.stream = stream(weight);
        demand(library_.rows(&work), "a weight's numbers");
    } else {
        at::Tensor cast = weight.clone();
        for (const int channel : layer.kept)
            cast.select(1, channel).zero_();
        packed->q.narrow(0, 0, outputs).narrow(1, 0, inputs).copy_(cast);
    }
    store.onGpu[layer.key] = made.weight = packed;
    return true;
}

// Asked once for each shape: what cuBLASLt refuses, it refuses for any number of rows.
bool CudaLinears::runs(const Packed& packed, const std::string& name) {
    for (const Part& part : packed.parts) {
        const std::array<std::int64_t, 3> shape{packed.weight->q.size(0), part.width, packed.rows->stride};
        auto found = tried_.find(shape);
        if (found == tried_.end()) {
            q_ = at::zeros({fewestRows, packed.rows->stride}, packed.weight->q.options());
            at::Tensor out =
                at::empty({fewestRows, shape[0]},
                          q_.options().dtype(format_ == Format::integer ? at::kInt : at::kFloat));
            const char* reason = multiplyPart(*packed.weight, part, out);
            found = tried_.emplace(shape, reason ? reason : "").first;
        }
        if (found->second.empty()) continue;
        shortfall_ =
            name +
            " is simulated on the GPU, and all others with it: cuBLASLt has no product of this size (" +
            found->second + ")";
        return false;
    }
    last_.reset();
    return true;
}

} // namespace kurtoscope
