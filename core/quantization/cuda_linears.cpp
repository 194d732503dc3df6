// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/cuda_linears.h"

#include "core/base/phases.h"
#include "core/quantization/gpu_numbers.h"

#include <algorithm>

namespace kurtoscope {

using namespace gpu;

namespace {

constexpr std::int64_t workspaceBytes = std::int64_t{32} << 20;
constexpr std::size_t mostLengths = 64;

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

} // namespace

KernelTag CudaLinears::tag() const {
    if (!missed_.empty()) return KernelTag::simulated;
    return isWide(format_) || format_ == Format::e4m3 ? KernelTag::floating : KernelTag::integer;
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

// The products of `count` parts from the first on [part, row, output]; float32 where integers were refused.
at::Tensor CudaLinears::sumsOf(const Linear& linear, const Packed& packed, std::int64_t first,
                               std::int64_t count) const {
    const auto part = [&](std::int64_t i) -> const Part& { return packed.parts[std::size_t(first + i)]; };
    const at::ScalarType type = format_ == Format::integer ? at::kInt : at::kFloat;
    const at::Tensor sums =
        at::empty({count, q_.size(0), packed.weight->q.size(0)}, q_.options().dtype(type));
    const char* reason = nullptr;
    for (std::int64_t i = 0; i < count && !reason; ++i) {
        at::Tensor one = sums.select(0, i);
        reason = multiplyPart(*packed.weight, part(i), one);
    }
    if (!reason) return sums;
    missed_ = linear.name + " was multiplied in float32: cuBLASLt has no product for " +
              std::to_string(q_.size(0)) + " rows (" + reason + ")";
    std::vector<at::Tensor> plain;
    for (std::int64_t i = 0; i < count; ++i)
        plain.push_back(plainSums(*packed.weight, part(i)));
    return at::stack(plain);
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
        const at::Tensor sums = sumsOf(linear, packed, first, count);
        KurtoscopeCudaFinish work{};
        for (std::int64_t i = 0; i < count; ++i)
            work.range[i] = packed.parts[std::size_t(first + i)].range;
        const bool last = first + count == parts;
        work.sums = sums.const_data_ptr(), work.isFloat = sums.scalar_type() == at::kFloat;
        work.parts = int(count), work.rows = rows, work.outputs = weight.outputs;
        work.sumsStride = sums.size(2), work.partStride = sums.size(1) * sums.size(2);
        work.ranges = packed.rows->ranges;
        if (!isWide(format_)) {
            work.rowScales = floats(rowScales_);
            work.columnScales = floats(weight.scales) + first * weight.outputs;
            if (weight.sums.defined() && !packed.rows->rounding.rule.symmetric)
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
