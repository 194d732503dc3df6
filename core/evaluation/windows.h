// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/data_request.h"
#include "core/data/model_info.h"
#include "core/engine/batch.h"
#include "core/evaluation/dataset.h"
#include "core/model/tokenizer.h"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

// One unit of evaluation: a stretch of text run alone, or a batch of table rows. Pairs hold all first
// sentences, then all second ones.
struct Window {
    Batch batch;
    std::vector<double> truth; // gold scores or label numbers of the rows; empty for text
    int rows() const { return static_cast<int>(truth.size()); }
};

// A file cut for one model: windows to evaluate in one seeded order, and windows that only calibration sees.
struct WindowSet {
    std::vector<Window> evaluation, calibration;
    std::vector<Window> spare; // more that calibration may take, after its own
    DataKind kind = DataKind::text;
    std::vector<std::string> labels; // names of label numbers
    DataInfo info;                   // task and metric still empty
};

// Reads and tokenizes request.path (and calibrationPath) and cuts it. With `holdOut`, calibration windows are
// taken from after the evaluated ones, and the evaluation gives way where the file is too short. Throws
// Error, Cancelled.
WindowSet cutWindows(const DataRequest& request, const ModelInfo& model, const Tokenizer& tokenizer,
                     std::uint64_t seed, bool holdOut, const std::stop_token& stop = {});

} // namespace kurtoscope
