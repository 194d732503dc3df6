// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/report_page.h"

#include "app/commands/curve_svg.h"
#include "app/commands/figures.h"
#include "app/commands/heat_picture.h"
#include "app/commands/report_style.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

namespace kurtoscope::commands {
namespace {

std::string factTable(const std::vector<std::pair<std::string, std::string>>& facts) {
    std::string html = R"(<table class="facts">)";
    for (const auto& [name, value] : facts)
        html += "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>";
    return html + "</table>\n";
}

std::string modelFacts(const ModelInfo& m) {
    std::vector<std::pair<std::string, std::string>> facts{
        {"Architecture", m.architectureTitle + (m.postNorm ? ", post-norm" : ", pre-norm")},
        {"Layers × width", std::to_string(m.layers) + " × " + std::to_string(m.hidden) + ", " +
                               std::to_string(m.intermediate) + " inside the MLP"},
        {"Heads",
         std::to_string(m.heads) + (m.keyValueHeads != m.heads && m.keyValueHeads > 0
                                        ? " (" + std::to_string(m.keyValueHeads) + " for keys and values)"
                                        : "")},
        {"Parameters", countText(m.parameters)},
        {"Vocabulary", std::to_string(m.vocabulary)},
        {"Positions", std::to_string(m.maxLength)},
        {"Output", m.head},
        {"Stored as", m.storedPrecision + ", " + byteText(m.fileBytes)},
        {"File", m.path}};
    for (const auto& warning : m.warnings)
        facts.emplace_back("Warning", warning);
    return factTable(facts);
}

std::string comparison(const Report& report) {
    std::vector<std::string> names;
    std::vector<Reading> readings;
    for (const auto& column : report.columns) {
        names.push_back(column.name);
        readings.push_back(column.reading);
    }
    const ReadingCells cells = readingCells(names, readings);
    std::string html = R"(<div class="scroll"><table><tr>)";
    for (const auto& title : cells.titles)
        html += "<th>" + escaped(title) + "</th>";
    html += "</tr>\n";
    for (std::size_t row = 0; row < cells.rows.size(); ++row) {
        html += "<tr>";
        for (std::size_t c = 0; c < cells.rows[row].size(); ++c) {
            const std::string cell = escaped(cells.rows[row][c]);
            const bool difference = c == ReadingCells::differenceColumn,
                       last = c + 1 == cells.rows[row].size();
            const int verdict = difference ? cells.verdicts[row] : 0;
            html += verdict > 0 ? R"(<td class="good">)" : verdict < 0 ? R"(<td class="bad">)" : "<td>";
            html += (last ? R"(<span class="tag">)" + cell + "</span>" : cell) + "</td>";
        }
        html += "</tr>\n";
    }
    return html + "</table></div>\n";
}

// One place's sites by layer; empty when widths differ between layers, as those of attention maps do.
std::vector<const SiteStats*> sitesOf(const Observation& observation, Place place) {
    std::vector<const SiteStats*> sites;
    for (const auto& stats : observation.sites)
        if (stats.site.place == place && !stats.empty() &&
            stats.absmax.size() == static_cast<std::size_t>(stats.channels))
            sites.push_back(&stats);
    const bool even = std::all_of(sites.begin(), sites.end(),
                                  [&](auto* s) { return s->channels == sites.front()->channels; });
    if (!even) sites.clear();
    std::sort(sites.begin(), sites.end(), [](auto* a, auto* b) { return a->site.layer < b->site.layer; });
    return sites;
}

const ReportColumn* keepingColumn(const Report& report) {
    for (const auto& column : report.columns)
        if (column.recipe.keptCount() > 0) return &column;
    return nullptr;
}

// A printer of little skill takes a picture as large as its pixels say: within a page, then, and in shape.
std::string sizeOnPaper(int width, int height, PageFor medium) {
    if (medium == PageFor::screen || width < 1 || height < 1) return "";
    constexpr double widest = 980, highest = 560;
    const double scale = std::min({1.0, widest / width, highest / height});
    return " width=\"" + std::to_string(static_cast<int>(width * scale)) + "\" height=\"" +
           std::to_string(static_cast<int>(height * scale)) + "\"";
}

std::string heatFigure(const std::vector<const SiteStats*>& sites, Place place, const Recipe* keeping,
                       PageFor medium) {
    const HeatPicture heat = drawHeatPicture(sites, keeping);
    const std::string name(placeName(place));
    std::string html = "<h3>" + name + R"( <span class="soft">)" + escaped(std::string(placeMeaning(place))) +
                       "</span></h3>\n";
    html += "<figure><img" + sizeOnPaper(heat.picture.width, heat.picture.height, medium) +
            R"( alt="Largest magnitude by layer and channel, )" + name + R"(" src="data:image/png;base64,)" +
            base64(encodePng(heat.picture)) + "\">\n<figcaption>" + std::to_string(heat.layers) +
            " layers (first on top) × " + std::to_string(heat.channels) + " channels" +
            (heat.pooled > 1 ? ", the largest of " + std::to_string(heat.pooled) + " neighbours per column"
                             : "") +
            ". |x| " + figure(heat.low, 3) + R"(<span class="bar" style="background:)" + viridisGradient() +
            R"("></span>)" + figure(heat.high) + " (logarithmic)";
    if (heat.kept > 0)
        html += R"( &nbsp; <span class="keptmark"></span> )" + std::to_string(heat.kept) + " kept channels";
    return html + "</figcaption></figure>\n";
}

