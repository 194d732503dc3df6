// SPDX-License-Identifier: GPL-3.0-or-later
// LLaMA (Touvron et al. 2023, arXiv 2302.13971): pre-norm decoder with RMSNorm, rotary embedding,
// grouped-query attention and SwiGLU.
#include "core/engine/blocks.h"
#include "core/engine/rotary.h"
#include "core/engine/scratch_model.h"
#include "core/engine/transformer.h"
#include "core/engine/weight_memory.h"

#include "core/base/error.h"

namespace kurtoscope {
namespace {

struct LlamaBlock {
    at::Tensor attentionNorm, feedForwardNorm;
    std::shared_ptr<Linear> query, key, value, output, gate, up, down;
};

class Llama : public Transformer {
public:
    Llama(const ModelFolder& folder, Weights& weights) {
        const ConfigJson& config = folder.config;
        info_.layers = static_cast<int>(config.positive("num_hidden_layers"));
        const std::int64_t hidden = config.positive("hidden_size"),
                           inner = config.positive("intermediate_size");
        heads_ = config.positive("num_attention_heads");
        keyValueHeads_ = config.positive("num_key_value_heads", heads_);
        if (heads_ % keyValueHeads_ != 0 || (!config.has("head_dim") && hidden % heads_ != 0))
            throw Error("num_attention_heads " + std::to_string(heads_) +
                            " does not divide evenly (hidden_size " + std::to_string(hidden) +
                            ", num_key_value_heads " + std::to_string(keyValueHeads_) + ")",
                        config.where(), "Check config.json");
        const std::int64_t size = config.positive("head_dim", hidden / heads_);
        epsilon_ = config.number("rms_norm_eps", 1e-6);
        activation_ = activationFunction(config.text("hidden_act", "silu"), config.where());
        rotary_.inverseFrequency = rotaryFrequencies(folder, size);

        const std::string prefix = prefix_ = weights.has("model.embed_tokens.weight") ? "model." : "";
        const auto embeddingShape = weights.shapeOf(prefix + "embed_tokens.weight");
        const std::int64_t vocabulary =
            config.positive("vocab_size", embeddingShape.empty() ? 1 : embeddingShape.front());
        embedding_ = weights.load(prefix + "embed_tokens.weight", {vocabulary, hidden});
        for (int layer = 0; layer < info_.layers; ++layer) {
            const std::string at = prefix + "layers." + std::to_string(layer) + ".";
            const auto linear = [&](const char* name, Place in, Place out, std::int64_t from,
                                    std::int64_t to) {
                return add(weights.linear(at + name, {layer, in}, {layer, out}, from, to));
            };
            const auto rotary = [&](const char* name, Place out, std::int64_t count) {
                auto made = std::make_shared<Linear>(
                    Linear{at + name, {layer, Place::attn_input}, {layer, out}, {}, {}, false});
                made->weight = weights.loadRotary(made->name + ".weight", {count * size, hidden}, count);
                if (weights.has(made->name + ".bias"))
                    made->bias = weights.loadRotary(made->name + ".bias", {count * size}, count);
                return add(made);
            };
            LlamaBlock block;
            block.attentionNorm = weights.load(at + "input_layernorm.weight", {hidden});
            block.query = rotary("self_attn.q_proj", Place::query, heads_);
            block.key = rotary("self_attn.k_proj", Place::key, keyValueHeads_);
            block.value =
                linear("self_attn.v_proj", Place::attn_input, Place::value, hidden, keyValueHeads_ * size);
            block.output =
                linear("self_attn.o_proj", Place::attn_context, Place::attn_output, heads_ * size, hidden);
            block.feedForwardNorm = weights.load(at + "post_attention_layernorm.weight", {hidden});
            block.gate = linear("mlp.gate_proj", Place::mlp_input, Place::mlp_hidden, hidden, inner);
            block.up = linear("mlp.up_proj", Place::mlp_input, Place::mlp_hidden, hidden, inner);
            block.down = linear("mlp.down_proj", Place::mlp_hidden, Place::mlp_output, inner, hidden);
            blocks_.push_back(std::move(block));
        }
        finalNorm_ = weights.load(prefix + "norm.weight", {hidden});
        const bool tied = config.flag("tie_word_embeddings", false) || !weights.has("lm_head.weight");
        head_ = add(std::make_shared<Linear>(
            Linear{"lm_head", {-1, Place::final_norm}, {-1, Place::logits}, {}, {}, true}));
        head_->weight = tied ? embedding_ : weights.load("lm_head.weight", {vocabulary, hidden});

        info_.hidden = static_cast<int>(hidden);
        info_.intermediate = static_cast<int>(inner);
        info_.heads = static_cast<int>(heads_);
        info_.keyValueHeads = static_cast<int>(keyValueHeads_);
        info_.maxLength = static_cast<int>(config.positive("max_position_embeddings", 2048));
        info_.vocabulary = vocabulary;
        info_.causal = true;
        info_.head = "language model";
        info_.places = {Place::embedding,     Place::attn_input, Place::query,        Place::key,
                        Place::value,         Place::attn_probs, Place::attn_context, Place::attn_output,
                        Place::attn_residual, Place::mlp_input,  Place::mlp_hidden,   Place::mlp_output,
                        Place::mlp_residual,  Place::final_norm, Place::logits};
        for (Place place : info_.places)
            info_.placeChannels[std::size_t(place)] = static_cast<int>(hidden);
        info_.placeChannels[std::size_t(Place::query)] =
            info_.placeChannels[std::size_t(Place::attn_context)] = static_cast<int>(heads_ * size);
        info_.placeChannels[std::size_t(Place::key)] = info_.placeChannels[std::size_t(Place::value)] =
            static_cast<int>(keyValueHeads_ * size);
        info_.placeChannels[std::size_t(Place::mlp_hidden)] = static_cast<int>(inner);
        info_.placeChannels[std::size_t(Place::attn_probs)] = 0;
        info_.placeChannels[std::size_t(Place::logits)] = static_cast<int>(vocabulary);
    }

