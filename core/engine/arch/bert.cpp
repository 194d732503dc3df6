// SPDX-License-Identifier: GPL-3.0-or-later
// BERT (Devlin et al. 2018, arXiv 1810.04805): post-norm encoder with learned positions, and its pooler,
// sequence classifier and masked-language-model head where the file has them.
#include "core/engine/blocks.h"
#include "core/engine/transformer.h"

#include "core/base/error.h"

#include <nlohmann/json.hpp>

namespace kurtoscope {
namespace {

struct Norm {
    at::Tensor weight, bias;
};

struct BertBlock {
    std::shared_ptr<Linear> query, key, value, output, up, down;
    Norm attentionNorm, feedForwardNorm;
};

class Bert : public Transformer {
public:
    Bert(const ModelFolder& folder, Weights& weights) : weights_(&weights) {
        const ConfigJson& config = folder.config;
        info_.layers = static_cast<int>(config.positive("num_hidden_layers"));
        hidden_ = config.positive("hidden_size");
        const std::int64_t inner = config.positive("intermediate_size");
        heads_ = config.positive("num_attention_heads");
        if (hidden_ % heads_ != 0)
            throw Error("hidden_size " + std::to_string(hidden_) +
                            " is not a multiple of num_attention_heads " + std::to_string(heads_),
                        config.where(), "Check config.json");
        if (config.text("position_embedding_type", "absolute") != "absolute")
            throw Error("position_embedding_type \"" + config.text("position_embedding_type", "") +
                            "\" is not supported",
                        config.where(), "Supported: absolute");
        if (config.flag("is_decoder", false))
            throw Error("is_decoder is true: BERT as a decoder is not supported", config.where(),
                        "Open an encoder");
        epsilon_ = config.number("layer_norm_eps", 1e-12);
        activation_ = activationFunction(config.text("hidden_act", "gelu"), config.where());

        const std::string prefix = weights.has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
        const std::string embeddings = prefix + "embeddings.";
        const std::int64_t vocabulary = config.positive("vocab_size");
        words_ = load(embeddings + "word_embeddings.weight", {vocabulary, hidden_});
        info_.maxLength = static_cast<int>(config.positive("max_position_embeddings"));
        positions_ = load(embeddings + "position_embeddings.weight", {info_.maxLength, hidden_});
        types_ = load(embeddings + "token_type_embeddings.weight",
                      {config.positive("type_vocab_size", 2), hidden_});
        embeddingNorm_ = norm(embeddings + "LayerNorm");
        for (int layer = 0; layer < info_.layers; ++layer) {
            const std::string at = prefix + "encoder.layer." + std::to_string(layer) + ".";
            const auto linear = [&](const char* name, Place in, Place out, std::int64_t from,
                                    std::int64_t to) {
                return add(weights.linear(at + name, {layer, in}, {layer, out}, from, to));
            };
            BertBlock block;
            block.query = linear("attention.self.query", Place::attn_input, Place::query, hidden_, hidden_);
            block.key = linear("attention.self.key", Place::attn_input, Place::key, hidden_, hidden_);
            block.value = linear("attention.self.value", Place::attn_input, Place::value, hidden_, hidden_);
            block.output =
                linear("attention.output.dense", Place::attn_context, Place::attn_output, hidden_, hidden_);
            block.attentionNorm = norm(at + "attention.output.LayerNorm");
            block.up = linear("intermediate.dense", Place::mlp_input, Place::mlp_hidden, hidden_, inner);
            block.down = linear("output.dense", Place::mlp_hidden, Place::mlp_output, inner, hidden_);
            block.feedForwardNorm = norm(at + "output.LayerNorm");
            blocks_.push_back(std::move(block));
        }
        loadHead(config, prefix, vocabulary, folder.pooling);
        pooling_ = folder.pooling;

        info_.hidden = static_cast<int>(hidden_);
        info_.intermediate = static_cast<int>(inner);
        info_.heads = info_.keyValueHeads = static_cast<int>(heads_);
        info_.vocabulary = vocabulary;
        info_.postNorm = true;
        info_.places = {Place::embedding,     Place::attn_input, Place::query,        Place::key,
                        Place::value,         Place::attn_probs, Place::attn_context, Place::attn_output,
                        Place::attn_residual, Place::mlp_input,  Place::mlp_hidden,   Place::mlp_output,
                        Place::mlp_residual,  Place::mlp_norm,   Place::final_norm};
        if (head_ || masked_) info_.places.push_back(Place::logits);
        for (Place place : info_.places)
            info_.placeChannels[std::size_t(place)] = static_cast<int>(hidden_);
        info_.placeChannels[std::size_t(Place::mlp_hidden)] = static_cast<int>(inner);
        info_.placeChannels[std::size_t(Place::attn_probs)] = 0;
        if (head_) info_.placeChannels[std::size_t(Place::logits)] = static_cast<int>(head_->weight.size(0));
        if (masked_) info_.placeChannels[std::size_t(Place::logits)] = static_cast<int>(vocabulary);
        weights_ = nullptr; // belongs to the loader
    }