std::string heatMaps(const Report& report, PageFor medium) {
    const Observation& observation = report.columns.front().observation;
    const ReportColumn* keeping = keepingColumn(report);
    const Recipe* recipe = keeping == nullptr ? nullptr : &keeping->recipe;
    // The residual stream and what linear layers read come first: there outliers live, and there channels are
    // kept.
    constexpr std::array first{Place::mlp_residual, Place::attn_input, Place::attn_context, Place::mlp_input,
                               Place::mlp_hidden};
    std::string shown, rest;
    for (const Place place : first)
        if (const auto sites = sitesOf(observation, place); !sites.empty())
            shown += heatFigure(sites, place, recipe, medium);
    for (const Place place : allPlaces()) {
        if (!isPerLayer(place) || std::find(first.begin(), first.end(), place) != first.end()) continue;
        if (const auto sites = sitesOf(observation, place); !sites.empty())
            rest += heatFigure(sites, place, recipe, medium);
    }
    if (!rest.empty()) shown += "<details><summary>The other places</summary>\n" + rest + "</details>\n";
    return shown;
}

std::string key(const Report& report) {
    std::string html = R"(<p class="key">)";
    for (std::size_t i = 0; i < report.columns.size(); ++i)
        html += R"(<span><svg viewBox="0 0 34 10"><path class="line)" + std::to_string(i % curveColours) +
                R"(" d="M0 5L34 5"/></svg> )" + escaped(report.columns[i].name) + "</span>";
    return html + "</p>\n";
}

// What a program shows that knows no inline SVG: the same figure as a picture of its own.
std::string asPicture(const std::string& svg) {
    return R"(<img width="330" height="200" src="data:image/svg+xml;base64,)" + base64(standaloneSvg(svg)) +
           "\">";
}

std::string depthCurves(const Report& report, Place place, PageFor medium) {
    const auto figure = [medium](const std::string& title, const std::vector<Curve>& curves) {
        const std::string svg = curveSvg(title, curves);
        return medium == PageFor::paper ? asPicture(svg) : svg;
    };
    const auto curves = [&](auto value) {
        std::vector<Curve> all;
        for (const auto& column : report.columns) {
            all.push_back({column.name, {}});
            for (const auto* stats : sitesOf(column.observation, place))
                all.back().values.push_back(value(*stats));
        }
        return all;
    };
    return "<h3>" + std::string(placeName(place)) + "</h3>\n<div class=\"curves\">" +
           figure("Kurtosis (a Gaussian has 3)", curves([](auto& s) { return s.siteKurtosis; })) +
           figure("Energy in the top 1 % of channels (%)",
                  curves([](auto& s) { return 100 * s.top1pctEnergy; })) +
           figure("Largest channel / median channel", curves([](auto& s) { return s.maxToMedian; })) +
           "</div>\n";
}

std::string keptList(const Report& report) {
    const ReportColumn* column = keepingColumn(report);
    if (column == nullptr) return "";
    // The table above counts columns of weights; say how the two belong together.
    std::string html =
        "<details><summary>" + std::to_string(column->recipe.keptCount()) + " channels kept by " +
        escaped(column->name) +
        ", each counted above once for every linear "
        "layer that reads it</summary>\n<table class=\"facts\"><tr><th>site</th><th>channels</th></tr>\n";
    for (const auto& [site, channels] : column->recipe.kept) {
        html += "<tr><td>" + site.name() + "</td><td>";
        for (const int channel : channels)
            html += std::to_string(channel) + " ";
        html += "</td></tr>\n";
    }
    return html + "</table></details>\n";
}