    at::Tensor embed(Pass& pass) const override {
        const at::Tensor rows = at::embedding(embedding_, pass.ids()); // [sequence, position, channel]
        return pass.see({-1, Place::embedding}, turn_.defined() ? at::matmul(rows, turn_) : rows);
    }

    at::Tensor block(Pass& pass, int layer, const at::Tensor& x) const override {
        const LlamaBlock& b = blocks_[static_cast<std::size_t>(layer)];
        const at::Tensor input =
            pass.normedOperand({layer, Place::attn_input}, x, {b.attentionNorm, nullptr, epsilon_});
        const auto [queries, keys, v] = pass.seenLinears({b.query.get(), b.key.get(), b.value.get()}, input);
        const at::Tensor q = rotary_.apply(queries, heads_), k = rotary_.apply(keys, keyValueHeads_);
        const at::Tensor context = pass.operand(
            {layer, Place::attn_context}, attention(pass, layer, q, k, v, heads_, keyValueHeads_, true));
        const at::Tensor stream = pass.linearOnto({layer, Place::attn_residual}, x, *b.output, context);

        const at::Tensor fed =
            pass.normedOperand({layer, Place::mlp_input}, stream, {b.feedForwardNorm, nullptr, epsilon_});
        const at::Tensor gate = pass.linear(*b.gate, fed, {&activation_});
        const at::Tensor hidden =
            pass.linearOperand({layer, Place::mlp_hidden}, *b.up, fed, {nullptr, &gate});
        return pass.linearOnto({layer, Place::mlp_residual}, stream, *b.down, hidden);
    }

    at::Tensor finish(Pass& pass, const at::Tensor& x) const override {
        const at::Tensor stream = turn_.defined() ? at::matmul(x, turn_.t()) : x;
        return pass.see({-1, Place::final_norm}, rmsNorm(stream, finalNorm_, epsilon_));
    }

    at::Tensor head(Pass& pass, const at::Tensor& hidden) const override {
        return pass.see({-1, Place::logits},
                        pass.linear(*head_, pass.headInput(hidden))); // [sequence, position, vocabulary]
    }

