// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/training_data.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/evaluation/dataset.h"
#include "core/evaluation/delimited.h"

#include <algorithm>
#include <numeric>
#include <random>

#include <nlohmann/json.hpp>

namespace kurtoscope {
namespace {

// One epoch's order of `count` things, drawn from the seed and the epoch's number.
std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::seed_seq mixed{std::uint32_t(seed), std::uint32_t(seed >> 32), std::uint32_t(epoch)};
    std::mt19937_64 random(mixed);
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random() % i]);
    return order;
}

std::string counted(std::int64_t count) {
    std::string digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3;)
        digits.insert(at -= 3, ",");
    return digits;
}

// Keeps the order of the epoch that was asked for last.
class Epochs {
public:
    template <class Make>
    const std::vector<std::int64_t>& order(std::int64_t epoch, Make make) {
        if (epoch != epoch_) order_ = make(epoch), epoch_ = epoch;
        return order_;
    }

private:
    std::int64_t epoch_ = -1;
    std::vector<std::int64_t> order_;
};

struct Tokens {
    std::shared_ptr<const MappedFile> file;
    const std::int32_t* ids = nullptr;
    std::int64_t count = 0;

    explicit Tokens(const std::filesystem::path& path) : file(MappedFile::open(path)) {
        ids = reinterpret_cast<const std::int32_t*>(file->bytes().data());
        count = static_cast<std::int64_t>(file->bytes().size() / sizeof(std::int32_t));
    }
};

// Windows of `length` positions with the token behind each as its target.
TrainingSample cut(const Tokens& tokens, const std::vector<std::int64_t>& starts, int length) {
    TrainingSample sample;
    sample.batch.sequences = static_cast<int>(starts.size());
    sample.batch.length = length;
    for (const std::int64_t start : starts) {
        const std::int32_t* from = tokens.ids + start;
        sample.batch.ids.insert(sample.batch.ids.end(), from, from + length);
        sample.targets.insert(sample.targets.end(), from + 1, from + 1 + length);
        sample.batch.lengths.push_back(length);
        sample.batch.windows.push_back(static_cast<int>(sample.batch.windows.size()));
    }
    sample.tokens = std::int64_t(starts.size()) * length;
    return sample;
}

class TextData : public TrainingData {
public:
    TextData(const std::filesystem::path& training, const std::filesystem::path& heldOut,
             const TrainingSpec& spec, int length)
        : training_(training),
          length_(length),
          seed_(spec.seed),
          windows_((training_.count - 1) / length),
          validation_(evenWindows(heldOut, spec.validationWindows, spec.batch, length)) {
        if (windows_ < 1 || validation_.empty())
            throw Error("the text has " + counted(training_.count) + " tokens to train on and " +
                            counted(Tokens(heldOut).count) + " held out, fewer than one window of " +
                            std::to_string(length),
                        spec.text, "Give a longer text, or a smaller model.length");
    }

    TrainingSample sample(std::int64_t first, int count) override {
        std::vector<std::int64_t> starts;
        for (std::int64_t i = first; i < first + count; ++i) {
            const std::int64_t epoch = i / windows_;
            const auto& order =
                epochs_.order(epoch, [&](std::int64_t e) { return shuffled(windows_, seed_, e); });
            starts.push_back(order[static_cast<std::size_t>(i % windows_)] * length_);
        }
        return cut(training_, starts, length_);
    }
    std::int64_t perEpoch() const override { return windows_; }
    const std::vector<TrainingSample>& validation() const override { return validation_; }
    std::string summary() const override {
        return counted(training_.count) + " tokens, " + counted(windows_) + " windows of " +
               std::to_string(length_);
    }

private:
    Tokens training_;
    int length_;
    std::uint64_t seed_;
    std::int64_t windows_ = 0;
    std::vector<TrainingSample> validation_;
    Epochs epochs_;
};