std::string recipes(const Report& report) {
    std::string html = "<h2>Recipes</h2>\n";
    for (const auto& column : report.columns)
        html += "<details><summary>" + escaped(column.name) + ": <code>" + escaped(column.recipe.text()) +
                "</code></summary>\n<pre>" + escaped(column.recipe.toJson()) + "</pre></details>\n";
    return html;
}

std::string pictures(const Report& report, PageFor medium) {
    std::string html;
    for (const auto& picture : report.pictures)
        html += "<h3>" + escaped(picture.title) + "</h3>\n<figure><img class=\"view\"" +
                sizeOnPaper(picture.width, picture.height, medium) + " alt=\"" + escaped(picture.caption) +
                "\" src=\"data:image/png;base64," + base64(picture.png) + "\">\n<figcaption>" +
                escaped(picture.caption) + "</figcaption></figure>\n";
    return html;
}

std::string outliers(const Report& report, PageFor medium) {
    if (report.columns.empty() || report.columns.front().observation.sites.empty()) return "";
    std::string html =
        "<h2>Where the outliers live</h2>\n<p>Each picture shows the largest magnitude that each channel "
        "reached, layer by layer, under " +
        escaped(report.columns.front().name) +
        ". A bright column is a channel far above the others: one 8-bit scale for the whole tensor must "
        "span it, and little is left for the rest.</p>\n" +
        heatMaps(report, medium) + "<h2>Through the depth</h2>\n" +
        (medium == PageFor::screen ? key(report) : "");
    for (const Place place : {Place::mlp_residual, Place::attn_input, Place::mlp_hidden})
        if (!sitesOf(report.columns.front().observation, place).empty())
            html += depthCurves(report, place, medium);
    return html;
}

bool endsIn(const std::string& path, std::string_view suffix) {
    return path.size() > suffix.size() && path.ends_with(suffix);
}

// QTextDocument takes what it does not know as part of the line before: a figure is a paragraph there.
std::string withoutFigures(std::string html) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> known{{{"<figure>", "<p>"},
                                                                                  {"</figure>", ""},
                                                                                  {"<figcaption>", "</p><p>"},
                                                                                  {"</figcaption>", "</p>"},
                                                                                  {"<summary>", "<p>"},
                                                                                  {"</summary>", "</p>"}}};
    for (const auto& [was, is] : known)
        for (std::size_t at = html.find(was); at != std::string::npos; at = html.find(was, at + is.size()))
            html.replace(at, was.size(), is);
    return html;
}

} // namespace

std::string reportPage(const Report& report, PageFor medium) {
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
                       escaped(report.model.name) + " · Kurtoscope</title>\n<style>" +
                       (medium == PageFor::paper ? paperStyle : reportStyle) + "</style></head>\n<body>\n";
    html += "<h1>" + escaped(report.model.name) + "</h1>\n<p class=\"soft\">" +
            escaped(modelSummary(report.model)) + "</p>\n";
    html +=
        "<h2>Recipes side by side</h2>\n<p>" + escaped(report.data.name + ", " + report.data.summary) +
        ". A difference is coloured only where it exceeds twice its standard error. Arithmetic: "
        "<b>integer</b> ran in low "
        "precision, <b>simulated</b> rounded within floating point, so its latency is no speed-up.</p>\n" +
        comparison(report) + keptList(report);
    for (const std::string& note : {report.note, report.data.note})
        if (!note.empty()) html += "<p class=\"soft\">" + escaped(note) + "</p>\n";
    html += pictures(report, medium) + outliers(report, medium) + recipes(report) + "<h2>Model</h2>\n" +
            modelFacts(report.model) + "<h2>How this was measured</h2>\n" + factTable(report.settings);
    html += "</body></html>\n";
    return medium == PageFor::paper ? withoutFigures(std::move(html)) : html;
}

PdfWriter& pdfWriter() {
    static PdfWriter writer = nullptr;
    return writer;
}

void checkReportName(const std::string& path) {
    if (endsIn(path, ".pdf") && !pdfWriter())
        throw Error("this build has no window and so writes no PDF", path,
                    "Name a file that ends in .html, and print it from a browser");
    if (!endsIn(path, ".pdf") && !endsIn(path, ".html") && !endsIn(path, ".htm"))
        throw Error("a report is written as .html or .pdf", path, "Let the name end in one of them");
}

void writeReport(const Report& report, const std::string& path) {
    checkReportName(path);
    if (endsIn(path, ".pdf"))
        pdfWriter()(reportPage(report, PageFor::paper), path);
    else
        writeFileAtomically(path, reportPage(report));
}

std::string nowForPeople() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", ::localtime_r(&now, &parts));
    return text.data();
}

} // namespace kurtoscope::commands
