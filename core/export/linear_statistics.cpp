// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/linear_statistics.h"

namespace kurtoscope {

std::vector<LinearStatistics> linearStatistics(const ExportSubject& subject, const Observation& seen) {
    std::vector<LinearStatistics> all;
    for (const auto& linear : subject.base.linears()) {
        if (linear->head) continue;
        const SiteStats* input = seen.find(linear->input);
        if (!input)
            input = seen.find(subject.base.origin(linear->input)); // an alias is observed where it is made
        if (!input || input->empty()) continue;
        const auto kept = subject.recipe.kept.find(linear->input);
        all.push_back({linear.get(), input,
                       kept == subject.recipe.kept.end() ? 0 : static_cast<int>(kept->second.size())});
    }
    return all;
}

std::string ggufName(const Linear& linear) {
    const bool gate = linear.name.ends_with("gate_proj"),
               joined = linear.name.find(".c_attn.") != linear.name.npos;
    const char* part = nullptr;
    switch (linear.output.place) {
    case Place::query:
        part = joined ? "attn_qkv" : "attn_q";
        break;
    case Place::key:
        part = joined ? "attn_qkv" : "attn_k";
        break;
    case Place::value:
        part = joined ? "attn_qkv" : "attn_v";
        break;
    case Place::attn_output:
        part = "attn_output";
        break;
    case Place::mlp_hidden:
        part = gate ? "ffn_gate" : "ffn_up";
        break;
    case Place::mlp_output:
        part = "ffn_down";
        break;
    default:
        return "";
    }
    return "blk." + std::to_string(linear.output.layer) + "." + part + ".weight";
}

void needText(const ExportSubject& subject, ExportPlan& plan) {
    if (subject.calibration.path.empty())
        plan.limits.push_back({"statistics without a text (--calibration FILE)", ""});
}

} // namespace kurtoscope
