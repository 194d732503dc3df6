// SPDX-License-Identifier: GPL-3.0-or-later
// The choice as llm-compressor's recipe, for a run by others on a GPU: what to do, no numbers.
#include "core/export/export_folder.h"
#include "core/export/model_files.h"
#include "core/export/text_parts.h"
#include "core/quantization/transform.h"
#include "core/quantization/weight_solver.h"

#include <map>

namespace kurtoscope {
namespace {

std::string flag(bool value) {
    return value ? "true" : "false";
}

std::string weightsText(const WeightRule& rule) {
    std::string text =
        "{num_bits: " + std::to_string(rule.bits) + ", type: int, symmetric: " + flag(rule.symmetric);
    if (rule.format == Format::e4m3) text = "{num_bits: 8, type: float, symmetric: true";
    switch (rule.granularity) {
    case Granularity::per_group:
        text += ", strategy: group, group_size: " + std::to_string(rule.group);
        break;
    case Granularity::per_tensor:
        text += ", strategy: tensor";
        break;
    default:
        text += ", strategy: channel";
    }
    if (rule.range == RangeMethod::mse) text += ", observer: mse";
    return text + "}";
}

std::string activationsText(const ActivationRule& rule, int bits) {
    const bool floating = rule.format == Format::e4m3;
    std::string text = "{num_bits: " + std::to_string(floating ? 8 : bits) +
                       ", type: " + (floating ? "float" : "int") + ", symmetric: " + flag(rule.symmetric) +
                       ", dynamic: " + flag(rule.dynamic);
    if (rule.perToken())
        text += ", strategy: token";
    else if (rule.granularity == Granularity::per_group)
        text += ", strategy: group, group_size: " + std::to_string(rule.group);
    else
        text += ", strategy: tensor";
    if (!rule.dynamic)
        text += rule.range == RangeMethod::mse ? ", observer: mse" : ", observer: static_minmax";
    return text + "}";
}

class LlmCompressor : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"llm-compressor",
             "llm-compressor recipe",
             "the choice as YAML, to be run again by llm-compressor; no weights",
             "llm-compressor, then vLLM",
             {}},
            true};
        return info;
    }

    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        limitChoice(subject, plan, "they are rounded with the rest");
        needLinears(subject, plan);
        limitRules(subject, plan);
        for (const Linear* linear : wholeLinears(subject))
            plan.left.push_back(anchoredPattern(linear->name));
        for (const auto& [group, linears] : groups(subject))
            for (const Linear* linear : linears) {
                ExportedModule module;
                module.name = linear->name;
                module.group = group.name;
                module.treatment = "weights " + (group.weights.empty() ? "as they are" : group.weights) +
                                   ", inputs " + (group.inputs.empty() ? "as they are" : group.inputs);
                plan.modules.push_back(module);
            }
        if (plan.modules.empty() || (!subject.plan.weights && !subject.plan.activations))
            plan.limits.push_back({"a recipe that rounds nothing", ""});
        plan.expectedDifference =
            "llm-compressor takes ranges from its own calibration: measure what it makes";
        plan.notes.push_back("Calibration text and ranges are not in it.");
        const bool two = smoothing(subject) > 0;
        if (two)
            plan.notes.push_back("Two files, to be run one after the other: in one run, static input scales "
                                 "can be taken before "
                                 "smoothing.");
        plan.loading = std::string("```python\nfrom llmcompressor import oneshot\n") +
                       (two ? "oneshot(model=MODEL, dataset=DATA, recipe=\"recipe-1-smooth.yaml\")\n" : "") +
                       "oneshot(model=MODEL, dataset=DATA, recipe=\"" +
                       (two ? "recipe-2-quantize.yaml" : "recipe.yaml") + "\", output_dir=OUT)\n```\n";
        plan.bytes = 65536;
        proveOnModel(subject, plan, "llm-compressor", 1e-5, true);
        return plan;
    }

    void write(const ExportSubject& subject, const Told&, const ExportPlan&,
               ExportFolder& out) const override {
        const double alpha = smoothing(subject);
        const std::string head = "quant_stage:\n  quant_modifiers:\n";
        if (alpha > 0) {
            char text[32];
            std::snprintf(text, sizeof text, "%.4g", alpha);
            out.write("recipe-1-smooth.yaml",
                      head + "    SmoothQuantModifier:\n      smoothing_strength: " + text +
                          "\n      mappings:\n"
                          "      - - ['re:.*q_proj', 're:.*k_proj', 're:.*v_proj']\n"
                          "        - re:.*input_layernorm\n"
                          "      - - ['re:.*gate_proj', 're:.*up_proj']\n"
                          "        - re:.*post_attention_layernorm\n");
        }
        const bool solved = subject.plan.weights && subject.plan.weights->solver;
        std::string yaml =
            head + (solved ? "    GPTQModifier:\n" : "    QuantizationModifier:\n") + "      ignore:\n";
        for (const Linear* linear : wholeLinears(subject))
            yaml += "      - '" + anchoredPattern(linear->name) + "'\n";
        yaml += "      config_groups:\n";
        const auto all = groups(subject);
        for (const auto& [group, linears] : all) {
            yaml += "        " + group.name + ":\n          targets:";
            if (all.size() == 1) {
                yaml += " [Linear]\n";
            } else {
                yaml += "\n";
                for (const Linear* linear : linears)
                    yaml += "          - '" + anchoredPattern(linear->name) + "'\n";
            }
            if (!group.weights.empty()) yaml += "          weights: " + group.weights + "\n";
            if (!group.inputs.empty()) yaml += "          input_activations: " + group.inputs + "\n";
        }
        out.write(alpha > 0 ? "recipe-2-quantize.yaml" : "recipe.yaml", yaml);
    }

