// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/page_parts.h"

#include "app/commands/curve_svg.h"

namespace kurtoscope::commands {

std::string tableHtml(const std::vector<std::string>& titles,
                      const std::vector<std::vector<std::string>>& rows) {
    std::string html = R"(<div class="scroll"><table><tr>)";
    for (const auto& title : titles)
        html += "<th>" + escaped(title) + "</th>";
    html += "</tr>\n";
    for (const auto& row : rows) {
        html += "<tr>";
        for (const auto& cell : row)
            html += "<td>" + escaped(cell) + "</td>";
        html += "</tr>\n";
    }
    return html + "</table></div>\n";
}

std::string claimHtml(const std::vector<StudyClaim>& claims) {
    std::string html =
        R"(<table class="facts"><tr><th>the paper's claim</th><th>its figures</th><th>here</th><th></th></tr>)";
    for (const StudyClaim& claim : claims)
        html += "<tr><td>" + escaped(claim.claim) + "</td><td>" + escaped(claim.published) + "</td><td>" +
                escaped(claim.measured) + "</td><td class=\"" + (claim.holds ? "good" : "bad") + "\">" +
                (claim.holds ? "holds" : "does not hold here") + "</td></tr>\n";
    return html + "</table>\n";
}

std::string factHtml(const std::vector<std::pair<std::string, std::string>>& facts) {
    std::string html = "<table class=\"facts\">";
    for (const auto& [name, value] : facts)
        html += "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>";
    return html + "</table>\n";
}

} // namespace kurtoscope::commands
