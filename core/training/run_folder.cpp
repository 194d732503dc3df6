// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/run_folder.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/data/strict_json.h"
#include "core/engine/scratch_model.h"
#include "core/export/export_folder.h"
#include "core/model/safetensors_writer.h"
#include "core/training/artificial_language.h"
#include "core/training/bpe_trainer.h"

#include <fstream>
#include <random>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

constexpr const char* stateName = "training_state.json";
// Of text that a tokenizer is trained on: more of it moves no merge, and would be held twice.
constexpr std::size_t tokenizerBytes = 256 << 20;
constexpr const char* momentsName = "training_state.safetensors";
// What belongs to a model beside its weights, where the folder has it.
constexpr const char* companions[] = {"tokenizer.json",
                                      "tokenizer_config.json",
                                      "vocab.txt",
                                      "vocab.json",
                                      "merges.txt",
                                      "special_tokens_map.json",
                                      "added_tokens.json",
                                      "modules.json",
                                      "sentence_bert_config.json",
                                      "config_sentence_transformers.json",
                                      "1_Pooling/config.json",
                                      "2_Dense/config.json"};

void makeFolder(const fs::path& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    if (code)
        throw Error("the folder cannot be made: " + code.message(), folder.string(),
                    "Name another with --out");
}

void copyCompanions(const fs::path& from, const fs::path& to) {
    std::error_code code;
    for (const char* name : companions)
        if (fs::is_regular_file(from / name, code)) {
            fs::create_directories((to / name).parent_path(), code);
            writeFileAtomically(to / name, readFile(from / name));
        }
}

void writeTensors(const fs::path& file, const std::vector<NamedTensor>& tensors) {
    std::vector<at::Tensor> plain;
    std::vector<TensorToWrite> list;
    for (const NamedTensor& one : tensors) {
        plain.push_back(one.values.detach().to(at::kCPU, at::kFloat).contiguous());
        list.push_back(
            {one.name,
             plain.back().sizes().vec(),
             {plain.back().const_data_ptr<float>(), static_cast<std::size_t>(plain.back().numel())}});
    }
    writeSafetensors(file, list);
}

// A sentence-transformers head lies in a file of its own.
void writeWeights(const fs::path& folder, std::vector<NamedTensor> tensors) {
    std::vector<NamedTensor> dense;
    std::erase_if(tensors, [&](const NamedTensor& one) {
        constexpr std::string_view prefix = "2_Dense.";
        if (!one.name.starts_with(prefix)) return false;
        dense.push_back({one.name.substr(prefix.size()), one.values});
        return true;
    });
    writeTensors(folder / "model.safetensors", tensors);
    if (!dense.empty()) writeTensors(folder / "2_Dense" / "model.safetensors", dense);
}

at::Tensor filled(const ScratchModel::Tensor& tensor, int layers, at::Generator& generator) {
    using Fill = ScratchModel::Fill;
    at::Tensor made = at::zeros(tensor.shape);
    if (tensor.fill == Fill::ones) made.fill_(1);
    if (tensor.fill == Fill::normal || tensor.fill == Fill::stream)
        made.normal_(0, tensor.fill == Fill::normal ? 0.02 : 0.02 / std::sqrt(2.0 * layers), generator);
    return made;
}

std::int64_t bytesOf(const std::vector<NamedTensor>& tensors) {
    std::int64_t bytes = 0;
    for (const NamedTensor& one : tensors)
        bytes += one.values.numel() * std::int64_t{sizeof(float)};
    return bytes;
}

// Where text may be cut near `at`: behind a line end, so that no word is.
std::size_t lineEndNear(const std::string& text, std::size_t at) {
    const std::size_t line = text.rfind('\n', at);
    return line == std::string::npos || line == 0 ? std::min(at, text.size()) : line + 1;
}

} // namespace

fs::path RunFolder::newest() const {
    std::error_code code;
    const TrainingRun run = TrainingRun::read(path_.string());
    for (auto at = run.checkpoints.rbegin(); at != run.checkpoints.rend(); ++at)
        if (fs::exists(fs::path(at->second) / stateName, code)) return at->second;
    // One that was stopped before its first checkpoint begins again.
    if (run.checkpoints.size() == 1 && run.checkpoints.front().first == 0)
        return run.checkpoints.front().second;
    throw Error("has no checkpoint to go on from", path_.string(), "Train it anew into another folder");
}

