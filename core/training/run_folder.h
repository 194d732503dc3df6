// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"
#include "core/data/training_request.h"
#include "core/data/training_run.h"
#include "core/engine/transformer.h"
#include "core/training/training_data.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>

namespace kurtoscope {

// What is needed beside the weights to go on as if nothing had happened.
struct ResumeState {
    int step = 0;
    std::int64_t tokens = 0;
    double lossMean = 0, lossSpread = 0; // running, for spikes
    std::vector<NamedTensor> tensors;    // moments of the optimizer, clipping values
};

// A run's folder: what begins it, and checkpoints that appear whole or not at all. Every checkpoint is a
// model folder; the newest also holds what going on takes.
class RunFolder {
public:
    explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

    // Writes spec.json, the tokenizer, text and tokens, and the model before its first step: marked from the
    // first file on. Refuses a folder that holds a run, or into which another process trains. Throws Error,
    // Cancelled.
    std::unique_ptr<TrainingMark> begin(const TrainingSpec& spec, std::stop_token stop, const OnProgress& progress);
    std::unique_ptr<TrainingData> data(const TrainingSpec& spec, const ModelInfo& model,
                                       const Tokenizer& tokenizer, std::stop_token stop) const;

    // The newest checkpoint that can be gone on from. Throws Error where there is none.
    std::filesystem::path newest() const;
    ResumeState state(const std::filesystem::path& checkpoint) const;
    // `recipe`: learned clipping values as a recipe, empty for none. Throws Error, a full disk included;
    // nothing stands there then.
    std::filesystem::path writeCheckpoint(int step, const Transformer& model, const ResumeState& state,
                                          const std::string& recipe) const;

    std::filesystem::path file(const std::string& name) const { return path_ / name; }
    TrainingRequest request() const { return trainingRequest(path_.string()); }
    void appendRecord(const TrainingRecord& record) const;
    void goBackTo(int step) const; // records of later steps go, and what an interrupted checkpoint left

private:
    void beginModel(const TrainingSpec& spec, const LabelledRows& rows, std::stop_token stop) const;
    LabelledRows beginData(const TrainingSpec& spec, std::stop_token stop, const OnProgress& progress) const;

    std::filesystem::path path_;
};

} // namespace kurtoscope