    at::Tensor embed(Pass& pass) const override {
        if (pass.ids().size(1) > info_.maxLength)
            throw Error("got " + std::to_string(pass.ids().size(1)) + " tokens, but the model has " +
                            std::to_string(info_.maxLength) + " positions",
                        info_.path, "Use shorter windows");
        const at::Tensor position = at::arange(pass.ids().size(1), pass.ids().options());
        const at::Tensor sum = at::embedding(words_, pass.ids()) + at::embedding(types_, pass.typeIds()) +
                               at::embedding(positions_, position);
        return pass.see({-1, Place::embedding},
                        layerNorm(sum, embeddingNorm_.weight, embeddingNorm_.bias, epsilon_));
    }

    at::Tensor block(Pass& pass, int layer, const at::Tensor& x) const override {
        if (!pass.mayLeaveOutPadding(layer, info_.places)) return rows(pass, layer, x);
        return pass.withPadding(rows(pass, layer, pass.withoutPadding(x)));
    }

    at::Tensor rows(Pass& pass, int layer, const at::Tensor& x) const {
        const BertBlock& b = blocks_[static_cast<std::size_t>(layer)];
        const at::Tensor stream = pass.see({layer, Place::attn_input}, x);
        const at::Tensor input = pass.operand({layer, Place::attn_input}, stream);
        const auto [q, k, v] = pass.seenLinears({b.query.get(), b.key.get(), b.value.get()}, input);
        const at::Tensor context = pass.operand({layer, Place::attn_context},
                                                attention(pass, layer, q, k, v, heads_, heads_, false));
        const at::Tensor sum = pass.linearOnto({layer, Place::attn_residual}, stream, *b.output, context);
        const at::Tensor normed =
            pass.normed({layer, Place::mlp_input}, {layer, Place::mlp_input}, sum, step(b.attentionNorm));

        const at::Tensor hidden =
            pass.linearOperand({layer, Place::mlp_hidden}, *b.up,
                               pass.operand({layer, Place::mlp_input}, normed), {&activation_});
        const at::Tensor total = pass.linearOnto({layer, Place::mlp_residual}, normed, *b.down, hidden);
        return pass.normed({layer, Place::mlp_norm}, {layer + 1, Place::attn_input}, total,
                           step(b.feedForwardNorm));
    }

    // BERT's last LayerNorm is the last block's own: final_norm names the same tensor.
    at::Tensor finish(Pass& pass, const at::Tensor& x) const override {
        return pass.see({-1, Place::final_norm}, x);
    }

    at::Tensor head(Pass& pass, const at::Tensor& hidden) const override {
        if (head_) {
            // [sequence, channel]: the [CLS] token, or the pooled sentence
            at::Tensor first = dense_ ? pool(hidden, pass.batch().lengths, pooling_) : hidden.select(1, 0);
            if (pooler_ && !dense_) first = at::tanh(pass.linear(*pooler_, first));
            return pass.see({-1, Place::logits}, pass.linear(*head_, first)); // [sequence, label]
        }
        if (masked_) {
            const at::Tensor turned = layerNorm(activation_(pass.linear(*transform_, hidden)),
                                                transformNorm_.weight, transformNorm_.bias, epsilon_);
            return pass.see({-1, Place::logits},
                            pass.linear(*masked_, turned)); // [sequence, position, vocabulary]
        }
        return {};
    }

    Site origin(Site site) const override {
        if (site.place == Place::attn_norm) return {site.layer, Place::mlp_input};
        if (site.place == Place::attn_input)
            return site.layer == 0 ? Site{-1, Place::embedding} : Site{site.layer - 1, Place::mlp_norm};
        if (site.place == Place::final_norm) return {info_.layers - 1, Place::mlp_norm};
        return site;
    }