std::unique_ptr<TrainingMark> RunFolder::begin(const TrainingSpec& spec, std::stop_token stop,
                                               const OnProgress& progress) {
    std::error_code code;
    if (fs::exists(path_ / "spec.json", code) && fs::exists(path_ / checkpointName(0) / "config.json", code))
        throw Error("holds a training run already", path_.string(),
                    "Go on with it with --resume, or name another folder with --out");
    makeFolder(path_ / "data");
    makeFolder(path_ / "checkpoints");
    auto mark = std::make_unique<TrainingMark>(path_.string());
    writeFileAtomically(path_ / "spec.json", spec.toJson());
    writeFileAtomically(path_ / "metrics.jsonl", "");
    const LabelledRows rows = beginData(spec, stop, progress);
    if (progress) progress({"Making the model", 0, 0, -1});
    beginModel(spec, rows, stop);
    return mark;
}

LabelledRows RunFolder::beginData(const TrainingSpec& spec, std::stop_token stop,
                                  const OnProgress& progress) const {
    const auto tell = [&](const char* phase) {
        throwIfStopped(stop);
        if (progress) progress({phase, 0, 0, -1});
    };
    tell("Reading the text");
    if (spec.task != "language-model") return readRows(spec.text, spec.task == "regression");
    std::vector<std::string> training =
        spec.text.empty() ? std::vector{artificialText(spec.artificialBytes, spec.seed, stop)}
                          : readDocuments(spec.text);
    std::vector<std::string> held;
    if (!spec.validation.empty()) {
        held = readDocuments(spec.validation);
    } else if (training.size() > 1) {
        const auto kept =
            std::max<std::size_t>(1, static_cast<std::size_t>(double(training.size()) * spec.heldOut));
        held.assign(training.end() - static_cast<std::ptrdiff_t>(kept), training.end());
        training.resize(training.size() - kept);
    } else if (!training.empty()) {
        std::string& whole = training.front();
        const std::size_t cut =
            lineEndNear(whole, static_cast<std::size_t>(double(whole.size()) * (1 - spec.heldOut)));
        held.push_back(whole.substr(cut));
        whole.resize(cut);
    }
    std::string heldText;
    for (const std::string& document : held)
        heldText += document + (document.ends_with('\n') ? "" : "\n");
    if (training.empty() || training.front().empty() || heldText.size() < 2)
        throw Error("the text is empty, or too short to hold some of it out", spec.text,
                    "Give a longer text");
    writeFileAtomically(path_ / "data" / "held_out.txt", heldText);
    if (spec.from.empty() && spec.tokenizer == "bpe") {
        tell("Training the tokenizer");
        std::string joined;
        for (const std::string& document : training) {
            if (joined.size() >= tokenizerBytes) break;
            joined += document.substr(0, tokenizerBytes - joined.size()) + "\n";
        }
        writeFileAtomically(path_ / "tokenizer.json", trainByteLevelBpe(joined, spec.model.vocabulary, stop));
        writeFileAtomically(path_ / "tokenizer_config.json", tokenizerConfig(spec.model.length));
    } else {
        copyCompanions(spec.from.empty() ? spec.tokenizer : spec.from, path_);
    }
    tell("Tokenizing");
    const auto tokenizer = Tokenizer::fromFolder(path_);
    writeTokens(training, *tokenizer, path_ / "data" / "train.tokens", stop);
    writeTokens({heldText}, *tokenizer, path_ / "data" / "held_out.tokens", stop);
    return {};
}

