// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/dataset.h"

#include "core/base/error.h"
#include "core/evaluation/delimited.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace kurtoscope {
namespace {

struct Columns {
    std::size_t first = 0, second = 0, value = 0; // value: label or score
    bool header = false;

    std::size_t needed(bool pair) const { return 1 + std::max({first, value, pair ? second : 0}); }
};

constexpr std::array labelNames{"label", "labels", "class", "category", "sentiment", "target"};
constexpr std::array sentenceNames{"sentence", "text", "review", "content", "question", "title"};
constexpr std::array firstNames{"sentence1", "sentence_1", "sentence a", "sent1", "text1", "s1"};
constexpr std::array secondNames{"sentence2", "sentence_2", "sentence b", "sent2", "text2", "s2"};
constexpr std::array scoreNames{"score", "similarity", "similarity_score", "similarity score",
                                "relatedness_score"};

constexpr const char* classificationHint = "A classification has a sentence and a label per line, separated "
                                           "by a tab, or by a comma with the text in quotes";
constexpr const char* similarityHint =
    "Similarity data have columns sentence1, sentence2 and score, or STS-B's seven";

template <class Names>
std::optional<std::size_t> columnNamed(const Record& header, const Names& names) {
    for (const char* name : names)
        for (std::size_t c = 0; c < header.cells.size(); ++c)
            if (trimmedLower(header.cells[c]) == name) return c;
    return std::nullopt;
}

// What a column holds, in the rows that have it.
struct ColumnContent {
    std::set<std::string> distinct;
    std::size_t spaces = 0, bytes = 0, numbers = 0;
    bool whole = true; // whole numbers only, but for the first row: it may be a header

    ColumnContent(const std::vector<Record>& records, std::size_t column) {
        for (const Record& record : records) {
            if (column >= record.cells.size()) continue;
            const std::string& cell = record.cells[column];
            distinct.insert(trimmedLower(cell));
            spaces += static_cast<std::size_t>(std::count(cell.begin(), cell.end(), ' '));
            bytes += cell.size();
            numbers += numberIn(cell) ? 1 : 0;
            whole = whole && ((&record == &records.front() && records.size() > 1) || wholeNumberIn(cell));
        }
    }
    // Whether labels are likelier here than in `other`: numbers, else what repeats, else single and short
    // words.
    bool likelierLabels(const ColumnContent& other) const {
        if (whole != other.whole) return whole;
        return std::tuple(distinct.size(), spaces, bytes) <
               std::tuple(other.distinct.size(), other.spaces, other.bytes);
    }
};

std::optional<Columns> namedClassification(const Record& first) {
    const auto label = columnNamed(first, labelNames), sentence = columnNamed(first, sentenceNames);
    if (!label || !sentence) return std::nullopt;
    return Columns{*sentence, 0, *label, true};
}

// Two columns; a first cell that is no number above whole numbers is a header.
std::optional<Columns> guessedClassification(const std::vector<Record>& records) {
    const Record& first = records.front();
    if (first.cells.size() != 2) return std::nullopt;
    const ColumnContent left(records, 0), right(records, 1);
    const bool labelLeft = left.likelierLabels(right);
    const ColumnContent& labels = labelLeft ? left : right;
    if (labels.distinct.size() > std::max<std::size_t>(20, records.size() / 2)) return std::nullopt;
    const std::size_t label = labelLeft ? 0 : 1;
    const bool header = records.size() > 1 && labels.whole && !wholeNumberIn(first.cells[label]);
    return Columns{1 - label, 0, label, header};
}

std::optional<Columns> namedSimilarity(const Record& first) {
    const auto one = columnNamed(first, firstNames), two = columnNamed(first, secondNames);
    const auto score = columnNamed(first, scoreNames);
    if (!one || !two || !score) return std::nullopt;
    return Columns{*one, *two, *score, true};
}

std::optional<Columns> guessedSimilarity(const Delimited& table) {
    const Record& first = table.records.front();
    if (table.delimiter == '\t' && first.cells.size() >= 7 && numberIn(first.cells[4]))
        return Columns{5, 6, 4, false};
    if (first.cells.size() != 3) return std::nullopt;
    std::size_t score = 2, most = 0;
    for (const std::size_t column : {std::size_t{2}, std::size_t{0}, std::size_t{1}})
        if (const ColumnContent content(table.records, column); content.numbers > most) {
            score = column;
            most = content.numbers;
        }
    if (2 * most < table.records.size()) return std::nullopt;
    return Columns{score == 0 ? 1U : 0U, score == 2 ? 1U : 2U, score, !numberIn(first.cells[score])};
}

Delimited readTable(const std::filesystem::path& path) {
    return splitRecords(readUtf8(path), path.string());
}

std::string lineOf(const std::filesystem::path& path, const Record& record) {
    return path.string() + ", line " + std::to_string(record.line);
}

void requireColumns(const std::filesystem::path& path, const Delimited& table, const Record& record,
                    std::size_t needed, const char* hint) {
    const std::size_t expected = table.records.front().cells.size();
    if (record.cells.size() < needed)
        throw Error("got " + std::to_string(record.cells.size()) + " columns, expected " +
                        std::to_string(expected),
                    lineOf(path, record), hint);
    // Tab separated files add columns (STS-B's sources); one comma too many is a sentence without quotes.
    if (table.delimiter == ',' && record.cells.size() > expected)
        throw Error("got " + std::to_string(record.cells.size()) + " columns, expected " +
                        std::to_string(expected),
                    lineOf(path, record), "Put text that contains commas in quotation marks");
}

void requireRows(const std::filesystem::path& path, const Delimited& table, const Columns& columns) {
    if (columns.header && table.records.size() == 1)
        throw Error("the file has a header and no rows", path.string(), "Give a file with at least one row");
}

// Label cells as class indices; see readClassification.
void numberLabels(Table& table, const std::vector<std::string>& cells, const std::string& where) {
    std::set<long> numbers;
    std::set<std::string> words(cells.begin(), cells.end());
    if (words.size() < 2)
        throw Error("every row has the label \"" + cells.front() + "\": one class only", where,
                    "Give data with at least two classes");
    for (const std::string& word : words)
        if (const auto number = wholeNumberIn(word)) numbers.insert(*number);
    const bool whole = numbers.size() == words.size();
    constexpr long mostClasses = 10'000; // beyond this a number is no class index
    std::map<std::string, int> index;
    if (whole && *numbers.begin() == 0 && *numbers.rbegin() < mostClasses) {
        for (long n = 0; n <= *numbers.rbegin(); ++n)
            table.labels.push_back(std::to_string(n));
        for (const std::string& word : words)
            index[word] = static_cast<int>(*wholeNumberIn(word));
    } else {
        table.labels.assign(words.begin(), words.end());
        if (whole)
            std::sort(table.labels.begin(), table.labels.end(),
                      [](const std::string& a, const std::string& b) {
                          return *wholeNumberIn(a) < *wholeNumberIn(b);
                      });
        for (std::size_t i = 0; i < table.labels.size(); ++i)
            index[table.labels[i]] = static_cast<int>(i);
    }
    for (std::size_t r = 0; r < cells.size(); ++r)
        table.rows[r].label = index.at(cells[r]);
}

std::string stripped(const std::string& cell) {
    const auto begin = cell.find_first_not_of(" \t\r\n");
    return begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(" \t\r\n") - begin + 1);
}

} // namespace

