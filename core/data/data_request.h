// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace kurtoscope {

// Which data a pass runs over. Text is tokenized whole and cut into windows of `length`, each run alone.
struct DataRequest {
    std::string path;            // .txt (any text), .tsv/.csv (classification, similarity)
    std::string task;            // "" picks the one that fits model and file; else a task id
    int windows = 0;             // 0: the task's default (8 windows of text; every row of a table)
    int length = 256;            // tokens per window, cut to what the model was built for
    int calibrationWindows = 4;  // taken after the evaluated ones
    std::string calibrationPath; // another file of the same kind, "" for none

    bool operator==(const DataRequest&) const = default;
};

struct DataInfo {
    std::string name, task, metric; // "wikitext2/test.txt", "perplexity", "perplexity"
    std::string summary;            // "8 × 256 tokens"
    int windows = 0, available = 0;
    std::string note; // what a reader must know ("calibration windows were held out"), may be empty
};

} // namespace kurtoscope
