// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/text_parts.h"

#include "core/export/model_files.h"

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

namespace kurtoscope {

std::string anchoredPattern(const std::string& module) {
    std::string pattern = "re:.*";
    std::string rest = module;
    for (const char* prefix : {"model.", "bert."}) // what only some loading classes put in front
        if (rest.starts_with(prefix)) rest = rest.substr(std::string_view(prefix).size());
    for (const char c : rest)
        pattern += c == '.' ? std::string("\\.") : std::string(1, c);
    return pattern + "$";
}

std::string loadedModule(const Linear& linear) {
    constexpr std::string_view joined = ".c_attn";
    const std::size_t at = linear.name.find(joined);
    return at == std::string::npos ? linear.name : linear.name.substr(0, at + joined.size());
}

std::vector<const Linear*> wholeLinears(const ExportSubject& subject) {
    std::vector<const Linear*> all;
    for (const auto& linear : subject.base.linears())
        if (linear->head || subject.recipe.highPrecision.contains(linear->input)) all.push_back(linear.get());
    return all;
}

std::vector<const Linear*> roundedLinears(const ExportSubject& subject) {
    std::vector<const Linear*> all;
    for (const auto& linear : subject.base.linears())
        if (!linear->head && !subject.recipe.highPrecision.contains(linear->input))
            all.push_back(linear.get());
    return all;
}

void addLimit(ExportPlan& plan, std::string what, std::string nearest) {
    plan.limits.push_back({std::move(what), std::move(nearest)});
}

std::string loaderText(const std::string& fromTransformers, const std::string& config,
                       const std::string& autoClass, const std::string& more, const std::string& imports) {
    return "# SPDX-License-Identifier: GPL-3.0-or-later\nimport sys\n\n" + imports +
           "from transformers import " + fromTransformers + "\n\nconfig = " + config +
           "\n\n\ndef load(model, **more):\n    return " + autoClass +
           ".from_pretrained(model, quantization_config=config" + more + ", **more" +
           ")\n\n\nif __name__ == \"__main__\":\n    print(load(sys.argv[1]))\n";
}

void proveOnModel(const ExportSubject& subject, ExportPlan& plan, const char* way, double tolerance,
                  bool withText) {
    std::error_code code;
    const std::filesystem::path path = std::filesystem::absolute(subject.folder.path, code);
    if (!std::filesystem::is_directory(path, code) || subject.folder.stored) return;
    nlohmann::ordered_json words{{"auto_class", autoClassOf(subject)}, {"model", path.string()}};
    if (withText) words["text"] = subject.calibrationIds();
    plan.checkWords = words.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    plan.checks.push_back({way, plan.limits.empty() ? tolerance : std::numeric_limits<double>::infinity()});
}

void limitLevels(const ExportSubject& subject, ExportPlan& plan, bool targetHasFull,
                 const std::string& full) {
    const auto& rule = subject.plan.weights;
    if (!rule || rule->format != Format::integer || !rule->symmetric || rule->fullRange == targetHasFull)
        return;
    const int most = (1 << (rule->bits - 1)) - 1;
    const std::string narrow = "±" + std::to_string(most) + " in steps of absmax / " + std::to_string(most),
                      wider = "−" + std::to_string(most + 1) + " … " + std::to_string(most) +
                              " in steps of absmax / " + std::to_string(most) + ".5";
    addLimit(plan, "weights on " + (targetHasFull ? narrow : wider),
             (targetHasFull ? wider : narrow) + ", as a recipe with " +
                 (targetHasFull ? "weight_levels=" + full + " (of " +
                                      (full == "full" ? "schemes for weights alone"
                                                      : "weights alone at their nearest levels") +
                                      ": levels=" + full + ")"
                                : "narrow levels") +
                 " has them");
}

void limitModelParts(const ExportSubject& subject, ExportPlan& plan) {
    if (subject.plan.head) plan.limits.push_back({"a rounded output head", "the head as it is"});
    if (subject.plan.bf16Attention)
        plan.limits.push_back({"attention in bfloat16 within float32", "the loader's own attention"});
}

void limitChoice(const ExportSubject& subject, ExportPlan& plan, const std::string& insteadOfKept) {
    const Recipe& recipe = subject.recipe;
    if (subject.plan.ablation) plan.limits.push_back({"an ablation, which is no quantization", ""});
    if (!recipe.kept.empty() || !recipe.keep.empty()) plan.limits.push_back({"kept channels", insteadOfKept});
    if (recipe.scope == Scope::all_activations)
        plan.limits.push_back({"rounding of every tensor", "that of the inputs of linear layers alone"});
    if (!subject.plan.siteBits.empty())
        plan.limits.push_back({"bits of single places", "the scheme's bits everywhere"});
    if (subject.plan.cache)
        plan.limits.push_back({"a rounded cache of keys and values", "the cache as it is"});
    limitModelParts(subject, plan);
}

} // namespace kurtoscope
