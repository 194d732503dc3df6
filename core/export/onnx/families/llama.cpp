// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/onnx_model.h"

#include "core/engine/rotary.h"

#include <ATen/ATen.h>

namespace kurtoscope {
namespace {

using Value = OnnxGraph::Value;

class LlamaGraph {
public:
    explicit LlamaGraph(OnnxModel& model)
        : model_(model),
          graph_(model.graph()),
          info_(model.subject().model().info()),
          config_(model.subject().folder.config) {
        prefix_ = model_.hasTensor("model.embed_tokens.weight") ? "model." : "";
        size_ = info_.channels(Place::query) / info_.heads;
    }

    void build() {
        const std::vector<std::string> tokens{"batch", "sequence"};
        const Value ids = graph_.input("input_ids", OnnxType::int64, tokens);
        const Value mask = graph_.input("attention_mask", OnnxType::int64, tokens);
        const auto [allowed, column] = model_.causal(ids, mask);
        turn(column);

        Value x = model_.see({-1, Place::embedding},
                             graph_.node("Gather", {model_.tensor(prefix_ + "embed_tokens.weight"), ids}));
        for (int layer = 0; layer < info_.layers; ++layer)
            x = block(layer, x, allowed);
        const Value last = model_.see({-1, Place::final_norm}, norm(prefix_ + "norm", x));
        graph_.output("logits", model_.languageHead(last, prefix_ + "embed_tokens.weight"), OnnxType::float32,
                      {"batch", "sequence", std::to_string(info_.vocabulary)});
    }

private:
    // Angles of the rotary embedding: cosines and sines [position, size / 2].
    void turn(const Value& column) {
        const at::Tensor frequencies = rotaryFrequencies(model_.subject().folder, size_);
        const Value angles =
            graph_.node("Mul", {model_.toFloat(column), graph_.tensor("rotary/frequencies", frequencies)});
        cosine_ = graph_.node("Cos", {angles});
        sine_ = graph_.node("Sin", {angles});
    }

    // x · w / √(mean(x²) + ε).
    Value norm(const std::string& name, const Value& x) {
        const float epsilon = static_cast<float>(config_.number("rms_norm_eps", 1e-6));
        const Value mean =
            graph_.node("ReduceMean", {graph_.node("Mul", {x, x}), graph_.whole({-1})}, {{"keepdims", 1}});
        const Value size = graph_.node("Sqrt", {graph_.node("Add", {mean, graph_.real(epsilon)})});
        return graph_.node("Mul", {graph_.node("Div", {x, size}), model_.tensor(name + ".weight")}, {}, name);
    }

    // Channel i turns with channel i + size / 2.
    Value rotate(const Value& x, std::int64_t heads) {
        const Value split = model_.splitHeads(x, heads, size_); // [batch, head, position, size]
        const auto halves = graph_.split(split, 2, -1);
        const auto product = [&](const Value& a, const Value& b) { return graph_.node("Mul", {a, b}); };
        return graph_.node("Concat",
                           {graph_.node("Sub", {product(halves[0], cosine_), product(halves[1], sine_)}),
                            graph_.node("Add", {product(halves[1], cosine_), product(halves[0], sine_)})},
                           {{"axis", -1}});
    }

    Value block(int layer, const Value& x, const Value& allowed) {
        const std::string at = prefix_ + "layers." + std::to_string(layer) + ".";
        const auto see = [&](Place place, const Value& value) { return model_.see({layer, place}, value); };
        const auto read = [&](Place place, const Value& value) {
            return model_.operand({layer, place}, see(place, value));
        };
        const auto input = read(Place::attn_input, norm(at + "input_layernorm", x));
        const Value q = rotate(see(Place::query, model_.linear(at + "self_attn.q_proj", input)), info_.heads);
        const Value k =
            rotate(see(Place::key, model_.linear(at + "self_attn.k_proj", input)), info_.keyValueHeads);
        const Value v = model_.splitHeads(see(Place::value, model_.linear(at + "self_attn.v_proj", input)),
                                          info_.keyValueHeads, size_);
        const auto context = read(Place::attn_context, model_.attention(layer, q, k, v, info_.heads,
                                                                        info_.keyValueHeads, size_, allowed));
        const Value mixed = see(Place::attn_output, model_.linear(at + "self_attn.o_proj", context));
        const Value stream = see(Place::attn_residual, graph_.node("Add", {x, mixed}));

        const auto fed = read(Place::mlp_input, norm(at + "post_attention_layernorm", stream));
        const Value gate =
            model_.activation(config_.text("hidden_act", "silu"), model_.linear(at + "mlp.gate_proj", fed));
        const Value gated = graph_.node("Mul", {gate, model_.linear(at + "mlp.up_proj", fed)});
        const Value output =
            see(Place::mlp_output, model_.linear(at + "mlp.down_proj", read(Place::mlp_hidden, gated)));
        return see(Place::mlp_residual, graph_.node("Add", {stream, output}));
    }

    OnnxModel& model_;
    OnnxGraph& graph_;
    const ModelInfo& info_;
    const ConfigJson& config_;
    std::string prefix_;
    std::int64_t size_ = 0; // of a head
    Value cosine_, sine_;
};

class LlamaFamily : public OnnxFamily {
public:
    std::string_view id() const override { return "llama"; }
    void build(OnnxModel& model) const override { LlamaGraph(model).build(); }
};

const Registration<OnnxFamily, LlamaFamily> registration;

} // namespace
} // namespace kurtoscope