    std::unique_ptr<Transformer> clone() const override {
        auto copy = std::make_unique<Bert>(*this);
        const auto mine = copy->copyLinears();
        for (BertBlock& b : copy->blocks_)
            for (auto* linear : {&b.query, &b.key, &b.value, &b.output, &b.up, &b.down})
                *linear = mine.at(linear->get());
        for (auto* linear : {&copy->pooler_, &copy->head_, &copy->transform_, &copy->masked_})
            if (*linear) *linear = mine.at(linear->get());
        return copy;
    }

    // Only attention's context is read by one linear layer alone and made by another: LayerNorm's outputs
    // feed the residual sums too, and GELU lets no scale through.
    bool foldDivisor(Site input, const at::Tensor& divisor) override {
        if (input.place != Place::attn_context) return false;
        Linear& value = *blocks_[static_cast<std::size_t>(input.layer)].value;
        value.weight = value.weight / divisor.unsqueeze(1);
        if (value.bias.defined()) value.bias = value.bias / divisor;
        return true;
    }

    std::vector<NamedTensor> tensors() const override {
        std::vector<NamedTensor> all = linearTensors(words_);
        for (NamedTensor& one : all)
            if (one.name == "cls.predictions.decoder.bias") one.name = maskedBias_;
        std::vector<at::Tensor> values{words_, positions_, types_, embeddingNorm_.weight,
                                       embeddingNorm_.bias};
        for (const BertBlock& b : blocks_)
            for (const Norm* norm : {&b.attentionNorm, &b.feedForwardNorm})
                values.push_back(norm->weight), values.push_back(norm->bias);
        if (transform_) values.push_back(transformNorm_.weight), values.push_back(transformNorm_.bias);
        for (std::size_t i = 0; i < names_.size(); ++i)
            all.push_back({names_[i], values.at(i)});
        return all;
    }

    // The scales of post-norm LayerNorms stand in the residual stream itself.
    bool rotateStream(const at::Tensor&) override { return false; }

    void moveTo(at::Device device) override {
        const auto move = [&](at::Tensor& tensor) {
            if (tensor.defined()) tensor = tensor.to(device);
        };
        const auto moveNorm = [&](Norm& norm) {
            move(norm.weight);
            move(norm.bias);
        };
        const bool tied = masked_ && masked_->weight.is_same(words_);
        move(words_), move(positions_), move(types_);
        moveNorm(embeddingNorm_), moveNorm(transformNorm_);
        for (auto& block : blocks_)
            moveNorm(block.attentionNorm), moveNorm(block.feedForwardNorm);
        for (auto& linear : linears())
            move(linear->weight), move(linear->bias);
        if (tied) masked_->weight = words_;
    }

private:
    NormStep step(const Norm& norm) const { return {norm.weight, &norm.bias, epsilon_}; }

    // Old checkpoints call a norm's weight and bias gamma and beta.
    Norm norm(const std::string& name) {
        const bool old = weights_->has(name + ".gamma");
        return {load(name + (old ? ".gamma" : ".weight"), {hidden_}),
                load(name + (old ? ".beta" : ".bias"), {hidden_})};
    }

    at::Tensor load(const std::string& name, at::IntArrayRef shape) {
        names_.push_back(name);
        return weights_->load(name, shape);
    }

    // Heads for tokens or multiple choice call their weight "classifier" too; a file that does not say is
    // believed.
    static bool classifiesSequences(const ConfigJson& config) {
        if (!config.has("architectures") || !config.json().at("architectures").is_array()) return true;
        const auto& names = config.json().at("architectures");
        return names.empty() || !names.at(0).is_string() ||
               names.at(0).get<std::string>().ends_with("ForSequenceClassification");
    }

    std::shared_ptr<Linear> headLinear(const std::string& name, Place out, std::int64_t outputs) {
        auto linear = add(weights_->linear(name, {-1, Place::final_norm}, {-1, out}, hidden_, outputs));
        linear->head = true;
        return linear;
    }