void RunFolder::beginModel(const TrainingSpec& spec, const LabelledRows& rows, std::stop_token stop) const {
    ExportFolder folder(path_ / checkpointName(0), false, 0, stop, {});
    at::Generator generator = at::detail::createCPUGenerator(spec.seed);
    if (spec.from.empty()) {
        const Architecture& family = Registry<Architecture>::instance().get(spec.model.family, "family");
        const int vocabulary = Tokenizer::fromFolder(path_)->vocabularySize();
        const auto scratch = family.scratch(spec.model, vocabulary);
        if (!scratch)
            throw Error("a " + spec.model.family + " cannot be made from nothing", "model.family",
                        "Use gpt2 or llama, or go on from a model with model.from");
        folder.write("config.json", scratch->config.dump(2) + "\n");
        std::vector<NamedTensor> tensors;
        for (const ScratchModel::Tensor& tensor : scratch->tensors)
            tensors.push_back({tensor.name, filled(tensor, spec.model.layers, generator)});
        writeWeights(folder.file(""), tensors);
        copyCompanions(path_, folder.file(""));
    } else {
        const ModelFolder source = ModelFolder::open(spec.from);
        if (!fs::exists(fs::path(spec.from) / "config.json"))
            throw Error("is no Hugging Face folder", spec.from, "Give a folder with config.json");
        auto model = loadTransformer(source, stop, {});
        nlohmann::ordered_json config = source.config.json();
        config["torch_dtype"] = "float32";
        config.erase("dtype");
        std::vector<NamedTensor> tensors = model->fileTensors();
        copyCompanions(spec.from, folder.file(""));
        if (spec.task != "language-model") {
            if (model->info().causal)
                throw Error(spec.task + " needs an encoder", spec.from, "Open a model of the BERT family");
            const bool regression = spec.task == "regression";
            const auto outputs = regression ? std::int64_t{1} : static_cast<std::int64_t>(rows.labels.size());
            nlohmann::ordered_json names;
            for (std::int64_t i = 0; i < outputs; ++i)
                names[std::to_string(i)] = regression ? "score" : rows.labels[static_cast<std::size_t>(i)];
            config["id2label"] = names;
            const std::int64_t hidden = model->info().hidden;
            std::erase_if(tensors, [](const NamedTensor& one) {
                return one.name.starts_with("2_Dense.") || one.name.starts_with("classifier.") ||
                       one.name.starts_with("cls.");
            });
            at::Tensor weight = at::zeros({outputs, hidden});
            weight.normal_(0, 0.02, generator);
            tensors.push_back({"2_Dense.linear.weight", weight});
            tensors.push_back({"2_Dense.linear.bias", at::zeros({outputs})});
            for (const char* part : {"1_Pooling", "2_Dense"})
                makeFolder(folder.file(part));
            if (!fs::exists(folder.file("1_Pooling/config.json")))
                folder.write("1_Pooling/config.json",
                             nlohmann::ordered_json{{"word_embedding_dimension", hidden},
                                                    {"pooling_mode_mean_tokens", true}}
                                     .dump(2) +
                                 "\n");
            folder.write("2_Dense/config.json",
                         nlohmann::ordered_json{{"in_features", hidden},
                                                {"out_features", outputs},
                                                {"bias", true},
                                                {"activation_function", "torch.nn.modules.linear.Identity"}}
                                 .dump(2) +
                             "\n");
            auto modules = nlohmann::ordered_json::array();
            const char* types[] = {"Transformer", "Pooling", "Dense"};
            const char* paths[] = {"", "1_Pooling", "2_Dense"};
            for (int i = 0; i < 3; ++i)
                modules.push_back({{"idx", i},
                                   {"name", std::to_string(i)},
                                   {"path", paths[i]},
                                   {"type", std::string("sentence_transformers.models.") + types[i]}});
            folder.write("modules.json", modules.dump(2) + "\n");
        }
        folder.write("config.json", config.dump(2) + "\n");
        writeWeights(folder.file(""), tensors);
    }
    folder.commit();
}

std::unique_ptr<TrainingData> RunFolder::data(const TrainingSpec& spec, const ModelInfo& model,
                                              const Tokenizer& tokenizer, std::stop_token stop) const {
    if (spec.task == "language-model")
        return textData(path_ / "data" / "train.tokens", path_ / "data" / "held_out.tokens", spec,
                        spec.from.empty() ? spec.model.length : std::min(spec.model.length, model.maxLength));
    const bool regression = spec.task == "regression";
    LabelledRows training = readRows(spec.text, regression), held;
    if (!spec.validation.empty()) {
        held = readRows(spec.validation, regression);
    } else {
        held.labels = training.labels;
        const auto kept = std::min(
            training.rows.size(),
            std::max<std::size_t>(1, static_cast<std::size_t>(double(training.rows.size()) * spec.heldOut)));
        held.rows.assign(training.rows.end() - static_cast<std::ptrdiff_t>(kept), training.rows.end());
        training.rows.resize(training.rows.size() - kept);
    }
    if (held.labels != training.labels)
        throw Error("its labels are others than those trained on", spec.validation,
                    "Give a file of the same kind");
    return tableData(training, held, tokenizer, spec, std::min(spec.model.length, model.maxLength), stop);
}

