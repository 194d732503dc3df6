// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

struct Record {
    std::vector<std::string> cells;
    int line = 0; // where it begins, from 1
};

struct Delimited {
    char delimiter = '\t';
    std::vector<Record> records; // blank lines left out
};

// A file's text as UTF-8 without a byte order mark. Throws Error for an empty or binary file, or bytes that
// are not UTF-8.
std::string readUtf8(const std::filesystem::path& path);

// Tab separated when at least half of the first lines hold a tab, else comma separated. Throws Error for a
// quote that never closes.
Delimited splitRecords(std::string_view text, const std::string& where);

// The number that the whole cell is (spaces around it allowed), if it is a finite one.
std::optional<double> numberIn(std::string_view cell);
std::optional<long> wholeNumberIn(std::string_view cell);

std::string trimmedLower(std::string_view cell); // ASCII letters only: column names

} // namespace kurtoscope