private:
    struct Group {
        std::string name, weights, inputs;
    };

    static std::vector<std::pair<Group, std::vector<const Linear*>>> groups(const ExportSubject& subject) {
        std::vector<std::pair<Group, std::vector<const Linear*>>> all;
        for (const Linear* linear : roundedLinears(subject)) {
            Group group;
            if (subject.plan.weights) group.weights = weightsText(*subject.plan.weights);
            if (const auto& rule = subject.plan.activations) {
                const auto own = subject.recipe.bits.find(linear->input);
                group.inputs =
                    activationsText(*rule, own == subject.recipe.bits.end() ? rule->bits : own->second);
            }
            auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) {
                return one.first.weights == group.weights && one.first.inputs == group.inputs;
            });
            if (found == all.end()) {
                group.name = "group_" + std::to_string(all.size());
                found = all.insert(all.end(), {std::move(group), {}});
            }
            found->second.push_back(linear);
        }
        return all;
    }

    // The strength of a smoothing before norms, which only pre-norm models take without changing what they
    // answer.
    static double smoothing(const ExportSubject& subject) {
        for (const RecipePart& part : subject.recipe.parts())
            if (part.scheme == "smoothquant" && !subject.base.info().postNorm) {
                const auto alpha = part.parameters.find("alpha");
                return alpha == part.parameters.end() ? 0.5 : numberOf(alpha->second);
            }
        return 0;
    }

    static void limitRules(const ExportSubject& subject, ExportPlan& plan) {
        const Plan& recipe = subject.plan;
        const bool smooth = smoothing(subject) > 0;
        if (recipe.transforms.size() > (smooth ? 1u : 0u))
            addLimit(plan, "scaling and rotations of the model", "the model as it is");
        if (smooth)
            addLimit(plan, "smoothing of other inputs than those behind norms, and its own statistics",
                     "llm-compressor's smoothing behind norms");
        if (recipe.weights && recipe.weights->format != Format::integer &&
            recipe.weights->format != Format::e4m3)
            addLimit(plan, "weights in this float format", "");
        limitLevels(subject, plan, true);
        if ((recipe.weights && recipe.weights->reciprocal) ||
            (recipe.activations && recipe.activations->reciprocal))
            addLimit(plan, "multiplication by a scale's reciprocal (full-reciprocal)",
                     "division by the scale, as full levels do");
        if (recipe.weights && recipe.weights->solver)
            addLimit(plan, "weights as they were solved for here",
                     "weights that llm-compressor's own GPTQ solves for");
        const auto& rule = recipe.activations;
        if (rule && !rule->dynamic && rule->range == RangeMethod::mse)
            addLimit(plan, "ranges as the search for the least error found them here",
                     "llm-compressor's own search");
        if (!rule) return;
        if (rule->format != Format::integer && rule->format != Format::e4m3)
            addLimit(plan, "activations in this float format", "");
        if (rule->threshold > 0 || rule->embeddingGroups > 0 || rule->granularity == Granularity::per_channel)
            addLimit(plan, "activation ranges per channel, per embedding group, or over a threshold", "");
        if (!rule->dynamic && rule->range != RangeMethod::minmax && rule->range != RangeMethod::mse)
            addLimit(plan, "ranges by percentile, entropy or moving average", "ranges from all values");
        if (rule->symmetric && !rule->fullRange && rule->format == Format::integer)
            addLimit(plan, "levels=narrow", "one level more below, as levels=full has it");
    }
};

const Registration<ExportFormat, LlmCompressor> registration;

} // namespace
} // namespace kurtoscope
