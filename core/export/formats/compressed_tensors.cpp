// SPDX-License-Identifier: GPL-3.0-or-later
// A Hugging Face folder whose weights are integers, FP8 or FP4, as the compressed-tensors library stores
// them.
#include "core/base/error.h"
#include "core/export/compressed/cache_scales.h"
#include "core/export/compressed/compressed_linear.h"
#include "core/export/compressed/outlier_files.h"
#include "core/export/compressed/vllm_check.h"
#include "core/export/export_check.h"
#include "core/export/export_folder.h"
#include "core/export/model_files.h"
#include "core/export/text_parts.h"
#include "core/model/module_targets.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

// Linear layers that are treated alike.
struct Group {
    std::string name;
    Json scheme; // without targets
    std::vector<std::string> members, targets;
};

std::vector<Group> groupsOf(const std::vector<CompressedLinear>& linears,
                            const std::vector<std::string>& names) {
    std::vector<Group> groups;
    for (const CompressedLinear& one : linears) {
        Json scheme{{"weights", one.weights},
                    {"input_activations", one.activations},
                    {"output_activations", nullptr},
                    {"format", one.format}};
        auto found =
            std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.scheme == scheme; });
        if (found == groups.end())
            found = groups.insert(groups.end(),
                                  {"group_" + std::to_string(groups.size()), std::move(scheme), {}, {}});
        found->members.push_back(one.linear->name);
    }
    for (Group& group : groups)
        group.targets = modulePatterns(group.members, names);
    return groups;
}

// The name without what only the loading class puts in front.
std::string bare(const std::string& name) {
    for (const char* prefix : {"model.", "bert."})
        if (name.starts_with(prefix)) return name.substr(std::string_view(prefix).size());
    return name;
}

