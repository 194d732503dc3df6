// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/workbench.h"

#include <string>
#include <utility>
#include <vector>

namespace kurtoscope::commands {

// What one report says: gathered by the command, written out by reportPage().
struct ReportColumn {
    std::string name; // the recipe as it was asked for
    Recipe recipe;    // its kept channels resolved
    Observation observation;
    Reading reading;
};
struct ReportPicture {
    std::string title, caption;
    std::string png;           // bytes
    int width = 0, height = 0; // as it is read, in pixels
};
struct Report {
    ModelInfo model;
    DataInfo data;
    std::vector<ReportColumn> columns;
    std::vector<std::pair<std::string, std::string>> settings; // name, value
    std::vector<ReportPicture> pictures;                       // of the window's views, shown first
    std::string note;                                          // where the numbers come from
};

// One HTML file that needs nothing else. For paper: light, everything unfolded, figures as pictures, for a
// printer that knows little of style sheets.
enum class PageFor { screen, paper };
std::string reportPage(const Report& report, PageFor medium = PageFor::screen);

// A page for paper written as a PDF; throws Error. Set by builds that have Qt, empty in those without.
using PdfWriter = void (*)(const std::string& html, const std::string& path);
PdfWriter& pdfWriter();
// `path` ends in .html or .pdf, which says which of the two is written, whole or not at all. Throws Error.
void writeReport(const Report& report, const std::string& path);
void checkReportName(const std::string& path); // before anything is measured; throws Error
std::string nowForPeople();                    // "2026-11-22 23:40"

} // namespace kurtoscope::commands
