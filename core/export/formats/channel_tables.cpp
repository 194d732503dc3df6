// SPDX-License-Identifier: GPL-3.0-or-later
// The per-channel statistics as arrays, one file that numpy and torch read.
#include "core/export/export_folder.h"
#include "core/export/linear_statistics.h"
#include "core/export/tensor_writer.h"

namespace kurtoscope {
namespace {

template <class T>
PlannedTensor vectorOf(const std::string& name, const char* type, const std::vector<T>& values) {
    return {name, type, {static_cast<std::int64_t>(values.size())}, [values] {
                return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
            }};
}

class ChannelTables : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{{"channel-tables",
                                            "Channel tables (safetensors)",
                                            "per-channel statistics of every site as arrays",
                                            "numpy, torch",
                                            {}},
                                           false};
        return info;
    }
    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        needText(subject, plan);
        plan.limits.push_back(
            {"the recipe and the weights", "`<site>.kept` is 1 where the recipe keeps a channel"});
        const ModelInfo& info = subject.base.info();
        for (const Place place : info.places)
            plan.bytes += std::int64_t(info.channels(place)) * (isPerLayer(place) ? info.layers : 1) *
                          (4 * 3 + 8 * 6 + 1);
        plan.expectedDifference = onlyNumbers;
        plan.loading = "```python\nfrom safetensors.numpy import load_file\ntables = "
                       "load_file(\"channels.safetensors\")\n"
                       "tables[\"layers.0.mlp_input.absmax\"]  # [channel]\n```\n";
        return plan;
    }
    void write(const ExportSubject& subject, const Told&, const ExportPlan&,
               ExportFolder& out) const override {
        const Observation seen = subject.observe(false);
        std::vector<PlannedTensor> tensors;
        std::int64_t total = 0, done = 0;
        for (const SiteStats& stats : seen.sites) {
            if (stats.absmax.empty()) continue;
            const std::string at = stats.site.name() + ".";
            for (const auto& [name, values] : {std::pair{"min", &stats.min}, std::pair{"max", &stats.max},
                                               std::pair{"absmax", &stats.absmax}})
                tensors.push_back(vectorOf(at + name, "F32", *values));
            for (const auto& [name, values] :
                 {std::pair{"mean", &stats.mean}, std::pair{"variance", &stats.variance},
                  std::pair{"skewness", &stats.skewness}, std::pair{"kurtosis", &stats.kurtosis},
                  std::pair{"energy", &stats.energy}, std::pair{"share_above", &stats.shareAbove}})
                tensors.push_back(vectorOf(at + name, "F64", *values));
            std::vector<std::uint8_t> kept(stats.absmax.size());
            for (std::size_t channel = 0; channel < kept.size(); ++channel)
                kept[channel] = subject.recipe.keeps(stats.site, static_cast<int>(channel));
            tensors.push_back(vectorOf(at + "kept", "U8", kept));
        }
        for (const PlannedTensor& tensor : tensors)
            total += tensor.bytes();
        writeTensors(std::move(tensors), "channels.safetensors", out, done, total);
    }
};

const Registration<ExportFormat, ChannelTables> registration;

} // namespace
} // namespace kurtoscope
