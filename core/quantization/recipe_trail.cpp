// SPDX-License-Identifier: GPL-3.0-or-later
// What a recipe does step by step, as text out of its own state: how far two recipes agree is then a
// comparison, and no rule about schemes.
#include "core/quantization/recipe_arithmetic.h"

#include <algorithm>

namespace kurtoscope {
namespace {

template <class Value>
void append(std::string& text, const Value& value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class Value>
void appendAll(std::string& text, const std::vector<Value>& values) {
    append(text, values.size());
    text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
}

void appendTensor(std::string& text, const at::Tensor& tensor) {
    const at::Tensor plain = tensor.to(at::kCPU).contiguous();
    text.append(static_cast<const char*>(plain.const_data_ptr()), plain.nbytes());
}

void append(std::string& text, Site site) {
    append(text, site.layer);
    append(text, site.place);
}

std::string roundingText(const SiteRounding& rounding) {
    std::string text = rounding.rule.key() + ";";
    for (const float value :
         {rounding.grid.scale, rounding.grid.zero, rounding.grid.low, rounding.grid.high, rounding.absmax})
        append(text, value);
    appendAll(text, rounding.scales);
    appendAll(text, rounding.zeros);
    appendAll(text, rounding.groups);
    std::vector<int> kept;
    for (std::size_t channel = 0; channel < rounding.inlier.size(); ++channel)
        if (rounding.inlier[channel] == 0) kept.push_back(static_cast<int>(channel));
    appendAll(text, kept);
    return text;
}

} // namespace

std::string RecipeArithmetic::deedsAt(Step step) const {
    std::map<std::string, std::string> deeds; // in one order, whatever the maps' own is
    const auto note = [&](char what, const auto& sites, const auto& describe) {
        for (const auto& [site, treatment] : sites) {
            if (Step::of(site) != step) continue;
            std::string name(1, what);
            append(name, site);
            deeds[name] = describe(treatment);
        }
    };
    note('v', atValue_, roundingText);
    note('o', atOperand_, roundingText);
    note('c', atCache_, roundingText);
    note('a', ablated_, [](const Ablation& ablation) {
        std::string text;
        append(text, ablation.rule.how);
        append(text, ablation.rule.firstTokenOnly);
        append(text, ablation.bound);
        appendTensor(text, ablation.chosen);
        appendTensor(text, ablation.mean);
        return text;
    });
    if (bf16Attention_ && step.layer != Step::embedding && step.layer != Step::finish)
        append(deeds["attention"], attention(step.layer));
    for (const auto& [linear, weight] : weights_)
        if (Step::of(linear->input) == step) {
            std::string& deed = deeds["w" + linear->name] = weight.name;
            append(deed, threshold_);
            append(deed, outliersMeetRounded_);
            append(deed, real_ && real_->has(*linear));
        }
    std::string text = step.layer == Step::embedding ? shaped_->weights : "";
    for (const auto& [name, deed] : deeds) {
        append(text, name.size());
        append(text, deed.size());
        text += name + deed;
    }
    return text;
}

} // namespace kurtoscope
