// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/training_spec.h"
#include "core/engine/batch.h"
#include "core/model/mapped_file.h"
#include "core/model/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

// Sequences to train or to validate on, with what they should have answered.
struct TrainingSample {
    Batch batch;
    std::vector<std::int64_t> targets; // next tokens of every position, or one class for each sequence
    std::vector<float> values;         // of a regression, in place of targets
    std::int64_t tokens = 0;           // padding left out
};

// What a run trains on: tokens of a text in memory-mapped files, or rows of a table. Which sequences a step
// gets follows from the seed and the step alone, so that nothing has to be kept to go on.
class TrainingData {
public:
    virtual ~TrainingData() = default;
    // The `count` sequences from number `first` on, counted over all epochs.
    virtual TrainingSample sample(std::int64_t first, int count) = 0;
    virtual std::int64_t perEpoch() const = 0;
    // Sequences that are never trained on, `count` at a time; the same ones each time.
    virtual const std::vector<TrainingSample>& validation() const = 0;
    virtual std::string summary() const = 0; // "1.9 M tokens, 14,890 windows of 128"
};

// Encodes `text` into `file` as 32-bit ids, `separator` (−1: none) between documents. Throws Error,
// Cancelled.
void writeTokens(const std::vector<std::string>& documents, const Tokenizer& tokenizer,
                 const std::filesystem::path& file, std::stop_token stop);
// A .jsonl's "text" of every line, or the whole of another file. Throws Error naming the line.
std::vector<std::string> readDocuments(const std::filesystem::path& file);

// Up to `windows` windows of `length` tokens, evenly over a file of writeTokens, each to be run alone as an
// evaluation runs it; `batch` of them in one sample. None where the file is shorter than one.
std::vector<TrainingSample> evenWindows(const std::filesystem::path& tokens, int windows, int batch,
                                        int length);
// Windows of `length` tokens out of files of writeTokens. Throws Error for a text shorter than one window.
std::unique_ptr<TrainingData> textData(const std::filesystem::path& training,
                                       const std::filesystem::path& heldOut, const TrainingSpec& spec,
                                       int length);

struct LabelledRow {
    std::string sentence;
    int label = 0;
    float value = 0;
};
struct LabelledRows {
    std::vector<LabelledRow> rows;
    std::vector<std::string> labels; // empty: values
};
// Sentences with a class or, for a regression, with a number. Throws Error.
LabelledRows readRows(const std::filesystem::path& file, bool regression);
std::unique_ptr<TrainingData> tableData(const LabelledRows& training, const LabelledRows& heldOut,
                                        const Tokenizer& tokenizer, const TrainingSpec& spec, int longest,
                                        std::stop_token stop);

} // namespace kurtoscope
