// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/model_folder.h"

#include "core/base/error.h"
#include "core/model/gguf.h"
#include "core/model/quantized_checkpoint.h"

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

// "Q4_1 (some F32, Q8_0)": the type that holds most weights first.
std::string precisionOf(const TensorFile& file) {
    std::map<std::string, std::int64_t> weights;
    for (const auto& tensor : file.tensors())
        weights[storedTypeName(tensor.type)] += tensor.elements();
    std::vector<std::pair<std::string, std::int64_t>> order(weights.begin(), weights.end());
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (order[i].first.starts_with('I') || order[i].first == "BOOL")
            continue; // position ids and the like
        text += text.empty() ? order[i].first
                             : (text.find('(') == std::string::npos ? " (some " : ", ") + order[i].first;
    }
    return text.find('(') == std::string::npos ? text : text + ")";
}

Pooling poolingOf(const fs::path& folder) {
    const fs::path file = folder / "1_Pooling" / "config.json";
    if (!fs::exists(file)) return Pooling::none;
    const ConfigJson config = ConfigJson::read(file.string());
    if (config.flag("pooling_mode_cls_token", false)) return Pooling::first_token;
    if (config.flag("pooling_mode_max_tokens", false)) return Pooling::maximum;
    if (config.flag("pooling_mode_mean_tokens", true)) return Pooling::mean;
    throw Error("asks for a pooling that is not supported", file.string(),
                "Supported: cls_token, mean_tokens, max_tokens");
}

// A linear layer behind the pooling: a classifier when it has as many outputs as the model has labels.
std::shared_ptr<const TensorFile> denseOf(const fs::path& folder, std::vector<std::string>& warnings) {
    const ConfigJson config = ConfigJson::read((folder / "config.json").string());
    const std::string activation = config.text("activation_function", "torch.nn.modules.activation.Tanh");
    if (!activation.ends_with(".Identity")) {
        warnings.push_back("2_Dense ends in " + activation + ", which is not supported: opened without it");
        return nullptr;
    }
    return TensorFile::openSafetensors(folder / "model.safetensors");
}

std::string folderName(const fs::path& folder) {
    // A snapshot of the Hugging Face cache lies at models--owner--name/snapshots/<commit>.
    const fs::path absolute = fs::weakly_canonical(folder);
    for (auto part = absolute; part.has_relative_path(); part = part.parent_path()) {
        const std::string piece = part.filename().string();
        if (piece.starts_with("models--")) return piece.substr(piece.rfind("--") + 2);
    }
    return absolute.filename().string();
}

// Weights that other software, or an export, quantized.
void readQuantization(const fs::path& folder, ModelFolder& model) {
    if (!model.config.has("quantization_config")) return;
    OpenedCheckpoint opened =
        openQuantized(model.config.json().at("quantization_config"),
                      model.config.where() + ", quantization_config", model.file, folder);
    model.file = std::move(opened.file);
    for (const std::string& warning : opened.stored.warnings)
        model.warnings.push_back(warning);
    model.stored = std::make_shared<const StoredQuantization>(std::move(opened.stored));
}

ModelFolder openFolder(const fs::path& folder) {
    ModelFolder model;
    model.path = folder.string();
    model.name = folderName(folder);
    if (!fs::exists(folder / "config.json"))
        throw Error("has no config.json", folder.string(),
                    "Give a Hugging Face model folder (config.json, model.safetensors, tokenizer.json) or a "
                    ".gguf file");
    model.config = ConfigJson::read((folder / "config.json").string());
    if (fs::exists(folder / "model.safetensors")) {
        model.file = TensorFile::openSafetensors(folder / "model.safetensors");
    } else if (fs::exists(folder / "model.safetensors.index.json")) {
        model.file = TensorFile::openShards(folder / "model.safetensors.index.json");
    } else {
        for (const char* pickle :
             {"pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth"})
            if (fs::exists(folder / pickle))
                throw Error(
                    "holds its weights as a pickle, which could run code and is never opened",
                    (folder / pickle).string(),
                    "Convert it once with Python: AutoModel.from_pretrained(folder).save_pretrained(out, "
                    "safe_serialization=True)");
        throw Error(
            "has no model.safetensors", folder.string(),
            "Download the weights (model.safetensors, or its shards with model.safetensors.index.json)");
    }
    readQuantization(folder, model);
    model.pooling = poolingOf(folder);
    if (fs::exists(folder / "2_Dense" / "model.safetensors"))
        model.dense = denseOf(folder / "2_Dense", model.warnings);
    return model;
}

