// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/onnx_model.h"

namespace kurtoscope {
namespace {

using Value = OnnxGraph::Value;

class Gpt2Graph {
public:
    explicit Gpt2Graph(OnnxModel& model)
        : model_(model),
          graph_(model.graph()),
          info_(model.subject().model().info()),
          config_(model.subject().folder.config),
          prefix_(model_.hasTensor("transformer.wte.weight") ? "transformer." : "") {}

    void build() {
        const std::vector<std::string> tokens{"batch", "sequence"};
        const Value ids = graph_.input("input_ids", OnnxType::int64, tokens);
        const Value mask = graph_.input("attention_mask", OnnxType::int64, tokens);
        const auto [allowed, column] = model_.causal(ids, mask);
        const Value positions = graph_.node("Squeeze", {column, graph_.whole({1})});
        const Value words = graph_.node("Gather", {model_.tensor(prefix_ + "wte.weight"), ids}),
                    places = graph_.node("Gather", {model_.tensor(prefix_ + "wpe.weight"), positions});
        Value x = model_.see({-1, Place::embedding}, graph_.node("Add", {words, places}));
        for (int layer = 0; layer < info_.layers; ++layer)
            x = block(layer, x, allowed);
        const Value last = model_.see({-1, Place::final_norm}, norm(prefix_ + "ln_f", x));
        graph_.output("logits", model_.languageHead(last, prefix_ + "wte.weight"), OnnxType::float32,
                      {"batch", "sequence", std::to_string(info_.vocabulary)});
    }

private:
    Value norm(const std::string& name, const Value& x) {
        return graph_.node(
            "LayerNormalization", {x, model_.tensor(name + ".weight"), model_.tensor(name + ".bias")},
            {{"axis", -1}, {"epsilon", static_cast<float>(config_.number("layer_norm_epsilon", 1e-5))}},
            name);
    }

    Value block(int layer, const Value& x, const Value& allowed) {
        const std::string at = prefix_ + "h." + std::to_string(layer) + ".";
        const auto see = [&](Place place, const Value& value) { return model_.see({layer, place}, value); };
        const auto read = [&](Place place, const Value& value) {
            return model_.operand({layer, place}, see(place, value));
        };
        const std::int64_t heads = info_.heads, size = info_.hidden / heads;
        const auto input = read(Place::attn_input, norm(at + "ln_1", x));
        const auto part = [&](Place place, const char* name) {
            const Value made = see(place, model_.linear(at + "attn.c_attn." + name, input));
            return model_.splitHeads(made, heads, size);
        };
        const Value q = part(Place::query, "q"), k = part(Place::key, "k"), v = part(Place::value, "v");
        const auto context =
            read(Place::attn_context, model_.attention(layer, q, k, v, heads, heads, size, allowed));
        const Value mixed = see(Place::attn_output, model_.linear(at + "attn.c_proj", context));
        const Value stream = see(Place::attn_residual, graph_.node("Add", {x, mixed}));
        const auto fed = read(Place::mlp_input, norm(at + "ln_2", stream));
        const Value hidden = model_.activation(config_.text("activation_function", "gelu_new"),
                                               model_.linear(at + "mlp.c_fc", fed));
        const Value output =
            see(Place::mlp_output, model_.linear(at + "mlp.c_proj", read(Place::mlp_hidden, hidden)));
        return see(Place::mlp_residual, graph_.node("Add", {stream, output}));
    }

    OnnxModel& model_;
    OnnxGraph& graph_;
    const ModelInfo& info_;
    const ConfigJson& config_;
    std::string prefix_;
};

class Gpt2Family : public OnnxFamily {
public:
    std::string_view id() const override { return "gpt2"; }
    void build(OnnxModel& model) const override { Gpt2Graph(model).build(); }
};

const Registration<OnnxFamily, Gpt2Family> registration;

} // namespace
} // namespace kurtoscope