fs::path RunFolder::writeCheckpoint(int step, const Transformer& model, const ResumeState& state,
                                    const std::string& recipe) const {
    const std::vector<NamedTensor> weights = model.fileTensors();
    const fs::path target = path_ / checkpointName(step), begun = path_ / checkpointName(0);
    std::error_code code;
    std::vector<fs::path> earlier;
    for (fs::directory_iterator entry(path_ / "checkpoints", code), end; !code && entry != end;
         entry.increment(code))
        if (entry->path() != target) earlier.push_back(entry->path());
    {
        fs::remove_all(target, code); // of a run that was stopped before it told anybody of this step
        ExportFolder folder(target, false, bytesOf(weights) + bytesOf(state.tensors), {}, {});
        copyCompanions(begun, folder.file(""));
        folder.write("config.json", readFile(begun / "config.json"));
        writeWeights(folder.file(""), weights);
        if (!recipe.empty()) folder.write("recipe.json", recipe);
        writeTensors(folder.file(momentsName), state.tensors);
        folder.write(stateName, nlohmann::ordered_json{{"schema", 1},
                                                       {"step", state.step},
                                                       {"tokens", state.tokens},
                                                       {"loss_mean", realJson(state.lossMean)},
                                                       {"loss_spread", realJson(state.lossSpread)}}
                                        .dump(2) +
                                    "\n");
        folder.commit();
    }
    // What going on takes is twice the weights again: only the newest keeps it.
    for (const fs::path& folder : earlier) {
        fs::remove(folder / stateName, code);
        fs::remove(folder / momentsName, code);
    }
    return target;
}

ResumeState RunFolder::state(const fs::path& checkpoint) const {
    std::error_code code;
    if (!fs::exists(checkpoint / stateName, code)) return {};
    const std::string where = (checkpoint / stateName).string(), hint = "Train it anew into another folder";
    const nlohmann::json json = parseStrictObject(readFile(where), where, hint);
    StrictObject root(json, where, "", hint);
    root.integer("schema", 1, 1);
    ResumeState state;
    state.step = static_cast<int>(root.integer("step", 0, 1'000'000'000));
    state.tokens = root.integer("tokens", 0, std::int64_t{1} << 60);
    state.lossMean = root.real("loss_mean");
    state.lossSpread = root.real("loss_spread");
    root.finish();
    const auto file = TensorFile::openSafetensors(checkpoint / momentsName);
    for (const StoredTensor& stored : file->tensors()) {
        at::Tensor tensor = at::empty(stored.shape, at::kFloat);
        dequantize(stored, {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())});
        state.tensors.push_back({stored.name, tensor});
    }
    return state;
}

void RunFolder::appendRecord(const TrainingRecord& record) const {
    std::ofstream out(path_ / "metrics.jsonl", std::ios::app | std::ios::binary);
    out << record.toJson() << '\n';
    out.flush();
    if (!out)
        throw Error("cannot write", (path_ / "metrics.jsonl").string(),
                    "Check that there is space on the disk");
}

void RunFolder::goBackTo(int step) const {
    std::error_code code;
    std::vector<fs::path> partial;
    for (fs::directory_iterator entry(path_ / "checkpoints", code), end; !code && entry != end;
         entry.increment(code))
        if (entry->path().filename().string().starts_with(".step-")) partial.push_back(entry->path());
    for (const fs::path& folder : partial)
        fs::remove_all(folder, code);
    std::string kept;
    for (TrainingRecord& record : TrainingRun::read(path_.string()).records) {
        record.paused = false; // it waits no longer
        if (record.step <= step) kept += record.toJson() + "\n";
    }
    writeFileAtomically(path_ / "metrics.jsonl", kept);
}

} // namespace kurtoscope
