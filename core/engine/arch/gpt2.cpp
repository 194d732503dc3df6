// SPDX-License-Identifier: GPL-3.0-or-later
// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"): pre-norm decoder with
// LayerNorm, learned positions, biases, and a head tied to the embedding. Its files store the transpose of
// every linear weight, and query, key and value as one.
#include "core/engine/blocks.h"
#include "core/engine/scratch_model.h"
#include "core/engine/transformer.h"

#include "core/base/error.h"

namespace kurtoscope {
namespace {

struct Norm {
    at::Tensor weight, bias;
};

struct Gpt2Block {
    Norm attentionNorm, feedForwardNorm;
    std::shared_ptr<Linear> query, key, value, output, up, down;
};

class Gpt2 : public Transformer {
public:
    Gpt2(const ModelFolder& folder, Weights& weights) {
        const ConfigJson& config = folder.config;
        info_.layers = static_cast<int>(config.positive("n_layer"));
        const std::int64_t hidden = config.positive("n_embd"), inner = config.positive("n_inner", 4 * hidden);
        heads_ = config.positive("n_head");
        if (hidden % heads_ != 0)
            throw Error("n_embd " + std::to_string(hidden) + " is not a multiple of n_head " +
                            std::to_string(heads_),
                        config.where(), "Check config.json");
        if (!config.flag("scale_attn_weights", true) ||
            config.flag("scale_attn_by_inverse_layer_idx", false) ||
            config.flag("add_cross_attention", false))
            throw Error("unscaled attention, scaling by layer and cross attention are not supported",
                        config.where(), "Open a plain GPT-2");
        epsilon_ = config.number("layer_norm_epsilon", 1e-5);
        activation_ = activationFunction(config.text("activation_function", "gelu_new"), config.where());

        const std::string prefix = weights.has("transformer.wte.weight") ? "transformer." : "";
        const auto shape = weights.shapeOf(prefix + "wte.weight");
        const std::int64_t vocabulary = config.positive("vocab_size", shape.empty() ? 1 : shape.front());
        info_.maxLength = static_cast<int>(config.positive("n_positions", 1024));
        wordsName_ = prefix + "wte.weight", positionsName_ = prefix + "wpe.weight";
        words_ = weights.load(wordsName_, {vocabulary, hidden});
        positions_ = weights.load(positionsName_, {info_.maxLength, hidden});
        const auto norm = [&](const std::string& name) {
            return Norm{weights.load(name + ".weight", {hidden}), weights.load(name + ".bias", {hidden})};
        };
        for (int layer = 0; layer < info_.layers; ++layer) {
            const std::string at = prefix + "h." + std::to_string(layer) + ".";
            const auto turned = [&](const std::string& name, Place in, Place out, std::int64_t from,
                                    std::int64_t to) {
                auto made = std::make_shared<Linear>(Linear{name, {layer, in}, {layer, out}, {}, {}, false});
                made->weight = weights.load(name + ".weight", {from, to}).t().contiguous();
                made->bias = weights.load(name + ".bias", {to});
                return add(made);
            };
            const at::Tensor joined = weights.load(at + "attn.c_attn.weight", {hidden, 3 * hidden}),
                             bias = weights.load(at + "attn.c_attn.bias", {3 * hidden});
            const auto part = [&](const char* name, Place out, std::int64_t index) {
                auto made = std::make_shared<Linear>(Linear{
                    at + "attn.c_attn." + name, {layer, Place::attn_input}, {layer, out}, {}, {}, false});
                made->weight = joined.narrow(1, index * hidden, hidden).t().contiguous();
                made->bias = bias.narrow(0, index * hidden, hidden).contiguous();
                return add(made);
            };
            Gpt2Block block;
            block.attentionNorm = norm(at + "ln_1");
            block.query = part("q", Place::query, 0);
            block.key = part("k", Place::key, 1);
            block.value = part("v", Place::value, 2);
            block.output =
                turned(at + "attn.c_proj", Place::attn_context, Place::attn_output, hidden, hidden);
            block.feedForwardNorm = norm(at + "ln_2");
            block.up = turned(at + "mlp.c_fc", Place::mlp_input, Place::mlp_hidden, hidden, inner);
            block.down = turned(at + "mlp.c_proj", Place::mlp_hidden, Place::mlp_output, inner, hidden);
            blocks_.push_back(std::move(block));
        }
        finalNorm_ = norm(prefix + "ln_f");
        prefix_ = prefix;
        const bool tied = config.flag("tie_word_embeddings", true) || !weights.has("lm_head.weight");
        head_ = add(std::make_shared<Linear>(
            Linear{"lm_head", {-1, Place::final_norm}, {-1, Place::logits}, {}, {}, true}));
        head_->weight = tied ? words_ : weights.load("lm_head.weight", {vocabulary, hidden});

        info_.hidden = static_cast<int>(hidden);
        info_.intermediate = static_cast<int>(inner);
        info_.heads = info_.keyValueHeads = static_cast<int>(heads_);
        info_.vocabulary = vocabulary;
        info_.causal = true;
        info_.head = "language model";
        info_.places = {Place::embedding,     Place::attn_input, Place::query,        Place::key,
                        Place::value,         Place::attn_probs, Place::attn_context, Place::attn_output,
                        Place::attn_residual, Place::mlp_input,  Place::mlp_hidden,   Place::mlp_output,
                        Place::mlp_residual,  Place::final_norm, Place::logits};
        for (Place place : info_.places)
            info_.placeChannels[std::size_t(place)] = static_cast<int>(hidden);
        info_.placeChannels[std::size_t(Place::mlp_hidden)] = static_cast<int>(inner);
        info_.placeChannels[std::size_t(Place::attn_probs)] = 0;
        info_.placeChannels[std::size_t(Place::logits)] = static_cast<int>(vocabulary);
    }

