// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/delimited.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace kurtoscope {
namespace {

// The first byte that does not belong to well-formed UTF-8 (Unicode 15, table 3-7), or the size.
std::size_t firstBadByte(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        const std::size_t more = lead >= 0xC2 && lead <= 0xDF   ? 1
                                 : (lead & 0xF0) == 0xE0        ? 2
                                 : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                                : 0;
        if (more == 0) return i;
        // The second byte's bounds leave out overlong forms, surrogates and what lies beyond U+10FFFF.
        const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (byte(i + 1) < low || byte(i + 1) > high) return i;
        for (std::size_t k = 2; k <= more; ++k)
            if ((byte(i + k) & 0xC0) != 0x80) return i;
        i += more + 1;
    }
    return text.size();
}

std::string_view trimmed(std::string_view cell) {
    const auto begin = cell.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return cell.substr(begin, cell.find_last_not_of(" \t\r") - begin + 1);
}

// Tabs in half of the first lines decide: a line that lacks its tab is to be named later, not to change the
// form.
char delimiterOf(std::string_view text) {
    int lines = 0, tabbed = 0;
    while (lines < 50 && !text.empty()) {
        const std::string_view current = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), current.size() + 1));
        if (trimmed(current).empty()) continue;
        ++lines;
        tabbed += current.find('\t') != std::string_view::npos ? 1 : 0;
    }
    return 2 * tabbed >= lines ? '\t' : ',';
}

std::vector<Record> splitTabs(std::string_view text) {
    std::vector<Record> records;
    for (int line = 1; !text.empty(); ++line) {
        std::string_view current = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), current.size() + 1));
        if (current.ends_with('\r')) current.remove_suffix(1);
        if (trimmed(current).empty()) continue;
        Record record{{}, line};
        for (std::size_t begin = 0;;) {
            const std::size_t tab = current.find('\t', begin);
            record.cells.emplace_back(current.substr(begin, tab - begin));
            if (tab == std::string_view::npos) break;
            begin = tab + 1;
        }
        records.push_back(std::move(record));
    }
    return records;
}

std::vector<Record> splitCommas(std::string_view text, const std::string& where) {
    std::vector<Record> records;
    Record record{{""}, 1};
    int line = 1, quoteLine = 0;
    bool quoted = false;
    const auto endRecord = [&] {
        if (record.cells.size() > 1 || !trimmed(record.cells[0]).empty())
            records.push_back(std::move(record));
        record = {{""}, line};
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        std::string& cell = record.cells.back();
        line += c == '\n' ? 1 : 0;
        if (quoted) {
            if (c != '"')
                cell += c;
            else if (text.substr(i + 1, 1) == "\"")
                cell += text[++i];
            else
                quoted = false;
        } else if (c == '"' && trimmed(cell).empty()) {
            cell.clear();
            quoted = true;
            quoteLine = line;
        } else if (c == ',') {
            record.cells.emplace_back();
        } else if (c == '\n') {
            endRecord();
        } else if (c != '\r' || text.substr(i + 1, 1) != "\n") {
            cell += c;
        }
    }
    if (quoted)
        throw Error("a quotation mark is never closed", where + ", line " + std::to_string(quoteLine),
                    "Close it, and write a quotation mark inside quoted text twice");
    endRecord();
    return records;
}

} // namespace

std::string readUtf8(const std::filesystem::path& path) {
    std::string text = readFile(path);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (std::all_of(text.begin(), text.end(),
                    [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }))
        throw Error(text.empty() ? "the file is empty" : "the file holds only white space", path.string(),
                    "Give a file with text in it");
    if (const std::size_t zero = text.find('\0'); zero != std::string::npos)
        throw Error("this is a binary file, text was expected: byte " + std::to_string(zero) + " is 0",
                    path.string(), "Give a text, TSV or CSV file in UTF-8");
    if (const std::size_t bad = firstBadByte(text); bad < text.size()) {
        char hex[8];
        std::snprintf(hex, sizeof hex, "0x%02X",
                      static_cast<unsigned>(static_cast<unsigned char>(text[bad])));
        const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
        throw Error("UTF-8 was expected, got " + std::string(hex) + " at byte " + std::to_string(bad),
                    path.string() + ", line " + std::to_string(line), "Save the file as UTF-8");
    }
    return text;
}

Delimited splitRecords(std::string_view text, const std::string& where) {
    const char delimiter = delimiterOf(text);
    Delimited table{delimiter, delimiter == '\t' ? splitTabs(text) : splitCommas(text, where)};
    if (table.records.empty())
        throw Error("the file has no rows", where, "Give a file with at least one row");
    return table;
}

std::optional<double> numberIn(std::string_view cell) {
    cell = trimmed(cell);
    if (cell.starts_with('+')) cell.remove_prefix(1);
    double value = 0;
    const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (code != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::optional<long> wholeNumberIn(std::string_view cell) {
    cell = trimmed(cell);
    if (cell.starts_with('+')) cell.remove_prefix(1);
    long value = 0;
    const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (code != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
    return value;
}

std::string trimmedLower(std::string_view cell) {
    std::string text(trimmed(cell));
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

} // namespace kurtoscope
