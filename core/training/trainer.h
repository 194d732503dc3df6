// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/clock.h"
#include "core/base/progress.h"
#include "core/data/training_progress.h"
#include "core/engine/ranks.h"
#include "core/model/model_folder.h"
#include "core/training/adamw.h"
#include "core/training/run_folder.h"
#include "core/training/training_arithmetic.h"

#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace kurtoscope {

// One run on its way: the model with gradients, its optimizer, and where it is. What a step does follows from
// the checkpoint that it began at, the spec and the step's number alone.
class Trainer {
public:
    // Opens the newest checkpoint of a folder that was begun. `ranks`: the processes that share the work,
    // null for one alone. Throws Error, Cancelled.
    Trainer(RunFolder folder, TrainingSpec spec, c10::Device device, Ranks* ranks, std::stop_token stop,
            const OnProgress& progress);

    // To the spec's last step. A stop, from its token or its folder, ends it after the step that runs, with a
    // checkpoint, and throws Cancelled; a pause waits there, with one too. A loss that is no number ends it
    // with a record that says so.
    void run(const std::function<void(const TrainingRecord&)>& onRecord);

    struct Validation {
        double loss = 0, error = 0;
        std::optional<double> score;
    };
    Validation validate();
    std::string recipe(); // learned clipping values as a static recipe; empty for none

private:
    at::Tensor lossOf(const at::Tensor& logits, const TrainingSample& sample) const;
    at::Tensor logitsOf(const TrainingSample& sample) const;
    // What a step makes of its batch, over all processes.
    struct StepFigures {
        double loss = 0, penalty = 0, gradientNorm = 0;
        bool stopping = false; // some process was asked to stop
        bool pausing = false;  // the one that leads was asked to wait
    };
    StepFigures step(int number, bool watching);
    // Until it is asked to go on; all processes together. A stop throws Cancelled.
    Clock::duration pause();
    [[noreturn]] void stopTogether(); // as all processes have agreed to
    bool leads() const { return !ranks_ || ranks_->leads(); }
    double learningRate(int number) const;
    // Inputs are rounded from the step after this one on: a model that has learned nothing yet gains by
    // clipping away what its attention says.
    int plainSteps() const { return static_cast<int>(spec_.inputStart * spec_.steps); }
    void startClips();
    std::string eventOf(double loss);
    void checkAlike() const; // throws Error where processes no longer have the same weights
    void writeCheckpoint(TrainingRecord& record);
    void restore(const ResumeState& state);
    ResumeState state() const;

    RunFolder folder_;
    TrainingSpec spec_;
    c10::Device device_;
    Ranks* ranks_;
    std::stop_token stop_;
    const OnProgress& progress_;
    ModelFolder opened_;
    std::unique_ptr<Transformer> model_;
    std::unique_ptr<TrainingData> data_;
    std::unique_ptr<TrainingArithmetic> arithmetic_;
    std::vector<NamedTensor> learned_; // parameters and clipping values, in the optimizer's order
    std::unique_ptr<AdamW> optimizer_;
    int done_ = 0;
    std::int64_t tokens_ = 0;
    double lossMean_ = 0, lossSpread_ = 0; // running, for spikes; 0 before the first step
    bool diverging_ = false;
};

} // namespace kurtoscope
