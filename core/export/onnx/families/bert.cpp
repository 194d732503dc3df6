// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/onnx_model.h"

#include <ATen/ATen.h>

namespace kurtoscope {
namespace {

using Value = OnnxGraph::Value;

class BertGraph {
public:
    explicit BertGraph(OnnxModel& model)
        : model_(model),
          graph_(model.graph()),
          info_(model.subject().model().info()),
          config_(model.subject().folder.config) {}

    void build() {
        const std::vector<std::string> tokens{"batch", "sequence"};
        const Value ids = graph_.input("input_ids", OnnxType::int64, tokens);
        const Value mask = graph_.input("attention_mask", OnnxType::int64, tokens);
        const Value types = graph_.input("token_type_ids", OnnxType::int64, tokens);
        const Value valid =
            graph_.node("Cast", {mask}, {{"to", static_cast<std::int64_t>(OnnxType::boolean)}});
        padding_ = graph_.node("Unsqueeze", {cast(mask), graph_.whole({-1})}); // [batch, position, 1]
        model_.setPadding(padding_);
        const Value allowed = graph_.node("Unsqueeze", {valid, graph_.whole({1, 2})}); // [batch, 1, 1, key]

        Value x = model_.see({-1, Place::embedding}, embed(ids, types));
        for (int layer = 0; layer < info_.layers; ++layer)
            x = block(layer, x, allowed);
        x = model_.see({-1, Place::final_norm}, x);
        graph_.output("last_hidden_state", x, OnnxType::float32,
                      {"batch", "sequence", std::to_string(info_.hidden)});
        head(x);
    }

private:
    Value cast(const Value& x) {
        return graph_.node("Cast", {x}, {{"to", static_cast<std::int64_t>(OnnxType::float32)}});
    }

    Value norm(const std::string& name, const Value& x) {
        const bool old = model_.hasTensor(name + ".gamma");
        return graph_.node(
            "LayerNormalization",
            {x, model_.tensor(name + (old ? ".gamma" : ".weight")),
             model_.tensor(name + (old ? ".beta" : ".bias"))},
            {{"axis", -1}, {"epsilon", static_cast<float>(config_.number("layer_norm_eps", 1e-12))}}, name);
    }

    Value embed(const Value& ids, const Value& types) {
        prefix_ = model_.hasTensor("bert.embeddings.word_embeddings.weight") ? "bert." : "";
        const std::string at = prefix_ + "embeddings.";
        const Value length =
            graph_.node("Slice", {graph_.node("Shape", {ids}), graph_.whole({1}), graph_.whole({2})});
        const Value positions = graph_.node("Slice", {model_.tensor(at + "position_embeddings.weight"),
                                                      graph_.whole({0}), length, graph_.whole({0})});
        const Value words = graph_.node("Gather", {model_.tensor(at + "word_embeddings.weight"), ids});
        const Value kinds =
            graph_.node("Gather", {model_.tensor(at + "token_type_embeddings.weight"), types});
        return norm(at + "LayerNorm", graph_.node("Add", {graph_.node("Add", {words, kinds}), positions}));
    }

    Value block(int layer, const Value& x, const Value& allowed) {
        const std::string at = prefix_ + "encoder.layer." + std::to_string(layer) + ".";
        const auto see = [&](Place place, const Value& value) { return model_.see({layer, place}, value); };
        const auto read = [&](Place place, const Value& value) {
            return model_.operand({layer, place}, value);
        };
        const std::int64_t heads = info_.heads, size = info_.hidden / heads;
        const Value stream = see(Place::attn_input, x);
        const auto input = read(Place::attn_input, stream);
        const Value q = see(Place::query, model_.linear(at + "attention.self.query", input));
        const Value k = see(Place::key, model_.linear(at + "attention.self.key", input));
        const Value v = see(Place::value, model_.linear(at + "attention.self.value", input));
        const Value context =
            see(Place::attn_context,
                model_.attention(layer, model_.splitHeads(q, heads, size), model_.splitHeads(k, heads, size),
                                 model_.splitHeads(v, heads, size), heads, heads, size, allowed));
        const Value mixed = see(Place::attn_output, model_.linear(at + "attention.output.dense",
                                                                  read(Place::attn_context, context)));
        const Value sum = see(Place::attn_residual, graph_.node("Add", {stream, mixed}));
        const Value normed = see(Place::mlp_input, norm(at + "attention.output.LayerNorm", sum));
        const Value hidden =
            see(Place::mlp_hidden,
                model_.activation(config_.text("hidden_act", "gelu"),
                                  model_.linear(at + "intermediate.dense", read(Place::mlp_input, normed))));
        const Value output =
            see(Place::mlp_output, model_.linear(at + "output.dense", read(Place::mlp_hidden, hidden)));
        const Value total = see(Place::mlp_residual, graph_.node("Add", {normed, output}));
        return see(Place::mlp_norm, norm(at + "output.LayerNorm", total));
    }

    // One vector for each sequence, padding left out.
    Value pool(const Value& x) {
        const Pooling pooling = model_.subject().folder.pooling;
        const Value along = graph_.whole({1});
        if (pooling == Pooling::first_token) return first(x);
        if (pooling == Pooling::maximum) {
            const Value far =
                graph_.node("Mul", {graph_.node("Sub", {padding_, graph_.real(1)}), graph_.real(3e38F)});
            return graph_.node("ReduceMax", {graph_.node("Add", {x, far}), along}, {{"keepdims", 0}});
        }
        const Value sum =
            graph_.node("ReduceSum", {graph_.node("Mul", {x, padding_}), along}, {{"keepdims", 0}});
        return graph_.node("Div", {sum, graph_.node("ReduceSum", {padding_, along}, {{"keepdims", 0}})});
    }
    Value first(const Value& x) {
        return graph_.node("Gather", {x, graph_.tensor("index/0", at::zeros({}, at::kLong))}, {{"axis", 1}});
    }

    void head(const Value& x) {
        const bool dense = model_.find("2_Dense.linear") != nullptr;
        if (dense || model_.find("classifier")) {
            Value at = dense ? pool(x) : first(x);
            const std::string pooler = prefix_ + "pooler.dense";
            if (!dense && model_.find(pooler)) at = graph_.node("Tanh", {model_.linear(pooler, at)});
            const std::string name = dense ? "2_Dense.linear" : "classifier";
            graph_.output("logits", model_.linear(name, at), OnnxType::float32,
                          {"batch", std::to_string(model_.find(name)->weight.size(0))});
        } else if (model_.find("cls.predictions.decoder")) {
            const Value turned = norm("cls.predictions.transform.LayerNorm",
                                      model_.activation(config_.text("hidden_act", "gelu"),
                                                        model_.linear("cls.predictions.transform.dense", x)));
            graph_.output("logits", model_.linear("cls.predictions.decoder", turned), OnnxType::float32,
                          {"batch", "sequence", std::to_string(info_.vocabulary)});
        } else if (model_.subject().folder.pooling != Pooling::none) {
            graph_.output("sentence_embedding", pool(x), OnnxType::float32,
                          {"batch", std::to_string(info_.hidden)});
        }
    }

    OnnxModel& model_;
    OnnxGraph& graph_;
    const ModelInfo& info_;
    const ConfigJson& config_;
    std::string prefix_;
    Value padding_;
};

class BertFamily : public OnnxFamily {
public:
    std::string_view id() const override { return "bert"; }
    void build(OnnxModel& model) const override { BertGraph(model).build(); }
};

const Registration<OnnxFamily, BertFamily> registration;

} // namespace
} // namespace kurtoscope
