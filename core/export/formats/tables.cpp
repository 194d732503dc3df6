// SPDX-License-Identifier: GPL-3.0-or-later
// All statistics as plain tables, for spreadsheets and data frames.
#include "core/export/export_folder.h"
#include "core/export/linear_statistics.h"

#include <charconv>
#include <cmath>

namespace kurtoscope {
namespace {

// The shortest digits that give the number back; empty where it is not finite, as tables have it.
template <class T>
std::string number(T value) {
    if constexpr (std::is_floating_point_v<T>)
        if (!std::isfinite(value)) return "";
    char digits[40];
    return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

template <class... Values>
std::string row(const Values&... values) {
    std::string line;
    const auto add = [&](const auto& value) {
        if (!line.empty()) line += ',';
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>)
            line += number(value);
        else
            line += value;
    };
    (add(values), ...);
    return line + "\n";
}

class Tables : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"tables",
             "Tables (CSV)",
             "every site's and every channel's statistics as CSV",
             "spreadsheets, pandas, R",
             {switchOf("skip_first_token", "Without first tokens",
                       "the first token of each window left out of the statistics", false)}},
            false};
        return info;
    }
    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        needText(subject, plan);
        plan.limits.push_back(
            {"the recipe and the weights", "the column `kept` says which channels the recipe keeps"});
        const ModelInfo& info = subject.base.info();
        for (const Place place : info.places)
            plan.bytes += std::int64_t(info.channels(place)) * (isPerLayer(place) ? info.layers : 1) * 150;
        plan.expectedDifference = onlyNumbers;
        plan.loading = "```python\nimport pandas\nchannels = pandas.read_csv(\"channels.csv\")\n```\n\n"
                       "`sites.csv` has a row for each site, `channels.csv` one for each channel. Kurtosis "
                       "is Pearson's: a "
                       "Gaussian has 3. `energy` is the sum of squares over tokens.\n";
        return plan;
    }
    void write(const ExportSubject& subject, const Told& told, const ExportPlan&,
               ExportFolder& out) const override {
        const Observation seen = subject.observe(false);
        const auto& all = told.on("skip_first_token") ? seen.withoutFirstToken : seen.sites;
        std::string sites =
            "site,layer,place,channels,tokens,nonfinite,kurtosis,absmax,top_1pct_energy,max_to_median,kept\n";
        std::string channels = "site,layer,place,channel,min,max,absmax,mean,variance,skewness,kurtosis,"
                               "energy,share_above,kept\n";
        for (const SiteStats& stats : all) {
            out.throwIfStopped();
            const std::string name = stats.site.name(), place(placeName(stats.site.place));
            const std::string layer = stats.site.layer < 0 ? "" : std::to_string(stats.site.layer);
            const auto kept = subject.recipe.kept.find(stats.site);
            const bool any = kept != subject.recipe.kept.end();
            sites +=
                row(name, layer, place, stats.channels, stats.tokens, stats.nonfinite, stats.siteKurtosis,
                    stats.siteAbsmax, stats.top1pctEnergy, stats.maxToMedian, any ? kept->second.size() : 0);
            for (std::size_t c = 0; c < stats.absmax.size(); ++c)
                channels +=
                    row(name, layer, place, c, stats.min[c], stats.max[c], stats.absmax[c], stats.mean[c],
                        stats.variance[c], stats.skewness[c], stats.kurtosis[c], stats.energy[c],
                        stats.shareAbove[c], any && kept->second.contains(static_cast<int>(c)) ? 1 : 0);
        }
        out.write("sites.csv", sites);
        out.write("channels.csv", channels);
    }
};

const Registration<ExportFormat, Tables> registration;

} // namespace
} // namespace kurtoscope
