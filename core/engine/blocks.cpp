// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/blocks.h"

#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/base/phases.h"
#include "core/engine/kernels/attention_rows.h"
#include "core/engine/kernels/bf16_product.h"
#include "core/engine/kernels/float_product.h"

#include <c10/core/GradMode.h>

#include <limits>

namespace kurtoscope {

namespace {

// out [.., channel] by rows of x.
template <class Row>
at::Tensor byRows(const at::Tensor& x, const ShownRows* shown, Row row) {
    at::Tensor out = at::empty_like(x);
    const std::int64_t channels = x.size(-1), rows = channels > 0 ? x.numel() / channels : 0;
    const float* from = x.const_data_ptr<float>();
    float* to = out.data_ptr<float>();
    const std::int64_t step = shown ? shownNormRows : 1;
    parallelFor((rows + step - 1) / step, shown ? 1 : rowsWorthAThread(channels),
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t first = begin * step; first < std::min(rows, end * step);
                         first += step) {
                        const std::int64_t last = std::min(rows, first + step);
                        for (std::int64_t i = first; i < last; ++i)
                            row(from + i * channels, to + i * channels, channels);
                        if (shown) (*shown)(to, channels, first, last, 0, channels);
                    }
                });
    return out;
}

at::Tensor castToBf16(const at::Tensor& x) {
    return x.to(at::kBFloat16).to(x.scalar_type());
}

at::Tensor rmsNormRows(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                       const ShownRows* shown) {
    return byRows(
        x, shown,
        [w = weight.const_data_ptr<float>(), epsilon](const float* row, float* out, std::int64_t channels) {
            rmsNormRow(row, w, epsilon, out, channels);
        });
}

at::Tensor layerNormRows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         double epsilon, const ShownRows* shown) {
    return byRows(x, shown,
                  [w = weight.const_data_ptr<float>(), b = bias.const_data_ptr<float>(),
                   epsilon](const float* row, float* out, std::int64_t channels) {
                      layerNormRow(row, w, b, epsilon, out, channels);
                  });
}

} // namespace

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
    if (isPlain(x) && isPlain(weight)) return rmsNormRows(x, weight, epsilon, nullptr);
    if (x.is_cuda() && !c10::GradMode::is_enabled())
        return at::rms_norm(x, {x.size(-1)}, weight, epsilon); // one kernel for five
    return x * at::rsqrt(x.square().mean(-1, true).add_(epsilon)) * weight;
}

at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon) {
    if (isPlain(x) && isPlain(weight) && isPlain(bias))
        return layerNormRows(x, weight, bias, epsilon, nullptr);
    return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
}

at::Tensor applyNorm(const at::Tensor& x, const NormStep& norm) {
    return norm.bias ? layerNorm(x, norm.weight, *norm.bias, norm.epsilon)
                     : rmsNorm(x, norm.weight, norm.epsilon);
}

at::Tensor applyNorm(const at::Tensor& x, const NormStep& norm, const ShownRows& shown) {
    return norm.bias ? layerNormRows(x, norm.weight, *norm.bias, norm.epsilon, &shown)
                     : rmsNormRows(x, norm.weight, norm.epsilon, &shown);
}

bool fitsNorm(const at::Tensor& x, const NormStep& norm) {
    return isPlain(x) && isPlain(norm.weight) && (!norm.bias || isPlain(*norm.bias));
}