// GGUF metadata said in config.json's words, and its tensor names in Hugging Face's.
void describeGguf(const GgufFile& file, ModelFolder& model) {
    const std::string architecture = file.text("general.architecture");
    const auto key = [&](const std::string& name) { return architecture + "." + name; };
    if (architecture != "llama")
        throw Error("general.architecture is \"" + architecture + "\", which is not supported", model.path,
                    "Supported in GGUF files: llama");
    nlohmann::json config{{"model_type", architecture}};
    config["num_hidden_layers"] = file.integer(key("block_count"));
    config["hidden_size"] = file.integer(key("embedding_length"));
    config["intermediate_size"] = file.integer(key("feed_forward_length"));
    config["num_attention_heads"] = file.integer(key("attention.head_count"));
    config["num_key_value_heads"] = file.has(key("attention.head_count_kv"))
                                        ? file.integer(key("attention.head_count_kv"))
                                        : file.integer(key("attention.head_count"));
    config["rms_norm_eps"] = file.number(key("attention.layer_norm_rms_epsilon"));
    config["max_position_embeddings"] = file.integer(key("context_length"));
    if (file.has(key("rope.freq_base"))) config["rope_theta"] = file.number(key("rope.freq_base"));
    if (file.has(key("attention.key_length"))) config["head_dim"] = file.integer(key("attention.key_length"));
    const std::string scaling =
        file.has(key("rope.scaling.type")) ? file.text(key("rope.scaling.type")) : "none";
    if (scaling != "none")
        config["rope_scaling"] = {
            {"rope_type", scaling},
            {"factor", file.has(key("rope.scaling.factor")) ? file.number(key("rope.scaling.factor")) : 1.0}};
    if (file.has(key("expert_count")) && file.integer(key("expert_count")) > 0)
        throw Error("is a mixture of experts, which is not supported", model.path, "Open a dense LLaMA");
    if (const StoredTensor* embedding = file.find("token_embd.weight");
        embedding && embedding->shape.size() == 2)
        config["vocab_size"] = embedding->shape[0];
    config["tie_word_embeddings"] = file.find("output.weight") == nullptr;
    const auto layers = config["num_hidden_layers"].get<std::int64_t>();
    if (layers < 1 || layers > 10'000)
        throw Error("says it has " + std::to_string(layers) + " layers", model.path,
                    "Download the file again");
    model.config = ConfigJson(std::move(config), model.path);

    auto& names = model.storedNames;
    names = {{"model.embed_tokens.weight", "token_embd.weight"},
             {"model.norm.weight", "output_norm.weight"},
             {"lm_head.weight", "output.weight"},
             {"rope_freqs.weight", "rope_freqs.weight"}};
    const std::pair<const char*, const char*> parts[] = {
        {"input_layernorm", "attn_norm"}, {"post_attention_layernorm", "ffn_norm"},
        {"self_attn.q_proj", "attn_q"},   {"self_attn.k_proj", "attn_k"},
        {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"},
        {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},
        {"mlp.down_proj", "ffn_down"}};
    for (std::int64_t layer = 0; layer < layers; ++layer)
        for (const auto& [theirs, stored] : parts)
            for (const char* end : {".weight", ".bias"})
                names["model.layers." + std::to_string(layer) + "." + theirs + end] =
                    "blk." + std::to_string(layer) + "." + stored + end;
    model.permutedQueryKey = true;
}

ModelFolder openGguf(const fs::path& path) {
    ModelFolder model;
    model.path = path.string();
    model.name = path.stem().string();
    const auto file = GgufFile::open(path);
    describeGguf(*file, model);
    model.file = file;
    // "SmolLM2-135M-Instruct.Q4_1" says its precision twice.
    if (const auto dot = model.name.rfind('.'); dot != std::string::npos) model.name.resize(dot);
    return model;
}

} // namespace

const StoredTensor* ModelFolder::find(const std::string& name) const {
    constexpr std::string_view denseName = "2_Dense.";
    if (dense && name.starts_with(denseName)) return dense->find(name.substr(denseName.size()));
    if (storedNames.empty()) return file->find(name);
    const auto found = storedNames.find(name);
    return found == storedNames.end() ? nullptr : file->find(found->second);
}

ModelFolder ModelFolder::open(const std::string& path) {
    std::error_code code;
    fs::path given = fs::path(path);
    if (fs::status(given, code).type() == fs::file_type::none)
        throw Error("cannot be looked at: " + code.message(), path, "Check that you may read it");
    if (!fs::exists(given, code))
        throw Error("does not exist", path,
                    "Give a model folder, a .gguf file, or a name listed by \"kurtoscope models\"");
    if (!fs::is_directory(given, code) && given.extension() == ".safetensors") given = given.parent_path();
    const bool gguf = !fs::is_directory(given, code);
    if (gguf && given.extension() != ".gguf") {
        const std::string end = given.extension().string();
        if (end == ".bin" || end == ".pt" || end == ".pth" || end == ".ckpt" || end == ".pkl")
            throw Error("is a pickle, which could run code and is never opened", path,
                        "Convert it once with Python: AutoModel.from_pretrained(folder).save_pretrained(out, "
                        "safe_serialization=True)");
    }
    ModelFolder model = gguf ? openGguf(given) : openFolder(given.empty() ? fs::path(".") : given);
    model.storedPrecision = model.stored ? model.stored->summary : precisionOf(*model.file);
    try {
        model.tokenizer =
            gguf ? Tokenizer::fromSpec(static_cast<const GgufFile&>(*model.file).tokenizerSpec(), path)
                 : Tokenizer::fromFolder(given);
    } catch (const Error& error) {
        // Ids can still be given by number, so a missing tokenizer is a warning; a damaged model is not.
        model.warnings.push_back(std::string("No tokenizer: ") + error.what());
    }
    return model;
}

} // namespace kurtoscope
