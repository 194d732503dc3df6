// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/text_parts.h"

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
}

} // namespace kurtoscope