    void nameLabels(const ConfigJson& config, std::int64_t labels) {
        const bool named = config.has("id2label") && config.json().at("id2label").is_object();
        for (std::int64_t label = 0; label < labels; ++label) {
            const std::string key = std::to_string(label);
            const bool known = named && config.json().at("id2label").contains(key) &&
                               config.json().at("id2label").at(key).is_string();
            info_.labels.push_back(known ? config.json().at("id2label").at(key).get<std::string>()
                                         : "LABEL_" + key);
        }
    }

    // sentence-transformers' Dense module with one output for each of the labels that config.json names.
    bool classifiesByDense(const ConfigJson& config) const {
        if (!weights_->has("2_Dense.linear.weight") || !config.has("id2label")) return false;
        const auto shape = weights_->shapeOf("2_Dense.linear.weight");
        return shape.size() == 2 && config.json().at("id2label").is_object() &&
               shape.front() == static_cast<std::int64_t>(config.json().at("id2label").size());
    }

    void loadHead(const ConfigJson& config, const std::string& prefix, std::int64_t vocabulary,
                  Pooling pooling) {
        if (weights_->has(prefix + "pooler.dense.weight"))
            pooler_ = headLinear(prefix + "pooler.dense", Place::final_norm, hidden_);
        if (weights_->has("classifier.weight") && !classifiesSequences(config)) {
            info_.warnings.push_back("The head (" +
                                     config.json().at("architectures").at(0).get<std::string>() +
                                     ") is not supported: opened as an encoder without it");
            info_.head = "embedding (mean pooling)";
        } else if (weights_->has("classifier.weight")) {
            const auto shape = weights_->shapeOf("classifier.weight");
            const std::int64_t labels = shape.empty() ? 1 : shape.front();
            head_ = headLinear("classifier", Place::logits, labels);
            nameLabels(config, labels);
            info_.head = "classifier (" + std::to_string(labels) + " labels)";
        } else if (classifiesByDense(config)) {
            dense_ = true;
            const std::int64_t labels = weights_->shapeOf("2_Dense.linear.weight").front();
            head_ = headLinear("2_Dense.linear", Place::logits, labels);
            nameLabels(config, labels);
            info_.head = "classifier (" + std::to_string(labels) + " labels)";
        } else if (weights_->has("cls.predictions.transform.dense.weight")) {
            transform_ = headLinear("cls.predictions.transform.dense", Place::logits, hidden_);
            transformNorm_ = norm("cls.predictions.transform.LayerNorm");
            masked_ = add(std::make_shared<Linear>(Linear{
                "cls.predictions.decoder", {-1, Place::final_norm}, {-1, Place::logits}, {}, {}, true}));
            masked_->weight = weights_->has("cls.predictions.decoder.weight")
                                  ? weights_->load("cls.predictions.decoder.weight", {vocabulary, hidden_})
                                  : words_;
            maskedBias_ = weights_->has("cls.predictions.bias") ? "cls.predictions.bias"
                                                                : "cls.predictions.decoder.bias";
            masked_->bias = weights_->loadIf(maskedBias_, {vocabulary});
            info_.head = "masked language model";
        } else {
            info_.head = pooling == Pooling::first_token ? "embedding (first token)"
                         : pooling == Pooling::maximum   ? "embedding (max pooling)"
                                                         : "embedding (mean pooling)";
        }
    }

    Weights* weights_;               // only while loading
    std::string maskedBias_;         // the file's name of it
    std::vector<std::string> names_; // of words, types, positions and norms, in the order of loading
    std::int64_t hidden_ = 0, heads_ = 0;
    double epsilon_ = 1e-12;
    Pooling pooling_ = Pooling::none;
    bool dense_ = false; // the classifier reads the pooled sentence
    Activation activation_;
    at::Tensor words_, positions_, types_;
    Norm embeddingNorm_, transformNorm_;
    std::vector<BertBlock> blocks_;
    std::shared_ptr<Linear> pooler_, head_, transform_, masked_;
};

class BertArchitecture : public Architecture {
public:
    std::string_view id() const override { return "bert"; }
    std::string_view title() const override { return "BERT"; }
    std::string_view summary() const override {
        return "post-norm encoder with pooler, sequence classifier or masked-language-model head";
    }
    std::unique_ptr<Transformer> load(const ModelFolder& folder, Weights& weights) const override {
        return std::make_unique<Bert>(folder, weights);
    }
};

const Registration<Architecture, BertArchitecture> registration;

} // namespace
} // namespace kurtoscope