class TableData : public TrainingData {
public:
    TableData(const LabelledRows& training, const LabelledRows& heldOut, const Tokenizer& tokenizer,
              const TrainingSpec& spec, int longest, const std::stop_token& stop)
        : batch_(spec.batch),
          pad_(tokenizer.padId()),
          seed_(spec.seed),
          regression_(training.labels.empty()) {
        const auto encode = [&](const LabelledRows& rows, std::vector<Row>& into) {
            for (const LabelledRow& row : rows.rows) {
                throwIfStopped(stop);
                Row made{tokenizer.encode(row.sentence, true, static_cast<std::size_t>(longest)).ids,
                         row.label, row.value};
                if (made.ids.empty()) made.ids.push_back(pad_);
                into.push_back(std::move(made));
            }
        };
        encode(training, rows_);
        std::vector<Row> held;
        encode(heldOut, held);
        if (rows_.empty() || held.empty())
            throw Error("the table has " + std::to_string(rows_.size()) + " rows to train on and " +
                            std::to_string(held.size()) + " held out",
                        spec.text, "Give more rows, or a file of their own with data.validation");
        std::stable_sort(held.begin(), held.end(),
                         [](const Row& a, const Row& b) { return a.ids.size() < b.ids.size(); });
        for (std::size_t begin = 0; begin < held.size(); begin += 64) {
            std::vector<const Row*> part;
            for (std::size_t i = begin; i < std::min(held.size(), begin + 64); ++i)
                part.push_back(&held[i]);
            validation_.push_back(joined(part));
        }
    }

    TrainingSample sample(std::int64_t first, int count) override {
        std::vector<const Row*> part;
        for (std::int64_t i = first; i < first + count; ++i)
            part.push_back(&rows_[static_cast<std::size_t>(rowAt(i))]);
        return joined(part);
    }
    std::int64_t perEpoch() const override { return static_cast<std::int64_t>(rows_.size()); }
    const std::vector<TrainingSample>& validation() const override { return validation_; }
    std::string summary() const override { return counted(perEpoch()) + " sentences"; }

private:
    struct Row {
        std::vector<int> ids;
        int label = 0;
        float value = 0;
    };

    // Sentences of like length stand in one batch, since padding costs as much as text; batches in random
    // order.
    std::int64_t rowAt(std::int64_t index) {
        const std::int64_t count = perEpoch();
        const auto& order = epochs_.order(index / count, [&](std::int64_t epoch) {
            std::vector<std::int64_t> rows = shuffled(count, seed_, epoch), sorted;
            std::stable_sort(rows.begin(), rows.end(), [&](std::int64_t a, std::int64_t b) {
                return rows_[static_cast<std::size_t>(a)].ids.size() <
                       rows_[static_cast<std::size_t>(b)].ids.size();
            });
            const std::int64_t batches = (count + batch_ - 1) / batch_;
            for (const std::int64_t batch : shuffled(batches, seed_ + 1, epoch))
                sorted.insert(sorted.end(), rows.begin() + batch * batch_,
                              rows.begin() + std::min(count, (batch + 1) * batch_));
            return sorted;
        });
        return order[static_cast<std::size_t>(index % count)];
    }

    TrainingSample joined(const std::vector<const Row*>& rows) const {
        TrainingSample sample;
        Batch& batch = sample.batch;
        batch.sequences = static_cast<int>(rows.size());
        for (const Row* row : rows)
            batch.length = std::max(batch.length, static_cast<int>(row->ids.size()));
        for (const Row* row : rows) {
            batch.lengths.push_back(static_cast<int>(row->ids.size()));
            batch.windows.push_back(static_cast<int>(batch.windows.size()));
            std::vector<int> ids = row->ids;
            ids.resize(static_cast<std::size_t>(batch.length), pad_);
            batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
            if (regression_)
                sample.values.push_back(row->value);
            else
                sample.targets.push_back(row->label);
            sample.tokens += batch.lengths.back();
        }
        return sample;
    }

