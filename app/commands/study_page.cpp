// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/study_page.h"

#include "app/commands/curve_svg.h"
#include "app/commands/figures.h"
#include "app/commands/heat_picture.h"
#include "app/commands/page_parts.h"
#include "app/commands/report_style.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace kurtoscope::commands {
namespace {

std::vector<const SiteStats*> streamOf(const Observation& observation) {
    std::vector<const SiteStats*> sites;
    for (const auto& stats : observation.sites)
        if (stats.site.place == Place::mlp_residual && !stats.empty()) sites.push_back(&stats);
    std::sort(sites.begin(), sites.end(), [](auto* a, auto* b) { return a->site.layer < b->site.layer; });
    return sites;
}

std::string number(const char* format, double value) {
    char text[40];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

// Scores against the number of groups, with their errors, between FP32's and per-tensor's lines.
std::string groupsSvg(const Study& study) {
    constexpr double width = 520, height = 240, left = 56, right = 14, top = 22, bottom = 38;
    std::vector<const Reading*> peg;
    for (std::size_t i = 0; i < study.rows.size(); ++i)
        if (study.rows[i].title.starts_with("PEG")) peg.push_back(&study.readings[i]);
    if (peg.empty()) return "";
    double low = study.readings[0].score, high = low;
    const auto take = [&](double value) { low = std::min(low, value), high = std::max(high, value); };
    take(study.readings[1].score);
    for (const Reading* reading : peg)
        take(reading->score - reading->standardError), take(reading->score + reading->standardError);
    const double margin = high > low ? (high - low) * 0.06 : std::max(1e-6, std::abs(high) * 0.01);
    low -= margin, high += margin;
    const auto y = [&](double value) {
        return top + (high - value) / (high - low) * (height - top - bottom);
    };
    const auto x = [&](std::size_t i) {
        return left + (double(i) + 0.5) / double(peg.size()) * (width - left - right);
    };
    std::string svg = "<svg viewBox=\"0 0 520 240\" style=\"max-width:640px\" role=\"img\" "
                      "aria-label=\"Score against the number of groups\">";
    const auto level = [&](const Reading& reading, const std::string& name, const char* colour) {
        const std::string at = number("%.1f", y(reading.score));
        svg += "<path class=\"" + std::string(colour) + "\" d=\"M" + number("%.0f", left) + " " + at + "L" +
               number("%.0f", width - right) + " " + at + "\"/><text class=\"axis\" x=\"" +
               number("%.0f", width - right) + "\" y=\"" + number("%.1f", y(reading.score) - 4) +
               "\" text-anchor=\"end\">" + escaped(name + " " + figure(reading.score)) + "</text>";
    };
    level(study.readings[0], "FP32", "line0");
    level(study.readings[1], "per-tensor", "line1");
    std::string line;
    for (std::size_t i = 0; i < peg.size(); ++i) {
        const double at = x(i);
        line += (i ? "L" : "M") + number("%.1f ", at) + number("%.1f", y(peg[i]->score));
        svg += "<path class=\"line2\" style=\"stroke-dasharray:none\" d=\"M" + number("%.1f ", at) +
               number("%.1f", y(peg[i]->score - peg[i]->standardError)) + "L" + number("%.1f ", at) +
               number("%.1f", y(peg[i]->score + peg[i]->standardError)) + "\"/>";
        svg += "<circle cx=\"" + number("%.1f", at) + "\" cy=\"" + number("%.1f", y(peg[i]->score)) +
               "\" r=\"4\" fill=\"var(--l2)\"/><text class=\"axis\" x=\"" + number("%.1f", at) + "\" y=\"" +
               number("%.0f", height - bottom + 16) + "\" text-anchor=\"middle\">" +
               std::to_string(study.groups[i]) + "</text>";
    }
    svg += "<path class=\"line2\" d=\"" + line + "\"/>";
    svg += "<text class=\"axis\" x=\"" + number("%.0f", width / 2) + "\" y=\"" + number("%.0f", height - 6) +
           "\" text-anchor=\"middle\">embedding groups K</text>";
    for (const double value : {low + margin, high - margin})
        svg += "<text class=\"axis\" x=\"" + number("%.0f", left - 6) + "\" y=\"" +
               number("%.1f", y(value) + 4) + "\" text-anchor=\"end\">" + figure(value, 3) + "</text>";
    return svg + "</svg>\n";
}

std::string heatOf(const Study& study) {
    const auto sites = streamOf(study.plain);
    if (sites.empty()) return "";
    const HeatPicture heat = drawHeatPicture(sites, nullptr);
    return R"(<figure><img alt="Largest magnitude by layer and channel" src="data:image/png;base64,)" +
           base64(encodePng(heat.picture)) + "\">\n<figcaption>mlp_residual: " + std::to_string(heat.layers) +
           " layers (first on top) × " + std::to_string(heat.channels) + " channels. |x| " +
           figure(heat.low, 3) + R"(<span class="bar" style="background:)" + viridisGradient() +
           R"("></span>)" + figure(heat.high) + " (logarithmic)</figcaption></figure>\n";
}