class CompressedTensors : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"compressed-tensors",
             "compressed-tensors checkpoint",
             "a Hugging Face folder with integer, FP8 or FP4 weights and how activations are rounded",
             "transformers with compressed-tensors, vLLM; kept channels: PEFT, or the loader in the folder",
             {choiceOf("packing", "Packing",
                       "auto: symmetric 4 and 8-bit weights without rounded activations several to a word; "
                       "int8: a byte "
                       "for each",
                       "auto", {"auto", "int8"}),
              choiceOf("adapter", "Adapter for kept channels",
                       "auto: where activations are static per tensor, a one-hot LoRA adapter that stock "
                       "transformers "
                       "with PEFT loads by itself; off: the loader in the folder alone",
                       "auto", {"auto", "off"}),
              integerOf("shard_mb", "Shard size (MB)", "weights in one file, at most", 5000, 1, 100000)}},
            true};
        return info;
    }

    ExportPlan plan(const ExportSubject& subject, const Told& told) const override {
        ExportPlan plan;
        const std::vector<CompressedLinear> linears =
            compressedLinears(subject, packingOf(told), plan.limits);
        limitWhole(subject, plan);
        needLinears(subject, plan);
        if (linears.empty() && plan.limits.empty())
            plan.limits.push_back({"a recipe that quantizes nothing", ""});
        std::vector<std::string> names;
        for (const auto& linear : subject.model().linears())
            if (!linear->head) names.push_back(linear->name);
        listModules(subject, linears, names, plan);
        bool blocks = false;
        std::set<std::string> replaced;
        for (const CompressedLinear& one : linears) {
            blocks |= isBlockFloat(one);
            if (one.weights.is_null()) continue;
            replaced.insert(one.linear->name + ".weight");
            for (const PlannedTensor& tensor : compressedTensors(one))
                plan.bytes += tensor.bytes();
            plan.bytes += outlierBytes(one);
        }
        for (const PlannedTensor& tensor : modelTensors(subject, replaced))
            plan.bytes += tensor.bytes();
        plan.bytes += 4 << 20; // tokenizer and words
        for (ExportedModule& module : cachedModules(subject, cacheScheme(subject, plan.limits)))
            plan.modules.push_back(std::move(module));
        plan.expectedDifference = differenceText(plan, blocks);
        describeOutliers(subject, linears, adapterWanted(told), plan);
        describeLoading(subject, linears, blocks, plan);
        plan.checkWords =
            Json{{"auto_class", autoClassOf(subject)}, {"dtype", blocks ? "bfloat16" : "float32"}}.dump();
        const bool adapter = adapterWanted(told) && hasAdapter(linears);
        for (const char* way : {ownCheck, "compressed-tensors", "compressed-tensors+peft"})
            if (adapter || !std::string_view(way).ends_with("peft"))
                plan.checks.push_back({way, toleranceOf(plan, blocks && way != ownCheck)});
        if (const auto check = vllmCheck(subject, linears, plan.limits)) plan.checks.push_back(*check);
        return plan;
    }

    void write(const ExportSubject& subject, const Told& told, const ExportPlan&,
               ExportFolder& out) const override {
        std::vector<ExportLimit> limits;
        const std::vector<CompressedLinear> linears = compressedLinears(subject, packingOf(told), limits);
        std::vector<PlannedTensor> tensors;
        std::set<std::string> replaced;
        bool blocks = false;
        for (const CompressedLinear& one : linears) {
            blocks |= isBlockFloat(one);
            if (!one.weights.is_null()) replaced.insert(one.linear->name + ".weight");
            for (PlannedTensor& tensor : compressedTensors(one))
                tensors.push_back(std::move(tensor));
        }
        for (PlannedTensor& tensor : modelTensors(subject, replaced))
            tensors.push_back(std::move(tensor));
        const Json cache = cacheScheme(subject, limits);
        if (!cache.is_null())
            for (PlannedTensor& tensor : cacheScales(subject))
                tensors.push_back(std::move(tensor));
        Json config = modelConfig(subject);
        if (blocks) config["dtype"] = "bfloat16"; // their loaders know nothing else
        config["quantization_config"] = quantizationConfig(subject, linears);
        config["quantization_config"]["kv_cache_scheme"] = cache;
        out.write("config.json", config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
        writeCheckpoint(tensors, std::int64_t(told.integer("shard_mb")) * 1'000'000, out);
        writeOutliers(subject, linears, adapterWanted(told), out);
        writeModelFiles(subject, out);
    }

private:
    static Packing packingOf(const Told& told) {
        return told.text("packing") == "int8" ? Packing::int8 : Packing::automatic;
    }
    static bool adapterWanted(const Told& told) { return told.text("adapter") == "auto"; }
    static bool isBlockFloat(const CompressedLinear& one) {
        return one.rounded && one.weightRule.format != Format::integer &&
               one.weightRule.format != Format::e4m3;
    }

    // What concerns the recipe as a whole.
    static void limitWhole(const ExportSubject& subject, ExportPlan& plan) {
        if (subject.plan.ablation) plan.limits.push_back({"an ablation, which is no quantization", ""});
        limitModelParts(subject, plan);
        if (subject.recipe.scope == Scope::all_activations)
            plan.limits.push_back({"rounding of tensors that no linear layer reads (scope all-activations)",
                                   "only the inputs of linear layers are rounded"});
        if (!subject.arithmetic) return;
        std::string sites;
        std::size_t count = 0;
        for (const auto& [site, steps] : subject.arithmetic->online())
            if (++count <= 3) sites += (sites.empty() ? "" : ", ") + site.name();
        if (count > 3) sites += " and " + std::to_string(count - 3) + " more";
        if (count > 0)
            plan.limits.push_back({"a step at run time before the linear layers that read " + sites +
                                       " (smoothing or a rotation that does not fold into the weights)",
                                   ""});
        for (const auto& linear : subject.model().linears())
            if (!linear->head && !subject.arithmetic->roundedWeight(*linear) &&
                subject.arithmetic->rounding(linear->input)) {
                plan.limits.push_back({"rounded activations before weights in floating point", ""});
                break;
            }
    }

    static void listModules(const ExportSubject& subject, const std::vector<CompressedLinear>& linears,
                            const std::vector<std::string>& names, ExportPlan& plan) {
        const std::vector<Group> groups = groupsOf(linears, names);
        std::vector<std::vector<std::string>> targets;
        for (const Group& group : groups)
            targets.push_back(group.targets);
        std::set<std::string> quantized;
        for (const CompressedLinear& one : linears) {
            const std::string& name = one.linear->name;
            quantized.insert(name);
            const int lands = landsIn(name, targets);
            const auto group = lands < 0 ? groups.end() : groups.begin() + lands;
            // It must land where it belongs under either name that a loading class gives it.
            const bool right =
                group != groups.end() && landsIn(bare(name), targets) == lands &&
                std::find(group->members.begin(), group->members.end(), name) != group->members.end();
            plan.modules.push_back(
                {name, right ? group->name : "", one.treatment, static_cast<int>(one.kept.size())});
        }
        for (const auto& linear : subject.model().linears())
            if (!quantized.contains(linear->name)) plan.left.push_back(linear->name);
    }

    static Json quantizationConfig(const ExportSubject& subject,
                                   const std::vector<CompressedLinear>& linears) {
        std::vector<std::string> names, ignored;
        std::set<std::string> quantized, formats;
        for (const CompressedLinear& one : linears)
            quantized.insert(one.linear->name), formats.insert(one.format);
        for (const auto& linear : subject.model().linears()) {
            if (!linear->head) names.push_back(linear->name);
            if (!quantized.contains(linear->name) && !linear->name.starts_with("2_Dense."))
                ignored.push_back(linear->name);
        }
        Json groups = Json::object();
        for (const Group& group : groupsOf(linears, names)) {
            groups[group.name] = {{"targets", group.targets}};
            groups[group.name].update(group.scheme);
        }
        return {{"quant_method", "compressed-tensors"},
                {"version", "0.20.0"},
                {"format", formats.size() == 1 ? *formats.begin() : "mixed-precision"},
                {"quantization_status", "compressed"},
                {"global_compression_ratio", nullptr},
                {"ignore", modulePatterns(ignored, names)},
                {"kv_cache_scheme", nullptr},
                {"config_groups", groups}};
    }

    // What it cannot carry makes a difference that is said, not bounded.
    static double toleranceOf(const ExportPlan& plan, bool coarse) {
        if (!plan.limits.empty()) return std::numeric_limits<double>::infinity();
        return coarse ? 2e-2 : 1e-5;
    }

    static std::string differenceText(const ExportPlan& plan, bool blocks) {
        if (blocks)
            return "the weights are the simulation's to a float32's last bit, but the loaders run these "
                   "formats in "
                   "bfloat16 only: up "
                   "to 2 % of the logits";
        std::string text =
            "none in the weights; logits to within float32 rounding (1e-5 of their size, more where a "
            "value lies so near the middle of two levels that this tips it over)";
        if (!plan.limits.empty()) text += ", and what the list of what it cannot carry says";
        return text;
    }

    static void describeLoading(const ExportSubject& subject, const std::vector<CompressedLinear>& linears,
                                bool blocks, ExportPlan& plan) {
        const std::string loader = autoClassOf(subject), type = blocks ? "torch.bfloat16" : "torch.float32";
        const bool kept = std::any_of(linears.begin(), linears.end(),
                                      [](const CompressedLinear& one) { return !one.kept.empty(); });
        plan.loading = "With `torch`, `transformers` and `compressed-tensors` installed:\n\n```python\n";
        if (kept)
            plan.loading += "import sys\nsys.path.insert(0, \"FOLDER\")\nimport outlier_channels\n"
                            "model = outlier_channels.load(\"FOLDER\")\n```\n";
        else
            plan.loading += "import torch\nfrom transformers import " + loader + "\nmodel = " + loader +
                            ".from_pretrained(\"FOLDER\", dtype=" + type + ")\n```\n";
        if (vllmCheck(subject, linears, plan.limits)) {
            plan.loading +=
                "\nor `vllm serve FOLDER`; `kurtoscope verify FOLDER --python PY` runs it with the "
                "vLLM of PY.\n";
            for (const bool full : {false, true})
                if (std::any_of(linears.begin(), linears.end(),
                                [&](const CompressedLinear& one) { return roundsAtRunTime(one, full); }))
                    plan.notes.push_back(
                        full ? "vLLM takes scales at run time as absmax / 127, not as this recipe's "
                               "absmax / 127.5: levels=narrow simulates what it runs."
                             : "vLLM takes scales at run time as this recipe does.");
            if (std::any_of(linears.begin(), linears.end(), [](const CompressedLinear& one) {
                    return one.input && one.input->rule.symmetric && !one.input->rule.reciprocal;
                }))
                plan.notes.push_back(
                    "vLLM multiplies inputs by a symmetric scale's reciprocal, which takes values at the "
                    "middle "
                    "between two levels to the other one: levels=full-reciprocal simulates that for static "
                    "ranges.");
        }
        for (const CompressedLinear& one : linears)
            if (one.input && one.input->rule.dynamic && !one.input->rule.perToken() &&
                one.input->rule.format == Format::integer &&
                one.input->rule.granularity == Granularity::per_tensor) {
                plan.notes.push_back(
                    "Dynamic per-tensor ranges are taken over a whole batch by the loader, over each "
                    "sequence by Kurtoscope: run one sequence at a time for equal results.");
                break;
            }
    }
};

const Registration<ExportFormat, CompressedTensors> registration;

} // namespace
} // namespace kurtoscope
