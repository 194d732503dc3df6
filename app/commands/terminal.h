// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope::commands {

std::size_t displayWidth(std::string_view utf8); // columns that the text takes, one per code point
std::string shortened(std::string_view utf8, std::size_t columns);

// Text in aligned columns; figures lean right.
class Table {
public:
    struct Column {
        std::string title;
        bool figures = true;
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<std::string> cells);
    void print(std::ostream& out) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

// Progress on standard error: a bar that redraws itself on a terminal, plain lines in a pipe, at most ten a
// second. The bar is wiped when this goes. Used by the thread that does the work.
class ProgressLine {
public:
    ProgressLine();
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const Progress& progress);
    void setNote(std::string note) { note_ = std::move(note); } // what stands behind the next bar or line
    void say(const std::string& line);                          // a lasting line, above the bar
    OnProgress callback();

private:
    void wipe();

    bool terminal_;
    bool drawn_ = false;
    std::string phase_, note_;
    std::int64_t done_ = -1;
    std::chrono::steady_clock::time_point shownAt_;
};

} // namespace kurtoscope::commands
