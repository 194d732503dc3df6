// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <QDir>
#include <QFile>

#include <array>
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace kurtoscope {

// Writes a made-up LLaMA that is as wide and as deep as a model of 70 B, 80 layers × 8192 channels, but
// narrow inside (one head of 32, an MLP of 32): 134 M random weights with two heavy channels, and the
// tokenizer of the bundled model. False when a file cannot be written.
inline bool writeWideModel(const QString& folder) {
    constexpr std::int64_t layers = 80, hidden = 8192, inner = 32, words = 1024;
    const QDir bundled(QStringLiteral(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama"));
    QDir().mkpath(folder);
    const QDir into(folder);
    for (const char* file : {"tokenizer.json", "tokenizer_config.json"})
        QFile::copy(bundled.filePath(file), into.filePath(file));
    const nlohmann::ordered_json config{{"architectures", {"LlamaForCausalLM"}},
                                        {"model_type", "llama"},
                                        {"vocab_size", words},
                                        {"hidden_size", hidden},
                                        {"intermediate_size", inner},
                                        {"num_hidden_layers", layers},
                                        {"num_attention_heads", 1},
                                        {"num_key_value_heads", 1},
                                        {"head_dim", inner},
                                        {"hidden_act", "silu"},
                                        {"rms_norm_eps", 1e-5},
                                        {"rope_theta", 10000.0},
                                        {"max_position_embeddings", 1024},
                                        {"tie_word_embeddings", true},
                                        {"bos_token_id", 0},
                                        {"eos_token_id", 0},
                                        {"torch_dtype", "bfloat16"}};
    QFile settings(into.filePath("config.json")), weights(into.filePath("model.safetensors"));
    if (!settings.open(QIODevice::WriteOnly) || !weights.open(QIODevice::WriteOnly)) return false;
    settings.write(QByteArray::fromStdString(config.dump(1)));

    struct Tensor {
        std::string name;
        std::vector<std::int64_t> shape;
    };
    std::vector<Tensor> tensors{{"model.embed_tokens.weight", {words, hidden}},
                                {"model.norm.weight", {hidden}}};
    for (std::int64_t layer = 0; layer < layers; ++layer) {
        const std::string at = "model.layers." + std::to_string(layer) + '.';
        for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
            tensors.push_back({at + norm + ".weight", {hidden}});
        for (const char* in :
             {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"})
            tensors.push_back({at + in + ".weight", {inner, hidden}});
        for (const char* out : {"self_attn.o_proj", "mlp.down_proj"})
            tensors.push_back({at + out + ".weight", {hidden, inner}});
    }
    nlohmann::ordered_json header;
    std::int64_t end = 0;
    const auto sizeOf = [](const Tensor& tensor) {
        std::int64_t values = 1;
        for (const auto size : tensor.shape)
            values *= size;
        return values;
    };
    for (const Tensor& tensor : tensors) {
        const std::int64_t from = std::exchange(end, end + 2 * sizeOf(tensor));
        header[tensor.name] = {{"dtype", "BF16"}, {"shape", tensor.shape}, {"data_offsets", {from, end}}};
    }
    const std::string text = header.dump();
    const std::uint64_t length = text.size();
    weights.write(reinterpret_cast<const char*>(&length), sizeof length);
    weights.write(text.data(), static_cast<qint64>(text.size()));

    std::mt19937 random(1);
    std::normal_distribution<float> ordinary(0, 0.03F);
    std::array<float, 4096> drawn{};
    for (float& value : drawn)
        value = ordinary(random);
    for (const Tensor& tensor : tensors) {
        std::vector<std::uint16_t> values(static_cast<std::size_t>(sizeOf(tensor)));
        const bool norm = tensor.shape.size() == 1;
        std::size_t at = random() % drawn.size();
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::size_t channel = i % static_cast<std::size_t>(hidden);
            const float value = !norm            ? drawn[at++ % drawn.size()]
                                : channel == 247 ? 30
                                : channel == 507 ? 20
                                                 : 1;
            if (i % 4093 == 0) at = random() % drawn.size(); // rows must not repeat
            values[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
        }
        weights.write(reinterpret_cast<const char*>(values.data()), static_cast<qint64>(2 * values.size()));
    }
    return weights.flush() && settings.flush();
}

} // namespace kurtoscope