at::Tensor attention(Pass& pass, int layer, const at::Tensor& queries, const at::Tensor& keys,
                     const at::Tensor& values, std::int64_t heads, std::int64_t keyValueHeads, bool causal) {
    at::Tensor k = pass.cached({layer, Place::key}, keys), v = pass.cached({layer, Place::value}, values);
    at::Tensor q = queries.to(k.scalar_type()); // narrow ones are multiplied narrowly
    const PhaseTimer timer(Phase::attention);
    const bool padded = q.size(0) == pass.batch().sequences; // else rows of padding are left out
    const std::int64_t sequences = pass.batch().sequences, length = pass.batch().length,
                       size = q.size(2) / heads;
    const AttentionNumbers numbers = pass.attention(layer);
    const bool plain = hasFloatKernels() && isPlain(q) && isPlain(k) && isPlain(v),
               narrow = numbers == AttentionNumbers::bf16 &&
                        (plain ? hasBf16Products() : !pass.needsProbabilities(layer) && !q.is_cpu()),
               casts = numbers != AttentionNumbers::float32 && !narrow;
    if (casts || (narrow && !plain))
        for (at::Tensor* x : {&q, &k, &v})
            *x = casts ? castToBf16(*x) : x->to(at::kBFloat16);
    if (plain) {
        at::Tensor rows = at::empty_like(q);
        AttentionWork work{q.const_data_ptr<float>(),
                           k.const_data_ptr<float>(),
                           v.const_data_ptr<float>(),
                           rows.data_ptr<float>(),
                           q.size(2),
                           k.size(2),
                           v.size(2),
                           q.size(2),
                           sequences,
                           length,
                           heads,
                           keyValueHeads,
                           size,
                           &pass.batch().lengths,
                           causal};
        if (!padded) work.firstRows = &pass.firstRows();
        if (numbers != AttentionNumbers::float32)
            work.numbers = narrow ? AttentionWork::Numbers::narrow : AttentionWork::Numbers::cast;
        const Site site{layer, Place::attn_context};
        const auto seen = pass.takesPieces(site, q.size(2));
        const AfterRows after = [&](std::int64_t firstRow, std::int64_t lastRow, std::int64_t firstColumn,
                                    std::int64_t lastColumn) {
            seen->take(work.out, work.outStride, firstRow, lastRow, firstColumn, lastColumn);
        };
        if (seen) work.after = &after;
        const auto attended = [&] {
            attendRows(work);
            if (!seen) return pass.see(site, rows);
            seen->finish();
            return rows;
        };
        if (!pass.needsProbabilities(layer)) return attended();
        if (const auto taker = pass.takesProbabilities(layer, static_cast<int>(heads))) {
            const std::function<void(const AttentionBlock&)> show = [&](const AttentionBlock& block) {
                taker->take({block.probabilities, block.stride, static_cast<int>(block.sequence),
                             static_cast<int>(block.head), static_cast<int>(block.first),
                             static_cast<int>(block.rows), static_cast<int>(block.keys)});
            };
            work.show = &show;
            const at::Tensor context = attended();
            taker->finish();
            return context;
        }
        at::Tensor probabilities = at::empty({sequences, heads, length, length}, q.options());
        work.probabilities = probabilities.data_ptr<float>(), work.after = nullptr;
        attendRows(work);
        probabilities = pass.see({layer, Place::attn_probs}, probabilities).contiguous();
        work.probabilities = nullptr, work.given = probabilities.const_data_ptr<float>();
        if (seen) work.after = &after;
        return attended();
    }
    const auto split = [&](const at::Tensor& x, std::int64_t count) {
        return x.view({sequences, length, count, size}).transpose(1, 2); // [sequence, head, position, size]
    };
    const at::Tensor query = split(q, heads), key = split(k, keyValueHeads), value = split(v, keyValueHeads);
    const std::int64_t group = heads / keyValueHeads;
    const auto spread = [&](const at::Tensor& x) { return group == 1 ? x : x.repeat_interleave(group, 1); };
    at::Tensor context;
    if (pass.needsProbabilities(layer) || casts) {
        at::Tensor scores =
            at::matmul(query, spread(key).transpose(2, 3)).mul_(1.0 / std::sqrt(double(size)));
        const double never = -std::numeric_limits<float>::infinity();
        if (causal)
            scores.masked_fill_(at::ones({length, length}, scores.options().dtype(at::kBool)).triu_(1),
                                never);
        if (pass.padded()) scores.masked_fill_(pass.mask().logical_not(), never);
        const at::Tensor probabilities = pass.see({layer, Place::attn_probs}, at::softmax(scores, -1));
        context = at::matmul(casts ? castToBf16(probabilities) : probabilities, spread(value)); // [sequence, head, position, size]
    } else {
        // Padding lies at the right: under a causal mask no valid query looks at it.
        std::optional<at::Tensor> mask;
        if (!causal && pass.padded()) mask = pass.mask();
        // In float32 no fused CUDA kernel shares keys between heads: they are spread first.
        const bool spreads = query.is_cuda() && query.scalar_type() == at::kFloat;
        context = at::scaled_dot_product_attention(query, spreads ? spread(key) : key,
                                                   spreads ? spread(value) : value, mask, 0.0, causal,
                                                   std::nullopt, !spreads && group > 1);
    }
    return pass.see({layer, Place::attn_context},
                    context.transpose(1, 2)
                        .reshape({sequences, length, heads * size})
                        .to(queries.scalar_type())); // [sequence, position, channel]
}