    std::unique_ptr<Transformer> clone() const override {
        auto copy = std::make_unique<Llama>(*this);
        const auto mine = copy->copyLinears();
        for (LlamaBlock& b : copy->blocks_)
            for (auto* linear : {&b.query, &b.key, &b.value, &b.output, &b.gate, &b.up, &b.down})
                *linear = mine.at(linear->get());
        copy->head_ = mine.at(head_.get());
        return copy;
    }

    // Each of a block's four inputs is read by linear layers alone: a scale goes into the norm before it, or
    // into the rows of the layer that makes it.
    bool foldDivisor(Site input, const at::Tensor& divisor) override {
        LlamaBlock& b = blocks_[static_cast<std::size_t>(input.layer)];
        const auto divideRows = [](Linear& linear, const at::Tensor& by) {
            linear.weight = WeightMemory::keep(linear.weight / by.unsqueeze(1));
            if (linear.bias.defined()) linear.bias = linear.bias / by;
        };
        switch (input.place) {
        case Place::attn_input:
            b.attentionNorm = b.attentionNorm / divisor;
            return true;
        case Place::mlp_input:
            b.feedForwardNorm = b.feedForwardNorm / divisor;
            return true;
        case Place::mlp_hidden:
            divideRows(*b.up, divisor);
            return true;
        case Place::attn_context: {
            // Query heads that share a value head must share its scales.
            const at::Tensor grouped = divisor.view({keyValueHeads_, heads_ / keyValueHeads_, -1});
            if (!grouped.eq(grouped.narrow(1, 0, 1)).all().item<bool>()) return false;
            divideRows(*b.value, grouped.select(1, 0).reshape(-1));
            return true;
        }
        default:
            return false;
        }
    }

    // RMSNorm commutes with a rotation once its weight has moved into the layers that read it (Ashkboos et
    // al. 2024, arXiv 2401.15024). The rows of the embedding are turned as they are looked up: the output
    // head reads the same table unturned, and a second one would be the largest weight of a small model.
    bool rotateStream(const at::Tensor& rotation) override {
        const auto reads = [&](Linear& linear, const at::Tensor& norm) {
            linear.weight = WeightMemory::keep(at::matmul(linear.weight * norm, rotation));
        };
        const auto writes = [&](Linear& linear) {
            linear.weight = WeightMemory::keep(at::matmul(rotation.t(), linear.weight));
            if (linear.bias.defined()) linear.bias = at::matmul(linear.bias, rotation);
        };
        for (LlamaBlock& b : blocks_) {
            reads(*b.query, b.attentionNorm), reads(*b.key, b.attentionNorm),
                reads(*b.value, b.attentionNorm);
            reads(*b.gate, b.feedForwardNorm), reads(*b.up, b.feedForwardNorm);
            b.attentionNorm = b.feedForwardNorm = at::ones_like(b.attentionNorm);
            writes(*b.output), writes(*b.down);
        }
        turn_ = turn_.defined() ? at::matmul(turn_, rotation) : rotation;
        return true;
    }

    std::vector<NamedTensor> tensors() const override {
        std::vector<NamedTensor> all = linearTensors(embedding_);
        all.push_back(
            {prefix_ + "embed_tokens.weight", turn_.defined() ? at::matmul(embedding_, turn_) : embedding_});
        for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
            const std::string at = prefix_ + "layers." + std::to_string(layer) + ".";
            all.push_back({at + "input_layernorm.weight", blocks_[layer].attentionNorm});
            all.push_back({at + "post_attention_layernorm.weight", blocks_[layer].feedForwardNorm});
        }
        if (!turn_.defined()) {
            all.push_back({prefix_ + "norm.weight", finalNorm_});
            return all;
        }
        // RMSNorm commutes with the turn, so norm weight and turn move into the head; in double, as rounding
        // would otherwise be a change of the model.
        const at::Tensor head =
            at::matmul((head_->weight * finalNorm_).to(at::kDouble), turn_.to(at::kDouble));
        std::erase_if(all, [](const NamedTensor& one) { return one.name == "lm_head.weight"; });
        all.push_back({"lm_head.weight", head.to(at::kFloat)});
        all.push_back({prefix_ + "norm.weight", at::ones_like(finalNorm_)});
        return all;
    }

