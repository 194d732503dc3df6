// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/bf16_linears.h"

#include "core/base/phases.h"
#include "core/engine/blocks.h"
#include "core/quantization/round_activation.h"

#include <utility>

namespace kurtoscope {

bool Bf16Linears::pack(const RealLayer& layer, PackedWeights& store) {
    if (layer.rule.format != Format::bf16 || layer.rule.solver || !layer.input ||
        layer.input->rule.format != Format::bf16)
        return false;
    const Linear& linear = layer.linear;
    const std::set<int>& kept = layer.kept;
    Packed made;
    const at::Tensor weight = linear.weight.to(at::kFloat).contiguous();
    if (linear.bias.defined()) made.bias = linear.bias.to(at::kFloat).contiguous();
    if (!kept.empty()) {
        made.kept = at::tensor(std::vector<std::int64_t>(kept.begin(), kept.end()), at::kLong);
        made.keptWeight = weight.index_select(1, made.kept); // [output, kept]
        withKept_.insert(linear.input);
    }
    made.weight = store.bf16[layer.key].lock();
    if (!made.weight) {
        at::Tensor cast = weight.to(at::kBFloat16);
        if (!kept.empty()) cast.index_fill_(1, made.kept, 0);
        made.weight = std::make_shared<const PackedBf16>(
            static_cast<const std::uint16_t*>(cast.const_data_ptr()), weight.size(0), weight.size(1));
        std::erase_if(store.bf16, [](const auto& entry) { return entry.second.expired(); });
        store.bf16[layer.key] = made.weight;
    }
    packed_[&linear] = std::move(made);
    return true;
}

at::Tensor Bf16Linears::normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                               const std::vector<int>&) const {
    if (!fitsNorm(x, norm) || x.numel() == 0) return {};
    const std::int64_t channels = x.size(-1);
    last_.reset(); // what fails half-way is nobody's
    rows_.resize(x.numel() / channels, channels);
    return last_ = normRows(x, norm, !alone || withKept_.contains(input),
                            [&](const float* values, std::int64_t row) { rows_.put(row, 0, values, channels); });
}

void Bf16Linears::makeRows(const at::Tensor& x) const {
    if (last_.defined() && last_.is_same(x)) return; // a query's input is a key's and a value's too
    const PhaseTimer timer(Phase::quantize);
    last_.reset(); // what fails half-way is nobody's
    bf16Rows(x.contiguous().const_data_ptr<float>(), x.numel() / x.size(-1), x.size(-1), rows_);
    last_ = x;
}

void Bf16Linears::Packed::addKept(at::Tensor& out, const at::Tensor& x) const {
    if (!kept.defined()) return;
    out.view({-1, out.size(-1)}).addmm_(x.reshape({-1, x.size(-1)}).index_select(1, kept), keptWeight.t());
}

std::vector<at::Tensor> Bf16Linears::multiplyEach(const std::vector<const Linear*>& layers,
                                                  const at::Tensor& x, const std::vector<int>&) const {
    makeRows(x);
    const PhaseTimer timer(Phase::gemm);
    std::vector<at::Tensor> made;
    std::vector<PackedBf16::Product> products;
    for (const Linear* layer : layers) {
        const Packed& packed = packed_.at(layer);
        const std::int64_t outputs = packed.weight->outputs();
        auto* to = made.emplace_back(emptyProduct(x, outputs)).data_ptr<float>();
        products.push_back({*packed.weight, packed.terms(), to, outputs});
    }
    PackedBf16::multiplyEach(rows_, products);
    for (std::size_t i = 0; i < layers.size(); ++i)
        packed_.at(layers[i]).addKept(made[i], x);
    return made;
}

at::Tensor Bf16Linears::multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>&,
                                 const Then& then) const {
    const Packed& packed = packed_.at(&linear);
    const std::int64_t outputs = packed.weight->outputs();
    makeRows(x);
    const PhaseTimer timer(Phase::gemm);
    auto shape = x.sizes().vec();
    shape.back() = outputs;
    const float* bias = packed.terms();
    const bool fits = !packed.kept.defined() && then.fits();
    if (fits && then.reader && !withKept_.contains(*then.reader)) { // its values are not written
        next_.resize(rows_.rows, outputs);
        packed.weight->multiplyInto(rows_, bias,
                                    [&](float* values, std::int64_t stride, std::int64_t row,
                                        std::int64_t lastRow, std::int64_t first, std::int64_t last) {
                                        const PhaseTimer finishing(Phase::epilogue);
                                        for (; row < lastRow; ++row, values += stride) {
                                            then.finishRow(values, row * outputs + first, last - first);
                                            next_.put(row, first, values, last - first);
                                        }
                                    });
        std::swap(rows_, next_);
        return last_ = unwritten(shape, x.options());
    }
    at::Tensor out = emptyProduct(x, outputs);
    auto* to = out.data_ptr<float>();
    packed.weight->multiply(rows_, bias, to, outputs, fits ? then.afterRows(to, outputs) : AfterRows());
    if (fits) return out;
    packed.addKept(out, x);
    return then.applied(out);
}

std::map<const void*, std::int64_t> Bf16Linears::heldBytes() const {
    std::map<const void*, std::int64_t> held;
    for (const auto& [linear, packed] : packed_)
        held[packed.weight.get()] = static_cast<std::int64_t>(packed.weight->bytes());
    return held;
}

} // namespace kurtoscope