    int batch_, pad_;
    std::uint64_t seed_;
    bool regression_;
    std::vector<Row> rows_;
    std::vector<TrainingSample> validation_;
    Epochs epochs_;
};

} // namespace

std::vector<TrainingSample> evenWindows(const std::filesystem::path& file, int windows, int batch,
                                        int length) {
    const Tokens tokens(file);
    const std::int64_t there = tokens.count / length, wanted = std::min<std::int64_t>(there, windows);
    std::vector<TrainingSample> samples;
    for (std::int64_t begin = 0; begin < wanted; begin += batch) {
        std::vector<std::int64_t> starts;
        for (std::int64_t i = begin; i < std::min<std::int64_t>(wanted, begin + batch); ++i)
            starts.push_back(i * there / wanted * length);
        samples.push_back(cut(tokens, starts, length - 1));
    }
    return samples;
}

void writeTokens(const std::vector<std::string>& documents, const Tokenizer& tokenizer,
                 const std::filesystem::path& file, std::stop_token stop) {
    const int separator = documents.size() > 1 ? tokenizer.idOf("<|endoftext|>") : -1;
    std::vector<std::int32_t> ids;
    for (const std::string& document : documents) {
        const std::vector<int> made = tokenizer.encode(document, false, 0, stop).ids;
        ids.insert(ids.end(), made.begin(), made.end());
        if (separator >= 0) ids.push_back(separator);
    }
    if (ids.empty()) throw Error("the text is empty", file.string(), "Give a text");
    writeFileAtomically(file, {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]});
}

std::vector<std::string> readDocuments(const std::filesystem::path& file) {
    const std::string text = readText(file);
    if (file.extension() != ".jsonl") return {text};
    std::vector<std::string> documents;
    int line = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        ++line;
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view part = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        if (part.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        const auto json = nlohmann::json::parse(part, nullptr, false);
        const bool good = json.is_object() && json.contains("text") && json.at("text").is_string();
        if (!good)
            throw Error("a JSON object with a \"text\" was expected",
                        file.string() + ", line " + std::to_string(line), "Write one object a line");
        documents.push_back(json.at("text").get<std::string>());
    }
    return documents;
}

std::unique_ptr<TrainingData> textData(const std::filesystem::path& training,
                                       const std::filesystem::path& heldOut, const TrainingSpec& spec,
                                       int length) {
    return std::make_unique<TextData>(training, heldOut, spec, length);
}

LabelledRows readRows(const std::filesystem::path& file, bool regression) {
    LabelledRows all;
    if (!regression) {
        const Table table = readClassification(file);
        all.labels = table.labels;
        for (const TableRow& row : table.rows)
            all.rows.push_back({row.first, row.label, 0});
        return all;
    }
    const Delimited table = splitRecords(readUtf8(file), file.string());
    for (const Record& record : table.records) {
        const std::string where = file.string() + ", line " + std::to_string(record.line);
        if (record.cells.size() != 2)
            throw Error("a sentence and a number were expected, got " + std::to_string(record.cells.size()) +
                            " columns",
                        where, "Separate them by a tab");
        const auto first = numberIn(record.cells[0]), second = numberIn(record.cells[1]);
        if (!first && !second && all.rows.empty()) continue; // a header
        if (!first && !second) throw Error("neither column is a number", where, "Give one number a line");
        all.rows.push_back(
            {second ? record.cells[0] : record.cells[1], 0, static_cast<float>(second ? *second : *first)});
    }
    return all;
}

std::unique_ptr<TrainingData> tableData(const LabelledRows& training, const LabelledRows& heldOut,
                                        const Tokenizer& tokenizer, const TrainingSpec& spec, int longest,
                                        std::stop_token stop) {
    return std::make_unique<TableData>(training, heldOut, tokenizer, spec, longest, stop);
}

} // namespace kurtoscope