at::Tensor validRows(const at::Tensor& x, const Batch& batch) {
    if (x.dim() < 3) return x;
    std::vector<at::Tensor> parts;
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        const at::Tensor one = x.select(0, sequence); // [.., position, channel]
        parts.push_back(one.narrow(-2, 0, batch.lengths[std::size_t(sequence)]).reshape({-1, x.size(-1)}));
    }
    return parts.size() == 1 ? parts.front() : at::cat(parts);
}

at::Tensor pool(const at::Tensor& hidden, const std::vector<int>& lengths, Pooling pooling) {
    std::vector<at::Tensor> rows;
    for (std::size_t sequence = 0; sequence < lengths.size(); ++sequence) {
        const at::Tensor valid =
            hidden.select(0, static_cast<std::int64_t>(sequence)).narrow(0, 0, lengths[sequence]);
        rows.push_back(pooling == Pooling::first_token ? valid.select(0, 0)
                       : pooling == Pooling::maximum   ? valid.amax(0)
                                                       : valid.mean(0));
    }
    return at::stack(rows);
}

at::Tensor Rotary::apply(const at::Tensor& x, std::int64_t heads) const {
    const std::int64_t sequences = x.size(0), length = x.size(1), size = x.size(2) / heads;
    if (isPlain(x) && size % 2 == 0) {
        if (!of_.is_same(inverseFrequency) || cosine_.size(0) < length) {
            const at::Tensor angle =
                at::outer(at::arange(length, inverseFrequency.options()), inverseFrequency);
            cosine_ = angle.cos(), sine_ = angle.sin(), of_ = inverseFrequency;
        }
        at::Tensor out = at::empty_like(x);
        const float *from = x.const_data_ptr<float>(), *cosines = cosine_.const_data_ptr<float>(),
                    *sines = sine_.const_data_ptr<float>();
        float* to = out.data_ptr<float>();
        parallelFor(
            sequences * length, rowsWorthAThread(heads * size), [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t row = begin; row < end; ++row)
                    for (std::int64_t head = 0; head < heads; ++head)
                        rotateRow(from + (row * heads + head) * size, cosines + row % length * (size / 2),
                                  sines + row % length * (size / 2), to + (row * heads + head) * size,
                                  size / 2);
            });
        return out;
    }
    const at::Tensor angle = at::outer(at::arange(length, inverseFrequency.options()), inverseFrequency);
    // Both halves alike, as transformers has them: the last few of a table get another cosine than the rest.
    const at::Tensor angles = at::cat({angle, angle}, -1).unsqueeze(1); // [position, 1, size]
    const at::Tensor cosine = angles.cos(), sine = angles.sin();
    const at::Tensor split = x.view({sequences, length, heads, size});
    const at::Tensor first = split.narrow(-1, 0, size / 2), second = split.narrow(-1, size / 2, size / 2);
    const at::Tensor turned = at::cat({-second, first}, -1); // [sequence, position, head, channel]
    return (split * cosine + turned * sine).view({sequences, length, heads * size});
}

} // namespace kurtoscope
