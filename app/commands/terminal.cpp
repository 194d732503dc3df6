// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/terminal.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace kurtoscope::commands {
namespace {

bool startsCodePoint(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

std::size_t terminalColumns() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::string padded(const std::string& text, std::size_t columns, bool right) {
    const std::string space(columns - std::min(columns, displayWidth(text)), ' ');
    return right ? space + text : text + space;
}

std::string count(const Progress& progress) {
    if (progress.total <= 0) return "";
    // Beyond a few thousand the steps are bytes or the like: a share says more.
    if (progress.total > 9999) return std::to_string(100 * progress.done / progress.total) + " %";
    return std::to_string(progress.done) + " of " + std::to_string(progress.total);
}

std::string timeLeft(double seconds) {
    if (!(seconds >= 0)) return "";
    const auto whole = static_cast<long>(std::ceil(seconds));
    if (whole < 60) return std::to_string(whole) + " s left";
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s left";
}

std::string bar(const Progress& progress, std::size_t cells) {
    const double share =
        progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 0;
    const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(cells));
    std::string drawn;
    for (std::size_t i = 0; i < cells; ++i)
        drawn += i < full ? "█" : "░";
    return drawn;
}

} // namespace

std::size_t displayWidth(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), startsCodePoint));
}

std::string shortened(std::string_view utf8, std::size_t columns) {
    if (displayWidth(utf8) <= columns) return std::string(utf8);
    std::size_t end = 0, seen = 0;
    for (; end < utf8.size(); ++end)
        if (startsCodePoint(utf8[end]) && ++seen == std::max<std::size_t>(columns, 1)) break;
    return std::string(utf8.substr(0, end)) + "…";
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        widths.push_back(displayWidth(columns_[c].title));
        for (const auto& row : rows_)
            widths[c] = std::max(widths[c], displayWidth(row[c]));
    }
    const auto line = [&](const auto& cell) {
        std::string text;
        for (std::size_t c = 0; c < columns_.size(); ++c)
            text += (c == 0 ? "" : "  ") + padded(cell(c), widths[c], columns_[c].figures);
        text.erase(text.find_last_not_of(' ') + 1);
        out << text << '\n';
    };
    line([&](std::size_t c) { return columns_[c].title; });
    for (const auto& row : rows_)
        line([&](std::size_t c) { return row[c]; });
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    wipe();
}

void ProgressLine::wipe() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
}

void ProgressLine::say(const std::string& line) {
    wipe();
    std::cerr << line << '\n';
}

void ProgressLine::show(const Progress& progress) {
    using namespace std::chrono_literals;
    const auto now = std::chrono::steady_clock::now();
    const bool begins = progress.phase != phase_;
    const bool ends = progress.total > 0 && progress.done == progress.total && progress.done != done_;
    // In a pipe lines stay, so many steps give few of them.
    const auto pause = !terminal_ && progress.total > 50 ? 1000ms : 100ms;
    if (!begins && !ends && now - shownAt_ < pause) return;
    if (!begins && !terminal_ && progress.done == done_) return;
    phase_ = progress.phase;
    done_ = progress.done;
    shownAt_ = now;

    std::string line = progress.phase;
    if (terminal_ && progress.total > 0) line += "  " + bar(progress, 24);
    if (progress.total > 0) line += (terminal_ ? "  " : ": ") + count(progress);
    if (const std::string left = timeLeft(progress.secondsLeft); terminal_ && !left.empty() && !ends)
        line += "  " + left;
    if (!note_.empty()) line += (terminal_ ? "  " : " · ") + note_;
    if (terminal_) {
        std::cerr << "\r\033[K" << shortened(line, terminalColumns() - 1) << std::flush;
        drawn_ = true;
    } else {
        std::cerr << line << std::endl;
    }
}

OnProgress ProgressLine::callback() {
    return [this](const Progress& progress) { show(progress); };
}

} // namespace kurtoscope::commands