    at::Tensor embed(Pass& pass) const override {
        const std::int64_t length = pass.ids().size(1);
        if (length > info_.maxLength)
            throw Error("got " + std::to_string(length) + " tokens, but the model has " +
                            std::to_string(info_.maxLength) + " positions",
                        info_.path, "Use shorter windows");
        const at::Tensor position = at::arange(length, pass.ids().options());
        return pass.see({-1, Place::embedding},
                        at::embedding(words_, pass.ids()) +
                            at::embedding(positions_, position)); // [sequence, position, channel]
    }

    at::Tensor block(Pass& pass, int layer, const at::Tensor& x) const override {
        const Gpt2Block& b = blocks_[static_cast<std::size_t>(layer)];
        const at::Tensor input = pass.normedOperand({layer, Place::attn_input}, x, step(b.attentionNorm));
        const auto [q, k, v] = pass.seenLinears({b.query.get(), b.key.get(), b.value.get()}, input);
        const at::Tensor context =
            pass.operand({layer, Place::attn_context}, attention(pass, layer, q, k, v, heads_, heads_, true));
        const at::Tensor stream = pass.linearOnto({layer, Place::attn_residual}, x, *b.output, context);
        const at::Tensor fed = pass.normedOperand({layer, Place::mlp_input}, stream, step(b.feedForwardNorm));
        const at::Tensor hidden = pass.linearOperand({layer, Place::mlp_hidden}, *b.up, fed, {&activation_});
        return pass.linearOnto({layer, Place::mlp_residual}, stream, *b.down, hidden);
    }

    at::Tensor finish(Pass& pass, const at::Tensor& x) const override {
        return pass.see({-1, Place::final_norm}, applyNorm(x, step(finalNorm_)));
    }

    at::Tensor head(Pass& pass, const at::Tensor& hidden) const override {
        return pass.see({-1, Place::logits},
                        pass.linear(*head_, pass.headInput(hidden))); // [sequence, position, vocabulary]
    }

    std::unique_ptr<Transformer> clone() const override {
        auto copy = std::make_unique<Gpt2>(*this);
        const auto mine = copy->copyLinears();
        for (Gpt2Block& b : copy->blocks_)
            for (auto* linear : {&b.query, &b.key, &b.value, &b.output, &b.up, &b.down})
                *linear = mine.at(linear->get());
        copy->head_ = mine.at(head_.get());
        return copy;
    }

    // Of a block's four inputs all but the last can carry a scale: GELU lets none through.
    bool foldDivisor(Site input, const at::Tensor& divisor) override {
        Gpt2Block& b = blocks_[static_cast<std::size_t>(input.layer)];
        const auto divide = [&](at::Tensor& weight, at::Tensor& bias) {
            weight = weight / (weight.dim() == 2 ? divisor.unsqueeze(1) : divisor);
            bias = bias / divisor;
            return true;
        };
        switch (input.place) {
        case Place::attn_input:
            return divide(b.attentionNorm.weight, b.attentionNorm.bias);
        case Place::mlp_input:
            return divide(b.feedForwardNorm.weight, b.feedForwardNorm.bias);
        case Place::attn_context:
            return divide(b.value->weight, b.value->bias);
        default:
            return false;
        }
    }

    // LayerNorm takes the mean over channels away, which a rotation does not leave alone.
    bool rotateStream(const at::Tensor&) override { return false; }

    void moveTo(at::Device device) override {
        const bool tied = head_->weight.is_same(words_);
        words_ = words_.to(device), positions_ = positions_.to(device);
        for (auto& linear : linears()) {
            linear->weight = linear->weight.to(device);
            if (linear->bias.defined()) linear->bias = linear->bias.to(device);
        }
        if (tied) head_->weight = words_;
        const auto move = [&](Norm& norm) {
            norm.weight = norm.weight.to(device), norm.bias = norm.bias.to(device);
        };
        for (Gpt2Block& b : blocks_)
            move(b.attentionNorm), move(b.feedForwardNorm);
        move(finalNorm_);
    }

