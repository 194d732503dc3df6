// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/blocks.h"

#include "core/base/error.h"
#include "core/base/parallel.h"
#include "core/base/phases.h"

#include <c10/core/GradMode.h>

#include <limits>

namespace kurtoscope {

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
    return x * at::rsqrt(x.square().mean(-1, true).add_(epsilon)) * weight;
}

at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon) {
    return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
}

namespace {

// LibTorch computes what is left over at the end of a thread's share with another exp than the rest, so
// results would depend on the number of threads and on the other rows. Here shares end where rows do; rows
// that are no whole number of vectors are computed one by one.
at::Tensor byRows(const at::Tensor& x, void (*function)(at::Tensor& out, const at::Tensor& in)) {
    constexpr std::int64_t vector = 64, shareValues = 16'384;
    const at::Tensor in = x.contiguous();
    at::Tensor out = at::empty_like(in);
    if (!x.is_cpu() || x.numel() == 0) {
        function(out, in);
        return out;
    }
    const std::int64_t width = x.size(-1), rows = x.numel() / width,
                       step = width % vector == 0 ? std::max<std::int64_t>(1, shareValues / width) : 1;
    const at::Tensor from = in.view({rows, width}), to = out.view({rows, width});
    parallelFor((rows + step - 1) / step, std::max<std::int64_t>(1, shareValues / (step * width)),
                [&](std::int64_t begin, std::int64_t end) {
                    const c10::InferenceMode inference; // a state of each thread
                    for (std::int64_t share = begin; share < end; ++share) {
                        const std::int64_t count = std::min(step, rows - share * step);
                        at::Tensor part = to.narrow(0, share * step, count);
                        function(part, from.narrow(0, share * step, count));
                    }
                });
    return out;
}

// Whether somebody will ask for the gradient of what is made of x: writing into a given tensor forgets it.
bool needsGradient(const at::Tensor& x) {
    return c10::GradMode::is_enabled() && x.requires_grad();
}

} // namespace

ActivationFunction activationFunction(const std::string& name, const std::string& where) {
    if (name == "gelu")
        return [](const at::Tensor& x) {
            if (needsGradient(x)) return at::gelu(x);
            return byRows(x, [](at::Tensor& out, const at::Tensor& in) { at::gelu_out(out, in); });
        };
    if (name == "gelu_new" || name == "gelu_pytorch_tanh")
        return [](const at::Tensor& x) {
            if (needsGradient(x)) return at::gelu(x, "tanh");
            return byRows(x, [](at::Tensor& out, const at::Tensor& in) { at::gelu_out(out, in, "tanh"); });
        };
    if (name == "relu") return [](const at::Tensor& x) { return at::relu(x); };
    if (name == "silu" || name == "swish")
        return [](const at::Tensor& x) {
            if (needsGradient(x)) return at::silu(x);
            return byRows(x, [](at::Tensor& out, const at::Tensor& in) { at::silu_out(out, in); });
        };
    if (name == "tanh")
        return [](const at::Tensor& x) {
            if (needsGradient(x)) return at::tanh(x);
            return byRows(x, [](at::Tensor& out, const at::Tensor& in) { at::tanh_out(out, in); });
        };
    throw Error("\"hidden_act\" is \"" + name + "\", which is not supported", where,
                "Supported: gelu, gelu_new, gelu_pytorch_tanh, relu, silu, tanh");
}

at::Tensor attention(Pass& pass, int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, std::int64_t keyValueHeads, bool causal) {
    const PhaseTimer timer(Phase::attention);
    const std::int64_t sequences = q.size(0), length = q.size(1), size = q.size(2) / heads;
    const auto split = [&](const at::Tensor& x, std::int64_t count) {
        return x.view({sequences, length, count, size}).transpose(1, 2); // [sequence, head, position, size]
    };
    const at::Tensor query = split(q, heads), key = split(k, keyValueHeads), value = split(v, keyValueHeads);
    at::Tensor context;
    if (pass.needsProbabilities(layer)) {
        const std::int64_t group = heads / keyValueHeads;
        const auto spread = [&](const at::Tensor& x) {
            return group == 1 ? x : x.repeat_interleave(group, 1);
        };
        at::Tensor scores =
            at::matmul(query, spread(key).transpose(2, 3)).mul_(1.0 / std::sqrt(double(size)));
        const double never = -std::numeric_limits<float>::infinity();
        if (causal)
            scores.masked_fill_(at::ones({length, length}, scores.options().dtype(at::kBool)).triu_(1),
                                never);
        if (pass.padded()) scores.masked_fill_(pass.mask().logical_not(), never);
        const at::Tensor probabilities = pass.see({layer, Place::attn_probs}, at::softmax(scores, -1));
        context = at::matmul(probabilities, spread(value)); // [sequence, head, position, size]
    } else {
        // Padding lies at the right: under a causal mask no valid query looks at it.
        std::optional<at::Tensor> mask;
        if (!causal && pass.padded()) mask = pass.mask();
        context = at::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, std::nullopt,
                                                   heads != keyValueHeads);
    }
    return context.transpose(1, 2).reshape(
        {sequences, length, heads * size}); // [sequence, position, channel]
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
    const at::Tensor angle = at::outer(at::arange(length, inverseFrequency.options()), inverseFrequency);
    const at::Tensor cosine = angle.cos().unsqueeze(1),
                     sine = angle.sin().unsqueeze(1); // [position, 1, size / 2]
    const at::Tensor split = x.view({sequences, length, heads, size});
    const at::Tensor first = split.narrow(-1, 0, size / 2), second = split.narrow(-1, size / 2, size / 2);
    return at::cat({first * cosine - second * sine, second * cosine + first * sine}, -1)
        .view({sequences, length, heads * size});
}

} // namespace kurtoscope
