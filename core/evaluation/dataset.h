// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kurtoscope {

enum class DataKind : unsigned char { text, classification, similarity };

// What a file holds, and the sentence that says how that was told ("two columns, one of which holds 2
// labels").
struct DetectedKind {
    DataKind kind = DataKind::text;
    std::string reason;
};

struct TableRow {
    std::string first, second; // second: similarity only
    double score = 0;          // similarity only
    int label = 0;             // classification only: index into Table::labels
    bool operator==(const TableRow&) const = default;
};

struct Table {
    std::vector<TableRow> rows;
    std::vector<std::string> labels; // of a classification
};

// Files are UTF-8, with or without a byte order mark, tab or comma separated (comma: RFC 4180 quoting; tab:
// none), with LF or CRLF lines. Everything throws Error in one sentence with the line: empty or binary file,
// a missing column, a score that is no number, one class only.

// .txt is text. Else the columns decide: named ones first, then their number and what they hold; no table:
// text.
KURTOSCOPE_API DetectedKind detectKind(const std::filesystem::path& path);

// The whole file, without a byte order mark; otherwise byte for byte.
KURTOSCOPE_API std::string readText(const std::filesystem::path& path);

// A sentence and a label in either order, header or not. Whole-number labels that include 0 are class indices
// as they stand (labels "0" to the largest); other numbers and words are numbered in sorted order.
KURTOSCOPE_API Table readClassification(const std::filesystem::path& path);

// Two sentences and a score: named by a header, or STS-B's seven columns (score 5th, sentences 6th and 7th),
// or three columns of which one is a number.
KURTOSCOPE_API Table readSimilarity(const std::filesystem::path& path);

} // namespace kurtoscope
