// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <string>

namespace kurtoscope {

// What somebody else asks of a training that runs: a word in the file `request` of its folder, at which it
// looks between steps.
enum class TrainingRequest : unsigned char { goOn, pause, stop };

// Throws Error where nothing trains into the folder.
KURTOSCOPE_API void askTraining(const std::string& folder, TrainingRequest request);
KURTOSCOPE_API TrainingRequest trainingRequest(const std::string& folder); // what was asked; no file: go on
KURTOSCOPE_API bool isTraining(const std::string& folder); // whether some process trains into it now

// Says that this process trains into the folder, for as long as it lives: a lock on the run's spec.json,
// which goes with the process however it ends. Forgets what was asked of an earlier one. Throws Error where
// another one trains there.
class TrainingMark {
public:
    explicit TrainingMark(const std::string& folder);
    ~TrainingMark();
    TrainingMark(const TrainingMark&) = delete;
    TrainingMark& operator=(const TrainingMark&) = delete;

private:
    int file_ = -1;
};

} // namespace kurtoscope
