// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/published_study.h"
#include "core/data/emergence.h"
#include "core/data/precision_grid.h"
#include "core/data/training_run.h"

#include <string>
#include <vector>

namespace kurtoscope::commands {

// The study of arXiv 2404.03605 ("Mitigating the Impact of Outlier Channels for Language Model Quantization
// with Activation Regularization"): one model trained four ways.
struct StudyArm {
    std::string id, title; // "none", "kurtosis", "qat", "both"
    TrainingSpec spec;
    TrainingRun run;
    PrecisionGrid grid, solved; // weights to nearest levels, and by GPTQ
    Emergence emergence;
};

// The four arms of one spec, not yet trained.
std::vector<StudyArm> studyArms(const TrainingSpec& base, const std::string& lambda, int bits);

// One claim after the other. An arm that did not end, or has no grid, makes what needs it false and says so.
std::vector<StudyClaim> judge(const std::vector<StudyArm>& arms);

} // namespace kurtoscope::commands
