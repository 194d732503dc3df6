// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/cuda_linears.h"

#include "core/base/error.h"
#include "core/base/phases.h"
#include "core/quantization/integer_linears.h"

#include <algorithm>

namespace kurtoscope {

// A layer's weight where the GPU multiplies it; kept columns are zero in it.
class PackedOnGpu {
public:
    std::int64_t outputs = 0;
    at::Tensor q;           // [padded output, place] int8 (E4M3 as its bits), half or bfloat16
    at::Tensor scales;      // [part, output] float32; undefined: 1
    at::Tensor sums;        // [part, output] int32 Σ q; undefined where nothing has a zero point
    at::Tensor bias;        // [output] float32; may be undefined
    at::Tensor keptColumns; // [kept, output] float32, for few; else
    at::Tensor keptHalves;  // [padded output, kept, padded] half

    std::int64_t bytes() const {
        std::int64_t all = 0;
        for (const at::Tensor* one : {&q, &scales, &sums, &bias, &keptColumns, &keptHalves})
            if (one->defined()) all += std::int64_t(one->nbytes());
        return all;
    }
};

namespace {

constexpr std::int64_t whole = 16; // what tensor cores take at once, in bytes of inputs, outputs and rows
constexpr std::int64_t fewestRows = 32, workspaceBytes = std::int64_t{32} << 20;
constexpr std::int64_t mostInputs = 65'536; // their sum of products still fits 32 bits
constexpr std::size_t mostLengths = 64;
constexpr int firstWithE4m3 = 89;

std::int64_t padded(std::int64_t count, std::int64_t to = whole) {
    return (count + to - 1) / to * to;
}

template <class Value>
at::Tensor uploaded(const std::vector<Value>& values, at::IntArrayRef shape, at::ScalarType type,
                    at::Device device) {
    return at::from_blob(const_cast<Value*>(values.data()), shape, type).clone().to(device);
}

// The kernel for a function, or none; empty where it has none.
std::optional<int> kernelFor(const Activation* activation) {
    if (!activation) return kurtoscopeNoActivation;
    if (activation->row == geluRow) return kurtoscopeGelu;
    if (activation->row == geluTanhRow) return kurtoscopeGeluTanh;
    if (activation->row == reluRow) return kurtoscopeRelu;
    if (activation->row == siluRow) return kurtoscopeSilu;
    return std::nullopt;
}

bool isPlainOn(const at::Tensor* tensor, const at::Tensor& x) {
    return !tensor ||
           (tensor->device() == x.device() && tensor->scalar_type() == at::kFloat && tensor->is_contiguous());
}

bool isWide(Format format) {
    return format == Format::fp16 || format == Format::bf16;
}

KurtoscopeCudaNumbers numbersOf(Format format) {
    switch (format) {
    case Format::e4m3:
        return kurtoscopeE4m3;
    case Format::fp16:
        return kurtoscopeHalf;
    case Format::bf16:
        return kurtoscopeBfloat16;
    default:
        return kurtoscopeInt8;
    }
}

at::ScalarType storedAs(Format format) {
    return format == Format::fp16 ? at::kHalf : format == Format::bf16 ? at::kBFloat16 : at::kChar;
}

const float* floats(const at::Tensor& tensor) {
    return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}
const std::int32_t* integers(const at::Tensor& tensor) {
    return tensor.defined() ? tensor.const_data_ptr<std::int32_t>() : nullptr;
}

void demand(const char* reason, const char* what) {
    if (reason)
        throw Error("a CUDA kernel failed (" + std::string(what) + "): " + reason, "",
                    "Use --kernels simulated or --device cpu");
}

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

KernelTag CudaLinears::tag() const {
    if (!missed_.empty()) return KernelTag::simulated;
    return isWide(format_) || format_ == Format::e4m3 ? KernelTag::floating : KernelTag::integer;
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
        if (layer.rule.group < IntegerRows::whole || parts.size() != 1 || !parts.front().channels.empty())
            return refuse(layer, "its weights' groups are narrow, or cross its input's");
        const SiteRounding rounding = parts.front().rounding;
        parts.clear();
        for (std::int64_t first = 0; first < inputs; first += layer.rule.group) {
            parts.push_back({{}, rounding});
            for (std::int64_t i = first; i < std::min(inputs, first + layer.rule.group); ++i)
                parts.back().channels.push_back(i);
        }
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
    if (!layer.input->rule.symmetric)
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

void* CudaLinears::stream(const at::Tensor& x) const {
    return library_.onHost ? nullptr : library_.stream(x.device().index());
}

at::Tensor& CudaLinears::workspace(const at::Tensor& like) const {
    if (!workspace_.defined())
        workspace_ = at::empty({library_.onHost ? 1 : workspaceBytes}, like.options().dtype(at::kByte));
    return workspace_;
}

at::Tensor CudaLinears::lengthsOnDevice(const std::vector<int>& lengths, const at::Tensor& like) const {
    if (lengths_.size() >= mostLengths && !lengths_.contains(lengths)) lengths_.clear();
    at::Tensor& held = lengths_[lengths];
    if (!held.defined()) held = uploaded(lengths, {std::int64_t(lengths.size())}, at::kInt, like.device());
    return held;
}

void CudaLinears::makeRows(const std::shared_ptr<const GpuRows>& plan, const at::Tensor& x,
                           const NormStep* norm, at::Tensor* normed, const std::vector<int>& lengths) const {
    const PhaseTimer timer(Phase::quantize);
    last_.reset(); // what fails half-way is nobody's
    const GpuRows& rows = *plan;
    const ActivationRule& rule = rows.rounding.rule;
    const at::Tensor in = x.contiguous();
    const std::int64_t channels = in.size(-1), count = in.numel() / channels;
    q_ = at::empty({std::max(fewestRows, padded(count)), rows.stride}, in.options().dtype(storedAs(format_)));
    lastRows_ = plan;
    if (isWide(format_)) {
        at::Tensor filled = q_.narrow(0, 0, count);
        filled.narrow(1, 0, channels).copy_(in.view({count, channels}));
        if (rows.stride > channels) filled.narrow(1, channels, rows.stride - channels).zero_();
        if (!rows.kept.empty()) filled.index_fill_(1, rows.chosen.to(at::kLong), 0);
        return;
    }
    rowScales_ = at::empty({count, rows.ranges}, in.options());
    rowZeros_ = at::empty({count, rows.ranges}, in.options().dtype(at::kInt));
    const bool ofTensors = rule.dynamic && !rule.perToken();
    const at::Tensor extents =
        ofTensors ? at::empty({2 * in.size(0) * rows.ranges}, in.options()) : at::Tensor();
    KurtoscopeCudaRows work{};
    work.x = floats(in);
    work.sequences = in.size(0), work.rows = count / std::max<std::int64_t>(1, in.size(0)),
    work.channels = channels;
    work.positions = in.dim() >= 3 ? in.size(-2) : 1;
    // None where nothing is padding: a CUDA graph may hold the pass for longer than lengths_ holds these.
    const auto isPadded = [&](int length) { return length < work.positions; };
    if (ofTensors && in.dim() >= 3 && std::any_of(lengths.begin(), lengths.end(), isPadded))
        work.lengths = integers(lengthsOnDevice(lengths, in));
    work.inlier = integers(rows.inlier);
    if (norm) {
        work.normWeight = floats(norm->weight), work.normBias = norm->bias ? floats(*norm->bias) : nullptr;
        work.epsilon = float(norm->epsilon), work.normed = normed ? normed->data_ptr<float>() : nullptr;
    }
    work.order = integers(rows.order), work.rangeEnd = integers(rows.ends), work.ranges = rows.ranges;
    work.fixedScales = floats(rows.scales), work.fixedZeros = floats(rows.zeros);
    work.extents = ofTensors ? extents.data_ptr<float>() : nullptr;
    work.bits = rule.bits, work.symmetric = rule.symmetric, work.fullRange = rule.fullRange;
    work.perToken = rule.perToken(), work.e4m3 = format_ == Format::e4m3;
    work.q = q_.data_ptr<std::int8_t>(), work.stride = rows.stride;
    work.scales = rowScales_.data_ptr<float>(), work.zeros = rowZeros_.data_ptr<std::int32_t>();
    work.stream = stream(in);
    demand(library_.rows(&work), "rows");
}

at::Tensor CudaLinears::normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                               const std::vector<int>& lengths) const {
    const auto found = atSite_.find(input);
    if (isWide(format_) || found == atSite_.end() || x.numel() == 0 || !isPlainOn(&x, x) ||
        !isPlainOn(&norm.weight, x) || !isPlainOn(norm.bias, x))
        return {};
    const ActivationRule& rule = found->second->rounding.rule;
    const bool unwritten = alone && found->second->kept.empty() && (!rule.dynamic || rule.perToken());
    at::Tensor y = at::empty_like(x);
    makeRows(found->second, x, &norm, unwritten ? nullptr : &y, lengths);
    last_ = y;
    return y;
}

const char* CudaLinears::multiplyPart(const PackedOnGpu& weight, const Part& part, at::Tensor& out) const {
    const std::int64_t size = std::int64_t(q_.element_size());
    KurtoscopeCudaProduct work{};
    work.x = static_cast<const char*>(q_.const_data_ptr()) + part.first * size;
    work.weight = static_cast<const char*>(weight.q.const_data_ptr()) + part.first * size;
    work.out = out.data_ptr();
    work.rows = q_.size(0), work.outputs = weight.q.size(0), work.inputs = part.width;
    work.xStride = q_.size(1), work.weightStride = weight.q.size(1), work.outStride = weight.q.size(0);
    work.numbers = numbersOf(format_);
    work.workspace = workspace(q_).data_ptr(), work.workspaceBytes = workspace_.numel();
    work.device = q_.device().index();
    work.stream = stream(q_);
    return library_.product(&work);
}

// The same sums in float32, to its own rounding.
at::Tensor CudaLinears::plainSums(const PackedOnGpu& weight, const Part& part) const {
    const auto numbers = [&](const at::Tensor& q, std::int64_t first) {
        const at::Tensor bits = q.narrow(1, first, part.width);
        return format_ == Format::e4m3 ? bits.contiguous().view(at::kFloat8_e4m3fn).to(at::kFloat)
                                       : bits.to(at::kFloat);
    };
    return at::matmul(numbers(q_, part.first), numbers(weight.q, part.first).t());
}

// The product of many kept channels: halves, each row by a power of two smaller, `scales`.
void CudaLinears::gather(const Packed& packed, const at::Tensor& x, at::Tensor& product,
                         at::Tensor& scales) const {
    const at::Tensor& weight = packed.weight->keptHalves;
    const std::int64_t channels = x.size(-1), rows = x.numel() / channels, all = q_.size(0);
    const at::Tensor halves = at::empty({all, weight.size(1)}, weight.options());
    scales = at::empty({rows}, x.options());
    product = at::empty({all, weight.size(0)}, x.options());
    const KurtoscopeCudaGather work{floats(x),
                                    rows,
                                    channels,
                                    integers(packed.rows->chosen),
                                    packed.rows->chosen.numel(),
                                    weight.size(1),
                                    static_cast<std::uint16_t*>(halves.data_ptr()),
                                    scales.data_ptr<float>(),
                                    stream(x)};
    demand(library_.gather(&work), "kept channels");
    const KurtoscopeCudaProduct multiplied{halves.const_data_ptr(), weight.const_data_ptr(),
                                           product.data_ptr(),      all,
                                           weight.size(0),          weight.size(1),
                                           weight.size(1),          weight.size(1),
                                           weight.size(0),          kurtoscopeHalf,
                                           workspace(x).data_ptr(), workspace_.numel(),
                                           x.device().index(),      stream(x)};
    if (library_.product(&multiplied)) // refused: the same in float32
        at::matmul_out(product, halves.to(at::kFloat), weight.to(at::kFloat).t());
}

at::Tensor CudaLinears::multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                                 const Then& then) const {
    const Packed& packed = packed_.at(&linear);
    const PackedOnGpu& weight = *packed.weight;
    auto shape = x.sizes().vec();
    shape.back() = weight.outputs;
    at::Tensor out = at::empty(shape, x.options());
    if (x.numel() == 0) return out;
    if (!last_.defined() || !last_.is_same(x) || lastRows_ != packed.rows) { // a query's input is a key's too
        makeRows(packed.rows, x, nullptr, nullptr, lengths);
        last_ = x;
    }
    const PhaseTimer timer(Phase::gemm);
    const at::Tensor in = x.contiguous();
    const auto activation = kernelFor(then.activation);
    const bool fits = activation && isPlainOn(then.times, x) && isPlainOn(then.plus, x);
    const std::int64_t channels = in.size(-1), rows = in.numel() / channels;
    at::Tensor gathered, gatheredScales;
    if (weight.keptHalves.defined()) gather(packed, in, gathered, gatheredScales);
    const auto parts = std::int64_t(packed.parts.size());
    for (std::int64_t first = 0; first < parts; first += KurtoscopeCudaFinish::mostParts) {
        const std::int64_t count = std::min<std::int64_t>(KurtoscopeCudaFinish::mostParts, parts - first);
        at::Tensor sums = at::empty({count, q_.size(0), weight.q.size(0)},
                                    in.options().dtype(format_ == Format::integer ? at::kInt : at::kFloat));
        KurtoscopeCudaFinish work{};
        const char* reason = nullptr;
        for (std::int64_t i = 0; i < count && !reason; ++i) {
            const Part& part = packed.parts[std::size_t(first + i)];
            work.range[i] = part.range;
            at::Tensor one = sums.select(0, i);
            reason = multiplyPart(weight, part, one);
        }
        if (reason) {
            missed_ = linear.name + " was multiplied in float32: cuBLASLt has no product for " +
                      std::to_string(q_.size(0)) + " rows (" + reason + ")";
            std::vector<at::Tensor> plain;
            for (std::int64_t i = 0; i < count; ++i) {
                const Part& part = packed.parts[std::size_t(first + i)];
                work.range[i] = part.range;
                plain.push_back(plainSums(weight, part));
            }
            sums = at::stack(plain);
        }
        const bool last = first + count == parts;
        work.sums = sums.const_data_ptr(), work.isFloat = sums.scalar_type() == at::kFloat;
        work.parts = int(count), work.rows = rows, work.outputs = weight.outputs;
        work.sumsStride = sums.size(2), work.partStride = sums.size(1) * sums.size(2);
        work.ranges = packed.rows->ranges;
        if (!isWide(format_)) {
            work.rowScales = floats(rowScales_);
            work.columnScales = floats(weight.scales) + first * weight.outputs;
            if (weight.sums.defined())
                work.rowZeros = integers(rowZeros_),
                work.columnSums = integers(weight.sums) + first * weight.outputs;
        }
        work.bias = first == 0 ? floats(weight.bias) : nullptr;
        work.onto = first == 0 ? nullptr : floats(out);
        work.out = out.data_ptr<float>();
        work.stream = stream(in);
        if (last && weight.keptColumns.defined()) {
            work.x = floats(in), work.channels = channels;
            work.kept = integers(packed.rows->chosen), work.keptCount = int(packed.rows->kept.size());
            work.keptColumns = floats(weight.keptColumns);
        }
        if (last && gathered.defined())
            work.gathered = floats(gathered), work.gatheredScales = floats(gatheredScales);
        if (last && fits) {
            work.activation = *activation;
            work.times = then.times ? floats(*then.times) : nullptr;
            work.plus = then.plus ? floats(*then.plus) : nullptr;
        }
        demand(library_.finish(&work), "a product's end");
    }
    return fits ? out : then.applied(out);
}

std::map<const void*, std::int64_t> CudaLinears::heldBytes() const {
    std::map<const void*, std::int64_t> held;
    for (const auto& [linear, packed] : packed_)
        held[packed.weight.get()] = packed.weight->bytes();
    return held;
}

} // namespace kurtoscope
