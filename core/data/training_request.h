// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <string>

namespace kurtoscope {

// What somebody else asks of a training that runs: a word in the file `request` of its folder, at which it
// looks between steps.
enum class TrainingRequest : unsigned char { goOn, pause, stop };

// Throws Error where nothing trains into the folder, or where what trains there was asked to end already.
KURTOSCOPE_API void askTraining(const std::string& folder, TrainingRequest request);
KURTOSCOPE_API TrainingRequest trainingRequest(const std::string& folder); // what was asked; no file: go on
KURTOSCOPE_API bool isTraining(const std::string& folder); // whether some process trains into it now

// Says that this process trains into the folder, for as long as it lives: a lock on the file `lock` there,
// which goes with the process however it ends. Forgets what was asked of an earlier one, and of this one when
// it ends. Throws Error where another one trains there.
class KURTOSCOPE_API TrainingMark {
public:
    explicit TrainingMark(std::string folder); // which exists
    ~TrainingMark();
    TrainingMark(const TrainingMark&) = delete;
    TrainingMark& operator=(const TrainingMark&) = delete;

private:
    std::string folder_;
    int file_; // −1 where the file system lets nobody write
};

} // namespace kurtoscope
