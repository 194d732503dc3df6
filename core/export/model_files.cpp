// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/model_files.h"

#include "core/base/error.h"
#include "core/export/export_folder.h"
#include "core/export/narrow_floats.h"
#include "core/export/tokenizer_files.h"
#include "core/model/gguf.h"

#include <filesystem>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

const GgufFile* ggufOf(const ExportSubject& subject) {
    return dynamic_cast<const GgufFile*>(subject.folder.file.get());
}

// What Hugging Face's LLaMA reads beside what ModelFolder has said in its words.
void completeLlama(const ExportSubject& subject, const GgufFile& file, Json& config) {
    if (file.find("rope_freqs.weight"))
        throw Error("has rope frequencies of its own, which config.json has no key for", subject.folder.path,
                    "Export from the model's Hugging Face folder");
    config["architectures"] = {"LlamaForCausalLM"};
    config["hidden_act"] = "silu";
    const bool bias = subject.folder.find("model.layers.0.self_attn.q_proj.bias") != nullptr;
    config["attention_bias"] = bias;
    config["mlp_bias"] = subject.folder.find("model.layers.0.mlp.down_proj.bias") != nullptr;
    if (!config.contains("head_dim"))
        config["head_dim"] = config.at("hidden_size").get<std::int64_t>() /
                             config.at("num_attention_heads").get<std::int64_t>();
    const double theta = config.value("rope_theta", 10000.0);
    Json rope{{"rope_type", "default"}, {"rope_theta", theta}};
    if (config.contains("rope_scaling")) rope.update(config.at("rope_scaling"));
    config["rope_theta"] = theta;
    config["rope_parameters"] = rope;
    for (const auto& [key, name] : {std::pair{"tokenizer.ggml.bos_token_id", "bos_token_id"},
                                    std::pair{"tokenizer.ggml.eos_token_id", "eos_token_id"},
                                    std::pair{"tokenizer.ggml.padding_token_id", "pad_token_id"}})
        if (file.has(key)) config[name] = file.integer(key);
}

bool isFloat(const StoredTensor& tensor) {
    return !tensor.decoder && (tensor.type == StoredType::F32 || tensor.type == StoredType::F16 ||
                               tensor.type == StoredType::BF16);
}

PlannedTensor stored(const StoredTensor& tensor, const std::string& name) {
    return {name, storedTypeName(tensor.type), tensor.shape, [bytes = tensor.bytes] {
                return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            }};
}

constexpr const char* companions[] = {"tokenizer.json",
                                      "tokenizer_config.json",
                                      "special_tokens_map.json",
                                      "added_tokens.json",
                                      "vocab.txt",
                                      "vocab.json",
                                      "merges.txt",
                                      "chat_template.jinja",
                                      "generation_config.json",
                                      "modules.json",
                                      "sentence_bert_config.json",
                                      "config_sentence_transformers.json",
                                      "1_Pooling/config.json",
                                      "2_Dense/config.json",
                                      "2_Dense/model.safetensors",
                                      "2_Normalize/config.json",
                                      "preprocessor_config.json"};

} // namespace

Json modelConfig(const ExportSubject& subject) {
    Json config = Json::parse(subject.folder.config.json().dump());
    if (const GgufFile* file = ggufOf(subject)) completeLlama(subject, *file, config);
    for (const char* old : {"torch_dtype", "quantization_config", "_name_or_path"})
        config.erase(old);
    config["dtype"] = "float32";
    // What turned the residual stream stands in a head of its own.
    for (const NamedTensor& tensor : subject.model().tensors())
        if (tensor.name == "lm_head.weight") config["tie_word_embeddings"] = false;
    return config;
}

std::vector<PlannedTensor> modelTensors(const ExportSubject& subject, const std::set<std::string>& without) {
    std::map<std::string, at::Tensor> opened;
    for (const NamedTensor& tensor : subject.base.tensors())
        opened.emplace(tensor.name, tensor.values);
    std::vector<PlannedTensor> all;
    std::set<std::string> done = without;
    for (const NamedTensor& tensor : subject.model().tensors()) {
        if (tensor.name.starts_with("2_Dense.") || !done.insert(tensor.name).second) continue;
        const StoredTensor* inFile = subject.folder.find(tensor.name);
        const auto before = opened.find(tensor.name);
        const bool untouched = before != opened.end() && before->second.is_same(tensor.values);
        if (inFile && untouched && isFloat(*inFile) && !subject.folder.permutedQueryKey)
            all.push_back(stored(*inFile, tensor.name));
        else
            all.push_back({tensor.name, "F32", tensor.values.sizes().vec(),
                           [values = tensor.values] { return floatBytes(values); }});
    }
    if (ggufOf(subject)) return all; // whose names are others
    for (const StoredTensor& tensor : subject.folder.file->tensors())
        if (!done.contains(tensor.name) && !tensor.decoder) all.push_back(stored(tensor, tensor.name));
    return all;
}

std::vector<std::string> writeModelFiles(const ExportSubject& subject, ExportFolder& out) {
    const fs::path folder = subject.folder.path;
    std::error_code code;
    if (const GgufFile* file = ggufOf(subject))
        return writeTokenizerFiles(*file, subject.folder.tokenizer.get(), out);
    for (const char* name : companions) {
        if (!fs::is_regular_file(folder / name, code)) continue;
        fs::create_directories(out.file(name).parent_path());
        out.copy(folder / name, name);
    }
    return {};
}

bool linearsAreModules(const ExportSubject& subject) {
    std::map<std::string, std::vector<std::int64_t>> files;
    for (const NamedTensor& tensor : subject.base.fileTensors())
        files.emplace(tensor.name, tensor.values.sizes().vec());
    const auto& linears = subject.base.linears();
    return std::all_of(linears.begin(), linears.end(), [&](const auto& linear) {
        const auto found = files.find(linear->name + ".weight");
        return linear->head || (found != files.end() && found->second == linear->weight.sizes().vec());
    });
}

void needLinears(const ExportSubject& subject, ExportPlan& plan) {
    if (linearsAreModules(subject)) return;
    plan.limits.push_back(
        {"the linear layers of " + subject.base.info().architectureTitle +
             ", which transformers loads as Conv1D, with query, key and value in one: this target "
             "rounds torch's Linear alone",
         ""});
}

std::string autoClassOf(const ExportSubject& subject) {
    const ModelInfo& info = subject.base.info();
    if (info.causal) return "AutoModelForCausalLM";
    if (!info.labels.empty() && !subject.folder.dense) return "AutoModelForSequenceClassification";
    if (info.head == "masked language model") return "AutoModelForMaskedLM";
    return "AutoModel";
}

} // namespace kurtoscope