std::string curvesOf(const Study& study) {
    const auto sites = streamOf(study.plain);
    const auto curve = [&](auto value) {
        Curve one{"FP32", {}};
        for (auto* site : sites)
            one.values.push_back(value(*site));
        return std::vector<Curve>{one};
    };
    return "<div class=\"curves\">" +
           curveSvg("Kurtosis of mlp_residual (a Gaussian has 3)",
                    curve([](auto& s) { return s.siteKurtosis; })) +
           curveSvg("Energy in the top 1 % of channels (%)",
                    curve([](auto& s) { return 100 * s.top1pctEnergy; })) +
           "</div>\n";
}

} // namespace

std::vector<std::string> studyTitles(const Study& study) {
    const std::string metric = study.readings.empty() ? "score" : study.readings.front().metric;
    return {"row",       metric + " here ± error", "vs FP32",          "won back",
            "published", "won back there",         "latency p50 (ms)", "arithmetic"};
}

std::vector<std::vector<std::string>> studyCells(const Study& study) {
    std::vector<std::vector<std::string>> rows;
    const double publishedTop = study.rows[0].published.value_or(0),
                 publishedFall = publishedTop - study.rows[1].published.value_or(0);
    for (std::size_t i = 0; i < study.rows.size(); ++i) {
        const Reading& r = study.readings[i];
        const StudyRow& row = study.rows[i];
        const auto back = i < 2 ? std::nullopt : recovered(study.readings[0], study.readings[1], r);
        const std::optional<double> there =
            i < 2 || !row.published || publishedFall == 0
                ? std::nullopt
                : std::optional((*row.published - *study.rows[1].published) / publishedFall);
        rows.push_back({row.title, figure(r.score) + " ± " + figure(r.standardError, 2),
                        i == 0 ? "–"
                               : (r.difference > 0 ? "+" : "") + figure(r.difference, 2) + " ± " +
                                     figure(r.differenceError, 2),
                        percent(back, 0), row.published ? percent(row.published, 2) : "–", percent(there, 0),
                        figure(r.latencyP50Ms, 3), std::string(kernelTagName(r.kernels))});
    }
    return rows;
}

std::string studyPage(const Study& study) {
    const std::size_t held =
        std::size_t(std::count_if(study.claims.begin(), study.claims.end(), [](auto& c) { return c.holds; }));
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width, "
                       "initial-scale=1\">\n<title>Activation outliers: " +
                       escaped(study.model.name) + "</title>\n<style>" + reportStyle +
                       "</style></head>\n<body>\n";
    html += "<h1>Activation outliers, on " + escaped(study.model.name) + "</h1>\n<p class=\"soft\">" +
            escaped(modelSummary(study.model)) +
            "</p>\n<p>The study of arXiv 2603.04308 (a reproduction of Bondarenko et al. 2021, "
            "arXiv 2109.12948), run on " +
            escaped(study.data.name + ", " + study.data.summary) +
            ". The published column is for another model and task: " + escaped(studySetting) + ". " +
            std::to_string(held) + " of its " + std::to_string(study.claims.size()) +
            " claims hold here.</p>\n";
    html += "<h2>The table</h2>\n" + tableHtml(studyTitles(study), studyCells(study));
    html += "<h2>Claim by claim</h2>\n" + claimHtml(study.claims);
    html += "<h2>Accuracy against groups</h2>\n" + groupsSvg(study);
    html += "<h2>Where the outliers live</h2>\n" + heatOf(study) + curvesOf(study);
    html += "<h2>How this was measured</h2>\n" + factHtml(study.settings);
    html += "<h2>Recipes</h2>\n<table class=\"facts\">";
    for (const StudyRow& row : study.rows)
        html += "<tr><th>" + escaped(row.title) + "</th><td>" + escaped(row.recipe) + "</td></tr>";
    return html + "</table>\n</body></html>\n";
}

} // namespace kurtoscope::commands
