// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/weight_only_linears.h"

#include "core/base/error.h"
#include "core/base/phases.h"
#include "core/quantization/weight_levels.h"

namespace kurtoscope {

bool WeightOnlyLinears::pack(const RealLayer& layer, PackedWeights& store) {
    if (layer.input || layer.rule.format != Format::integer || layer.rule.bits > 8) return false;
    Packed made;
    if (layer.linear.bias.defined()) made.bias = layer.linear.bias.to(at::kFloat).contiguous();
    made.weight = store.levels[layer.key].lock();
    if (!made.weight) {
        WeightLevels levels;
        try {
            levels = levelsOf(layer.rounded(), layer.rule, layer.kept, layer.linear.name);
        } catch (const Error&) {
            return false; // NaN, for one, is no level
        }
        levels.spread();
        const bool grouped = layer.rule.granularity == Granularity::per_group;
        LevelsView view{levels.outputs,
                        levels.inputs,
                        grouped ? layer.rule.group : levels.inputs,
                        layer.rule.bits,
                        levels.q.data(),
                        levels.scales.data(),
                        levels.zeros.empty() ? nullptr : levels.zeros.data(),
                        {layer.kept.begin(), layer.kept.end()}};
        at::Tensor columns;
        if (!layer.kept.empty()) {
            const std::vector<std::int64_t> kept(layer.kept.begin(), layer.kept.end());
            columns = layer.linear.weight.to(at::kFloat).index_select(1, at::tensor(kept)).t().contiguous();
            view.keptWeights = columns.const_data_ptr<float>();
        }
        made.weight = std::make_shared<const PackedLevels>(view);
        std::erase_if(store.levels, [](const auto& entry) { return entry.second.expired(); });
        store.levels[layer.key] = made.weight;
    }
    packed_[&layer.linear] = std::move(made);
    return true;
}

at::Tensor WeightOnlyLinears::multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>&,
                                       const Then& then) const {
    const Packed& packed = packed_.at(&linear);
    const PhaseTimer timer(Phase::gemm);
    const at::Tensor from = x.contiguous();
    const std::int64_t inputs = x.size(-1), outputs = packed.weight->outputs();
    at::Tensor out = emptyProduct(x, outputs);
    auto* to = out.data_ptr<float>();
    const bool fits = then.fits();
    packed.weight->multiply(from.const_data_ptr<float>(), x.numel() / inputs,
                            packed.bias.defined() ? packed.bias.const_data_ptr<float>() : nullptr, to,
                            outputs, fits ? then.afterRows(to, outputs) : AfterRows());
    return fits ? out : then.applied(out);
}

std::map<const void*, std::int64_t> WeightOnlyLinears::heldBytes() const {
    std::map<const void*, std::int64_t> held;
    for (const auto& [linear, packed] : packed_)
        held[packed.weight.get()] = static_cast<std::int64_t>(packed.weight->bytes());
    return held;
}

} // namespace kurtoscope