    std::vector<NamedTensor> tensors() const override {
        std::vector<NamedTensor> all = linearTensors(words_);
        all.push_back({wordsName_, words_});
        all.push_back({positionsName_, positions_});
        const auto addNorm = [&](const std::string& name, const Norm& norm) {
            all.push_back({name + ".weight", norm.weight});
            all.push_back({name + ".bias", norm.bias});
        };
        for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
            const std::string at = prefix_ + "h." + std::to_string(layer) + ".";
            addNorm(at + "ln_1", blocks_[layer].attentionNorm);
            addNorm(at + "ln_2", blocks_[layer].feedForwardNorm);
        }
        addNorm(prefix_ + "ln_f", finalNorm_);
        return all;
    }

    std::vector<NamedTensor> fileTensors() const override {
        std::vector<NamedTensor> all;
        for (const NamedTensor& one : tensors()) {
            const std::size_t joined = one.name.find("attn.c_attn.");
            if (joined != std::string::npos) continue;
            const bool turned = one.values.dim() == 2 && (one.name.find(".c_") != std::string::npos);
            all.push_back({one.name, turned ? one.values.t().contiguous() : one.values});
        }
        for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
            const Gpt2Block& b = blocks_[layer];
            const std::string at = prefix_ + "h." + std::to_string(layer) + ".attn.c_attn.";
            all.push_back(
                {at + "weight", at::cat({b.query->weight, b.key->weight, b.value->weight}).t().contiguous()});
            all.push_back({at + "bias", at::cat({b.query->bias, b.key->bias, b.value->bias})});
        }
        return all;
    }

private:
    NormStep step(const Norm& norm) const { return {norm.weight, &norm.bias, epsilon_}; }

    std::string prefix_, wordsName_, positionsName_;
    std::int64_t heads_ = 0;
    double epsilon_ = 1e-5;
    Activation activation_;
    at::Tensor words_, positions_;
    Norm finalNorm_;
    std::vector<Gpt2Block> blocks_;
    std::shared_ptr<Linear> head_;
};

class Gpt2Architecture : public Architecture {
public:
    std::string_view id() const override { return "gpt2"; }
    std::string_view title() const override { return "GPT-2"; }
    std::string_view summary() const override {
        return "pre-norm decoder: LayerNorm, learned positions, biases, GELU, tied head";
    }
    std::unique_ptr<Transformer> load(const ModelFolder& folder, Weights& weights) const override {
        return std::make_unique<Gpt2>(folder, weights);
    }

    std::optional<ScratchModel> scratch(const ModelShape& shape, int vocabulary) const override {
        using Fill = ScratchModel::Fill;
        const std::int64_t hidden = shape.hidden, inner = shape.inner > 0 ? shape.inner : 4 * hidden;
        ScratchModel model;
        model.config = {{"architectures", {"GPT2LMHeadModel"}},
                        {"model_type", "gpt2"},
                        {"n_layer", shape.layers},
                        {"n_embd", hidden},
                        {"n_head", shape.heads},
                        {"n_inner", inner},
                        {"n_positions", shape.length},
                        {"vocab_size", vocabulary},
                        {"activation_function", "gelu_new"},
                        {"layer_norm_epsilon", 1e-5},
                        {"embd_pdrop", 0.0},
                        {"attn_pdrop", 0.0},
                        {"resid_pdrop", 0.0},
                        {"tie_word_embeddings", true},
                        {"bos_token_id", 0},
                        {"eos_token_id", 0},
                        {"torch_dtype", "float32"}};
        const auto add = [&](const std::string& name, std::vector<std::int64_t> sizes, Fill fill) {
            model.tensors.push_back({"transformer." + name, std::move(sizes), fill});
        };
        const auto norm = [&](const std::string& name) {
            add(name + ".weight", {hidden}, Fill::ones);
            add(name + ".bias", {hidden}, Fill::zeros);
        };
        const auto linear = [&](const std::string& name, std::int64_t from, std::int64_t to, Fill fill) {
            add(name + ".weight", {from, to}, fill);
            add(name + ".bias", {to}, Fill::zeros);
        };
        add("wte.weight", {vocabulary, hidden}, Fill::normal);
        add("wpe.weight", {shape.length, hidden}, Fill::normal);
        for (int layer = 0; layer < shape.layers; ++layer) {
            const std::string at = "h." + std::to_string(layer) + ".";
            norm(at + "ln_1");
            linear(at + "attn.c_attn", hidden, 3 * hidden, Fill::normal);
            linear(at + "attn.c_proj", hidden, hidden, Fill::stream);
            norm(at + "ln_2");
            linear(at + "mlp.c_fc", hidden, inner, Fill::normal);
            linear(at + "mlp.c_proj", inner, hidden, Fill::stream);
        }
        norm("ln_f");
        return model;
    }
};

const Registration<Architecture, Gpt2Architecture> registration;

} // namespace
} // namespace kurtoscope
