// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/published_study.h"
#include "core/data/channel_stats.h"
#include "core/data/model_info.h"
#include "core/data/reading.h"

#include <optional>
#include <string>
#include <vector>

namespace kurtoscope::commands {

// The study of arXiv 2603.04308 ("Activation Outliers in Transformer Quantization"), itself a reproduction of
// Bondarenko et al. 2021 (arXiv 2109.12948): its rows as recipes, its published figures, and its claims.
struct StudyRow {
    std::string title;               // "PEG, K = 3"
    std::string recipe;              // in words
    std::optional<double> published; // accuracy of BERT-base on QNLI, 0…1
};

// `bits` of the activations (the paper's 8), `weightBits` 16 leaves weights alone; `groups` are the numbers
// of embedding groups tried.
std::vector<StudyRow> studyRows(int bits, int weightBits, const std::vector<int>& groups);

// One claim after the other, judged by what was measured: `readings` by row of studyRows(), `plain` under
// FP32.
std::vector<StudyClaim> judge(const std::vector<StudyRow>& rows, const std::vector<Reading>& readings,
                              const Observation& plain, const ModelInfo& model);

// The share of the fall from FP32 to per-tensor W8A8 that a reading wins back, 1 for all of it; empty where
// W8A8 does not fall by more than twice its error.
std::optional<double> recovered(const Reading& fp32, const Reading& fallen, const Reading& reading);

inline constexpr const char* studySetting =
    "BERT-base fine-tuned on QNLI, RTX 3050; W8A8 post-training, every activation quantized per tensor with "
    "static ranges";

} // namespace kurtoscope::commands
