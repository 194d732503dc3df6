// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/compressed/outlier_files.h"

#include "core/export/embedded_files.h"
#include "core/export/export_folder.h"
#include "core/export/model_files.h"
#include "core/export/narrow_floats.h"

#include <cstring>

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

bool hasKept(const CompressedLinear& one) {
    return !one.kept.empty() && !one.weights.is_null();
}

// One static range for the whole input: outliers saturate against columns that are zero and cost nothing.
// Without rounded activations there is no range at all.
bool adapterFits(const std::vector<CompressedLinear>& linears) {
    return std::all_of(linears.begin(), linears.end(), [](const CompressedLinear& one) {
        if (!hasKept(one) || !one.input) return true;
        const ActivationRule& rule = one.input->rule;
        return !rule.dynamic && rule.granularity == Granularity::per_tensor &&
               (rule.format == Format::integer || rule.format == Format::e4m3);
    });
}

at::Tensor columnsOf(const CompressedLinear& one) { // [out, kept]
    const std::vector<std::int64_t> kept(one.kept.begin(), one.kept.end());
    return one.linear->weight.to(at::kCPU, at::kFloat).index_select(1, at::tensor(kept, at::kLong));
}

void writeSideCar(const ExportSubject& subject, const std::vector<CompressedLinear>& linears,
                  ExportFolder& out) {
    std::vector<PlannedTensor> tensors;
    Json modules = Json::object();
    for (const CompressedLinear& one : linears) {
        if (!hasKept(one)) continue;
        const std::vector<std::int32_t> kept(one.kept.begin(), one.kept.end());
        const auto count = static_cast<std::int64_t>(kept.size());
        modules[one.linear->name] = {{"channels", kept}, {"dtype", "F32"}};
        tensors.push_back({one.linear->name + ".outlier_index", "I32", {count}, [kept] {
                               return std::string(reinterpret_cast<const char*>(kept.data()),
                                                  4 * kept.size());
                           }});
        tensors.push_back(
            {one.linear->name + ".outlier_weight", "F32", {one.linear->weight.size(0), count}, [one = one] {
                 return floatBytes(columnsOf(one));
             }});
    }
    const Json sideCar{{"$schema", "outlier_channels.schema.json"},
                       {"format", "outlier-channels"},
                       {"version", 1},
                       {"tensors", "outlier_channels.safetensors"},
                       {"auto_class", autoClassOf(subject)},
                       {"producer", {{"name", "kurtoscope"}, {"version", KURTOSCOPE_VERSION}}},
                       {"base", {{"quant_method", "compressed-tensors"}, {"zeroed_weight_columns", true}}},
                       {"modules", modules}};
    out.write("outlier_channels.json", sideCar.dump(2) + "\n");
    std::int64_t done = 0, total = 0;
    for (const PlannedTensor& tensor : tensors)
        total += tensor.bytes();
    writeTensors(tensors, "outlier_channels.safetensors", out, done, total);
    for (const char* name : {"outlier_channels.py", "outlier_channels.schema.json"})
        out.write(name, embeddedFile(name));
}

void writeAdapter(const std::vector<CompressedLinear>& linears, ExportFolder& out) {
    std::vector<PlannedTensor> tensors;
    Json ranks = Json::object(), targets = Json::array();
    std::size_t most = 1;
    for (const CompressedLinear& one : linears) {
        if (!hasKept(one)) continue;
        const std::string name = "base_model.model." + one.linear->name;
        const auto count = static_cast<std::int64_t>(one.kept.size());
        tensors.push_back(
            {name + ".lora_A.weight", "F32", {count, one.linear->weight.size(1)}, [one = one] {
                 at::Tensor pick = at::zeros({std::int64_t(one.kept.size()), one.linear->weight.size(1)});
                 std::int64_t row = 0;
                 for (const int channel : one.kept)
                     pick[row++][channel] = 1;
                 return floatBytes(pick);
             }});
        tensors.push_back({name + ".lora_B.weight", "F32", {one.linear->weight.size(0), count}, [one = one] {
                               return floatBytes(columnsOf(one));
                           }});
        ranks[one.linear->name] = one.kept.size();
        targets.push_back(one.linear->name);
        most = std::max(most, one.kept.size());
    }
    const Json config{{"peft_type", "LORA"},
                      {"task_type", nullptr},
                      {"base_model_name_or_path", "."},
                      {"r", most},
                      {"lora_alpha", most},
                      {"rank_pattern", ranks},
                      {"alpha_pattern", ranks},
                      {"lora_dropout", 0.0},
                      {"bias", "none"},
                      {"fan_in_fan_out", false},
                      {"use_rslora", false},
                      {"init_lora_weights", true},
                      {"inference_mode", true},
                      {"target_modules", targets}};
    out.write("adapter_config.json", config.dump(2) + "\n");
    std::int64_t done = 0, total = 0;
    for (const PlannedTensor& tensor : tensors)
        total += tensor.bytes();
    writeTensors(tensors, "adapter_model.safetensors", out, done, total);
}

} // namespace

bool hasAdapter(const std::vector<CompressedLinear>& linears) {
    return std::any_of(linears.begin(), linears.end(), hasKept) && adapterFits(linears);
}

std::int64_t outlierBytes(const CompressedLinear& one) {
    const auto kept = static_cast<std::int64_t>(one.kept.size());
    return hasKept(one) ? 4 * kept * (2 * one.linear->weight.size(0) + one.linear->weight.size(1)) : 0;
}

void describeOutliers(const ExportSubject&, const std::vector<CompressedLinear>& linears, bool adapter,
                      ExportPlan& plan) {
    if (std::none_of(linears.begin(), linears.end(), hasKept)) return;
    plan.notes.push_back(
        "The weights' columns of kept channels are zero in model.safetensors; they stand in "
        "outlier_channels.safetensors. Loaded without them the model is silently wrong, not merely "
        "less exact.");
    if (!adapter) return;
    if (adapterFits(linears))
        plan.notes.push_back(
            "The same columns are a one-hot LoRA adapter (adapter_model.safetensors), which "
            "from_pretrained(FOLDER) loads by itself where PEFT is installed; without PEFT it is left out "
            "without a word. outlier_channels.load() switches it off, so nothing is added twice.");
    else
        plan.notes.push_back(
            "There is no adapter for PEFT: the loaders would take run-time ranges over the kept channels "
            "too. Only outlier_channels.py loads this folder rightly; vLLM does not.");
}

void writeOutliers(const ExportSubject& subject, const std::vector<CompressedLinear>& linears, bool adapter,
                   ExportFolder& out) {
    if (std::none_of(linears.begin(), linears.end(), hasKept)) return;
    writeSideCar(subject, linears, out);
    if (adapter && adapterFits(linears)) writeAdapter(linears, out);
}

} // namespace kurtoscope
