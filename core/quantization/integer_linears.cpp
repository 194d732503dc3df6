// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/integer_linears.h"

#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/base/phases.h"
#include "core/engine/blocks.h"

#include <algorithm>
#include <utility>

namespace kurtoscope {

bool IntegerLinears::Packed::byRows() const {
    return group == 0 && std::all_of(parts.begin(), parts.end(), [](const Part& part) {
               return RowRule{part.channels, part.input, part.weight->keptInputs()}.standsAlone();
           });
}

const IntegerLinears::Packed* IntegerLinears::byRows(Site input) const {
    const auto found = byInput_.find(input);
    return found == byInput_.end() || !found->second->byRows() ? nullptr : found->second;
}

void IntegerLinears::startRows(const Packed& packed, std::int64_t rows, std::int64_t across,
                               std::vector<IntegerRows>& made) const {
    made.resize(std::max(made.size(), packed.parts.size()));
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
        const Part& part = packed.parts[i];
        kurtoscope::startRows(rows, across, {part.channels, part.input, part.weight->keptInputs()}, made[i]);
    }
}

void IntegerLinears::makeRow(const Packed& packed, const float* values, std::int64_t row,
                             std::vector<IntegerRows>& made) const {
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
        const Part& part = packed.parts[i];
        kurtoscope::makeRow(values, {part.channels, part.input, part.weight->keptInputs()}, nullptr, row,
                            made[i]);
    }
}

at::Tensor IntegerLinears::normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                                  const std::vector<int>&) const {
    const Packed* packed = byRows(input);
    if (!packed || !fitsNorm(x, norm) || x.numel() == 0) return {};
    const std::int64_t channels = x.size(-1);
    last_.reset(); // what fails half-way is nobody's
    startRows(*packed, x.numel() / channels, channels, rows_);
    lastGroup_ = 0;
    return last_ = normRows(x, norm, !alone, [&](const float* values, std::int64_t row) {
               makeRow(*packed, values, row, rows_);
           });
}

void IntegerLinears::makeRows(const Packed& packed, const at::Tensor& x,
                              const std::vector<int>& lengths) const {
    if (packed.group > 0) {
        integerRows(x, {}, packed.parts.front().input, lengths, packed.kept, whole_);
        return cutRows(whole_, packed.group, packed.kept, rows_);
    }
    if (packed.byRows()) { // all parts in one go
        const at::Tensor in = x.contiguous();
        const float* from = in.const_data_ptr<float>();
        const std::int64_t across = in.size(-1), rows = across > 0 ? in.numel() / across : 0;
        startRows(packed, rows, across, rows_);
        parallelFor(rows, rowsWorthAThread(across), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row)
                makeRow(packed, from + row * across, row, rows_);
        });
        return;
    }
    rows_.resize(std::max(rows_.size(), packed.parts.size()));
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
        const Part& part = packed.parts[i];
        integerRows(x, part.channels, part.input, lengths, part.weight->keptInputs(), rows_[i]);
    }
}

std::vector<PackedWeight::Term> IntegerLinears::termsOf(const Packed& packed, const at::Tensor& x,
                                                        const std::vector<int>& lengths) const {
    if (!last_.defined() || !last_.is_same(x) || lastGroup_ != packed.group) {
        // A query's input is a key's and a value's too.
        const PhaseTimer timer(Phase::quantize);
        last_.reset(); // what fails half-way is nobody's
        makeRows(packed, x, lengths);
        last_ = x, lastGroup_ = packed.group;
    }
    std::vector<PackedWeight::Term> terms;
    for (std::size_t i = 0; i < packed.parts.size(); ++i)
        terms.push_back({&rows_[i], packed.parts[i].weight.get()});
    return terms;
}

std::vector<at::Tensor> IntegerLinears::multiplyEach(const std::vector<const Linear*>& layers,
                                                     const at::Tensor& x,
                                                     const std::vector<int>& lengths) const {
    const std::int64_t group = packed_.at(layers.front()).group;
    const bool alike = std::all_of(layers.begin(), layers.end(), [&](const Linear* layer) {
        return packed_.at(layer).group == group; // and so read the same integers
    });
    if (!alike) return RealLinears::multiplyEach(layers, x, lengths);
    std::vector<at::Tensor> made;
    std::vector<PackedWeight::Sum> sums;
    for (const Linear* layer : layers) {
        std::vector<PackedWeight::Term> terms = termsOf(packed_.at(layer), x, lengths);
        auto* to = made.emplace_back(emptyProduct(x, terms.front().weight->outputs())).data_ptr<float>();
        sums.push_back({std::move(terms), to});
    }
    const PhaseTimer timer(Phase::gemm);
    PackedWeight::multiplyEach(sums);
    return made;
}

at::Tensor IntegerLinears::multiply(const Linear& linear, const at::Tensor& x,
                                    const std::vector<int>& lengths, const Then& then) const {
    const Packed& packed = packed_.at(&linear);
    const std::vector<PackedWeight::Term> terms = termsOf(packed, x, lengths);
    const PhaseTimer timer(Phase::gemm);
    auto shape = x.sizes().vec();
    const std::int64_t outputs = shape.back() = packed.parts.front().weight->outputs();
    const bool fits = then.fits();
    if (const Packed* reader = fits && then.reader ? byRows(*then.reader) : nullptr) {
        startRows(*reader, rows_.front().rows, outputs, next_);
        const auto take = [&](float* values, std::int64_t stride, std::int64_t row, std::int64_t lastRow) {
            const PhaseTimer finishing(Phase::epilogue);
            for (; row < lastRow; ++row, values += stride) {
                then.finishRow(values, row * outputs, outputs);
                makeRow(*reader, values, row, next_);
            }
        };
        if (PackedWeight::multiplyInto(terms, take)) { // its values are not written
            std::swap(rows_, next_), lastGroup_ = 0;
            return last_ = unwritten(shape, x.options());
        }
    }
    at::Tensor out = emptyProduct(x, outputs);
    auto* to = out.data_ptr<float>();
    PackedWeight::multiplyTogether(terms, to, fits ? then.afterRows(to, outputs) : AfterRows());
    return fits ? out : then.applied(out);
}

std::map<const void*, std::int64_t> IntegerLinears::heldBytes() const {
    std::map<const void*, std::int64_t> held;
    for (const auto& [linear, packed] : packed_)
        for (const Part& part : packed.parts)
            held[part.weight.get()] = static_cast<std::int64_t>(part.weight->bytes());
    return held;
}

} // namespace kurtoscope
