// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/training_spec.h"

#include "core/base/error.h"
#include "core/data/part_text.h"
#include "core/data/strict_json.h"

#include <cmath>

namespace kurtoscope {
namespace {

constexpr const char* hint = "`kurtoscope train --print-spec` writes a spec with every key and its default";
constexpr int most = 1'000'000'000;

// One walk over every key, told by `visit` whether to read or to write, so that the two cannot differ.
template <class Spec, class Visit>
void eachModelKey(Spec& spec, Visit visit) {
    visit("family", spec.model.family);
    visit("layers", spec.model.layers, 1, 10'000);
    visit("hidden", spec.model.hidden, 1, 1'000'000);
    visit("heads", spec.model.heads, 1, 100'000);
    visit("key_value_heads", spec.model.keyValueHeads, 0, 100'000);
    visit("inner", spec.model.inner, 0, 4'000'000);
    visit("length", spec.model.length, 2, 1'000'000);
    visit("vocabulary", spec.model.vocabulary, 257, 10'000'000);
    visit("from", spec.from);
}
template <class Spec, class Visit>
void eachDataKey(Spec& spec, Visit visit) {
    visit("task", spec.task);
    visit("text", spec.text);
    visit("validation", spec.validation);
    visit("artificial_bytes", spec.artificialBytes, 1, std::int64_t{1} << 40);
    visit("tokenizer", spec.tokenizer);
    visit("held_out", spec.heldOut);
}
template <class Spec, class Visit>
void eachTrainingKey(Spec& spec, Visit visit) {
    visit("steps", spec.steps, 1, most);
    visit("batch", spec.batch, 1, 1'000'000);
    visit("accumulation", spec.accumulation, 1, 1'000'000);
    visit("learning_rate", spec.learningRate);
    visit("final_share", spec.finalShare);
    visit("warmup", spec.warmup, 0, most);
    visit("weight_decay", spec.weightDecay);
    visit("beta1", spec.beta1);
    visit("beta2", spec.beta2);
    visit("epsilon", spec.epsilon);
    visit("clip_norm", spec.clipNorm);
    visit("dropout", spec.dropout);
    visit("head_rate", spec.headRate);
    visit("seed", spec.seed, 0, std::int64_t{1} << 53);
    visit("precision", spec.precision);
}
template <class Spec, class Visit>
void eachQuantizationKey(Spec& spec, Visit visit) {
    visit("input_bits", spec.inputBits, 0, 8);
    visit("input_start", spec.inputStart);
    visit("weight_bits", spec.weightBits, 0, 8);
    visit("clip_batches", spec.clipBatches, 1, 10'000);
    visit("clip_rate", spec.clipRate);
    visit("clip_pull", spec.clipPull);
}
template <class Spec, class Visit>
void eachWatchKey(Spec& spec, Visit visit) {
    visit("checkpoint_every", spec.checkpointEvery, 1, most);
    visit("validate_every", spec.validateEvery, 1, most);
    visit("validation_windows", spec.validationWindows, 1, 1'000'000);
    visit("record_every", spec.recordEvery, 1, most);
}

struct Writer {
    nlohmann::ordered_json& object;
    template <class Value, class... Bounds>
    void operator()(const char* key, const Value& value, Bounds...) {
        object[key] = value;
    }
};

struct Reader {
    StrictObject& object;
    void operator()(const char* key, std::string& value) {
        if (object.has(key)) value = object.text(key);
    }
    void operator()(const char* key, double& value) {
        if (object.has(key)) value = object.real(key);
    }
    template <class Integer>
    void operator()(const char* key, Integer& value, std::int64_t low, std::int64_t high) {
        if (object.has(key)) value = static_cast<Integer>(object.integer(key, low, high));
    }
};

} // namespace

RecipePart TrainingSpec::regularizer(const std::string& text) {
    return partFromText(text, "regularizer", "kurtosis:lambda=0.001");
}

std::string TrainingSpec::toJson() const {
    nlohmann::ordered_json json;
    json["schema"] = 1;
    json["name"] = name;
    eachModelKey(*this, Writer{json["model"]});
    eachDataKey(*this, Writer{json["data"]});
    eachTrainingKey(*this, Writer{json["training"]});
    eachQuantizationKey(*this, Writer{json["quantization"]});
    auto& list = json["regularizers"] = nlohmann::ordered_json::array();
    for (const RecipePart& part : regularizers)
        list.push_back(textOfPart(part));
    eachWatchKey(*this, Writer{json["watch"]});
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

TrainingSpec TrainingSpec::fromJson(std::string_view text, const std::string& where) {
    const nlohmann::json json = parseStrictObject(text, where, hint);
    StrictObject root(json, where, "", hint);
    root.integer("schema", 1, 1);
    TrainingSpec spec;
    if (root.has("name")) spec.name = root.text("name");
    const auto part = [&](const char* key, auto each) {
        if (!root.has(key)) return;
        StrictObject object = root.object(key);
        each(object);
        object.finish();
    };
    part("model", [&](StrictObject& o) { eachModelKey(spec, Reader{o}); });
    part("data", [&](StrictObject& o) { eachDataKey(spec, Reader{o}); });
    part("training", [&](StrictObject& o) { eachTrainingKey(spec, Reader{o}); });
    part("quantization", [&](StrictObject& o) { eachQuantizationKey(spec, Reader{o}); });
    part("watch", [&](StrictObject& o) { eachWatchKey(spec, Reader{o}); });
    if (const auto* list = root.list("regularizers"))
        for (const auto& entry : *list) {
            if (!entry.is_string())
                root.fail("text such as \"kurtosis:lambda=0.001\" was expected", "regularizers");
            spec.regularizers.push_back(regularizer(entry.get<std::string>()));
        }
    root.finish();
    spec.check(where);
    return spec;
}

void TrainingSpec::check(const std::string& where) const {
    const auto refuse = [&](const std::string& what, const std::string& key) {
        throw Error(what, where.empty() ? key : where + ", " + key, hint);
    };
    const auto within = [&](double value, double low, double high, const char* key) {
        if (!(value >= low && value <= high))
            refuse("a number from " + nlohmann::json(low).dump() + " to " + nlohmann::json(high).dump() +
                       " was expected, got " + realJson(value).dump(),
                   key);
    };
    if (from.empty()) {
        if (model.hidden % model.heads != 0)
            refuse("hidden " + std::to_string(model.hidden) + " is not a multiple of heads " +
                       std::to_string(model.heads),
                   "model.heads");
        const int pairs = model.keyValueHeads > 0 ? model.keyValueHeads : model.heads;
        if (model.heads % pairs != 0)
            refuse("heads " + std::to_string(model.heads) + " is not a multiple of key_value_heads " +
                       std::to_string(pairs),
                   "model.key_value_heads");
        if (model.family == "llama" && model.hidden / model.heads % 2 != 0)
            refuse("a head of " + std::to_string(model.hidden / model.heads) +
                       " channels cannot be rotated: an even number was expected",
                   "model.heads");
    }
    for (const auto& [bits, key] :
         {std::pair(inputBits, "quantization.input_bits"), std::pair(weightBits, "quantization.weight_bits")})
        if (bits != 0 && (bits < 2 || bits > 8))
            refuse("0 for none, or 2 to 8 bits were expected, got " + std::to_string(bits), key);
    if (task != "language-model" && task != "classification" && task != "regression")
        refuse("got \"" + task + "\", expected language-model, classification or regression", "data.task");
    if (precision != "fp32" && precision != "bf16")
        refuse("got \"" + precision + "\", expected fp32 or bf16", "training.precision");
    if (task != "language-model" && from.empty())
        refuse(task + " is trained from an opened model: name its folder", "model.from");
    if (task != "language-model" && text.empty()) refuse(task + " needs a table of sentences", "data.text");
    within(heldOut, 0, 0.9, "data.held_out");
    within(learningRate, 1e-12, 100, "training.learning_rate");
    within(finalShare, 0, 1, "training.final_share");
    within(weightDecay, 0, 100, "training.weight_decay");
    within(beta1, 0, 0.999999, "training.beta1");
    within(beta2, 0, 0.9999999, "training.beta2");
    within(epsilon, 0, 1, "training.epsilon");
    within(clipNorm, 0, 1e12, "training.clip_norm");
    within(dropout, 0, 0.95, "training.dropout");
    within(headRate, 0, 1e6, "training.head_rate");
    within(clipRate, 0, 1e6, "quantization.clip_rate");
    within(clipPull, 0, 1e6, "quantization.clip_pull");
    within(inputStart, 0, 1, "quantization.input_start");
}

} // namespace kurtoscope