std::string readText(const std::filesystem::path& path) {
    return readUtf8(path);
}

DetectedKind detectKind(const std::filesystem::path& path) {
    const std::string extension = trimmedLower(path.extension().string());
    if (extension == ".txt") return {DataKind::text, "the name ends in .txt"};
    const std::string text = readUtf8(path);
    if (extension != ".tsv" && extension != ".csv" && extension != ".tab" &&
        text.find('\t') == std::string::npos)
        return {DataKind::text, "neither the name nor tabs make it a table"};
    const Delimited table = splitRecords(text, path.string());
    const Record& first = table.records.front();
    if (namedSimilarity(first)) return {DataKind::similarity, "its header names two sentences and a score"};
    if (namedClassification(first))
        return {DataKind::classification, "its header names a sentence and a label"};
    if (guessedSimilarity(table))
        return {DataKind::similarity, first.cells.size() == 3
                                          ? "three columns, one of which is a number"
                                          : "seven columns, the fifth a number: STS-B's form"};
    if (guessedClassification(table.records))
        return {DataKind::classification, "two columns, one of which holds labels"};
    return {DataKind::text, "its columns fit neither a classification nor similarity"};
}

Table readClassification(const std::filesystem::path& path) {
    const Delimited source = readTable(path);
    auto columns = namedClassification(source.records.front());
    if (!columns) columns = guessedClassification(source.records);
    if (!columns)
        throw Error("found no column of labels among " + std::to_string(source.records.front().cells.size()),
                    lineOf(path, source.records.front()), classificationHint);
    requireRows(path, source, *columns);
    Table table;
    std::vector<std::string> labels;
    for (std::size_t r = columns->header ? 1 : 0; r < source.records.size(); ++r) {
        const Record& record = source.records[r];
        requireColumns(path, source, record, columns->needed(false), classificationHint);
        TableRow row;
        row.first = stripped(record.cells[columns->first]);
        labels.push_back(stripped(record.cells[columns->value]));
        if (row.first.empty())
            throw Error("the sentence is missing", lineOf(path, record), classificationHint);
        if (labels.back().empty())
            throw Error("the label is missing", lineOf(path, record), classificationHint);
        table.rows.push_back(std::move(row));
    }
    numberLabels(table, labels, path.string());
    return table;
}

Table readSimilarity(const std::filesystem::path& path) {
    const Delimited source = readTable(path);
    auto columns = namedSimilarity(source.records.front());
    if (!columns) columns = guessedSimilarity(source);
    if (!columns)
        throw Error("found no columns of two sentences and a score among " +
                        std::to_string(source.records.front().cells.size()),
                    lineOf(path, source.records.front()), similarityHint);
    requireRows(path, source, *columns);
    Table table;
    for (std::size_t r = columns->header ? 1 : 0; r < source.records.size(); ++r) {
        const Record& record = source.records[r];
        requireColumns(path, source, record, columns->needed(true), similarityHint);
        const auto score = numberIn(record.cells[columns->value]);
        if (!score)
            throw Error("a score was expected in column " + std::to_string(columns->value + 1) + ", got \"" +
                            record.cells[columns->value] + "\"",
                        lineOf(path, record), similarityHint);
        TableRow row;
        row.first = stripped(record.cells[columns->first]);
        row.second = stripped(record.cells[columns->second]);
        row.score = *score;
        if (row.first.empty() || row.second.empty())
            throw Error("a sentence is missing", lineOf(path, record), similarityHint);
        table.rows.push_back(std::move(row));
    }
    return table;
}

} // namespace kurtoscope