    void moveTo(at::Device device) override {
        const bool tied = head_->weight.is_same(embedding_);
        embedding_ = embedding_.to(device);
        for (auto& linear : linears()) {
            linear->weight = linear->weight.to(device);
            if (linear->bias.defined()) linear->bias = linear->bias.to(device);
        }
        if (tied) head_->weight = embedding_;
        for (auto& block : blocks_) {
            block.attentionNorm = block.attentionNorm.to(device);
            block.feedForwardNorm = block.feedForwardNorm.to(device);
        }
        finalNorm_ = finalNorm_.to(device);
        if (turn_.defined()) turn_ = turn_.to(device);
        rotary_.inverseFrequency = rotary_.inverseFrequency.to(device);
    }

private:
    std::string prefix_; // of every name but the head's
    std::int64_t heads_ = 0, keyValueHeads_ = 0;
    double epsilon_ = 1e-6;
    Activation activation_;
    Rotary rotary_;
    at::Tensor embedding_, finalNorm_;
    at::Tensor turn_; // what the stream is rotated by; undefined when it is not
    std::vector<LlamaBlock> blocks_;
    std::shared_ptr<Linear> head_;
};

class LlamaArchitecture : public Architecture {
public:
    std::string_view id() const override { return "llama"; }
    std::string_view title() const override { return "LLaMA"; }
    std::string_view summary() const override {
        return "pre-norm decoder: RMSNorm, rotary embedding, grouped-query attention, SwiGLU";
    }
    std::unique_ptr<Transformer> load(const ModelFolder& folder, Weights& weights) const override {
        return std::make_unique<Llama>(folder, weights);
    }

    std::optional<ScratchModel> scratch(const ModelShape& shape, int vocabulary) const override {
        using Fill = ScratchModel::Fill;
        const std::int64_t hidden = shape.hidden, size = hidden / shape.heads;
        const std::int64_t pairs = shape.keyValueHeads > 0 ? shape.keyValueHeads : shape.heads;
        // Three matrices in place of two: 8/3 instead of 4, to a multiple of 16 (Touvron et al. 2023).
        const std::int64_t inner = shape.inner > 0 ? shape.inner : (hidden * 8 / 3 + 15) / 16 * 16;
        ScratchModel model;
        model.config = {{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"num_hidden_layers", shape.layers},
                        {"hidden_size", hidden},
                        {"intermediate_size", inner},
                        {"num_attention_heads", shape.heads},
                        {"num_key_value_heads", pairs},
                        {"max_position_embeddings", shape.length},
                        {"vocab_size", vocabulary},
                        {"hidden_act", "silu"},
                        {"rms_norm_eps", 1e-5},
                        {"rope_theta", 10000.0},
                        {"attention_bias", false},
                        {"mlp_bias", false},
                        {"tie_word_embeddings", true},
                        {"bos_token_id", 0},
                        {"eos_token_id", 0},
                        {"torch_dtype", "float32"}};
        const auto add = [&](const std::string& name, std::vector<std::int64_t> sizes, Fill fill) {
            model.tensors.push_back({"model." + name + ".weight", std::move(sizes), fill});
        };
        add("embed_tokens", {vocabulary, hidden}, Fill::normal);
        for (int layer = 0; layer < shape.layers; ++layer) {
            const std::string at = "layers." + std::to_string(layer) + ".";
            add(at + "input_layernorm", {hidden}, Fill::ones);
            add(at + "self_attn.q_proj", {hidden, hidden}, Fill::normal);
            add(at + "self_attn.k_proj", {pairs * size, hidden}, Fill::normal);
            add(at + "self_attn.v_proj", {pairs * size, hidden}, Fill::normal);
            add(at + "self_attn.o_proj", {hidden, hidden}, Fill::stream);
            add(at + "post_attention_layernorm", {hidden}, Fill::ones);
            add(at + "mlp.gate_proj", {inner, hidden}, Fill::normal);
            add(at + "mlp.up_proj", {inner, hidden}, Fill::normal);
            add(at + "mlp.down_proj", {hidden, inner}, Fill::stream);
        }
        add("norm", {hidden}, Fill::ones);
        return model;
    }
};

const Registration<Architecture, LlamaArchitecture> registration;

} // namespace
} // namespace kurtoscope
