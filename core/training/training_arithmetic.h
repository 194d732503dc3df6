// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/training_progress.h"
#include "core/data/training_spec.h"
#include "core/engine/transformer.h"
#include "core/training/regularizer.h"

#include <map>
#include <memory>
#include <set>
#include <vector>

namespace kurtoscope {

class CalibrationSet;

// What a training spec does inside a forward pass: rounds linear inputs with learned clipping values, rounds
// weights, drops activations out, and gathers penalties. Lives as long as the training of one model.
class TrainingArithmetic : public Arithmetic {
public:
    // Throws Error for a regularizer that does not exist or parameters that it does not have.
    TrainingArithmetic(const Transformer& model, const TrainingSpec& spec);

    // Clipping values of the least squared error over a few batches. Nothing where none are learned.
    void startClips(CalibrationSet& batches);
    std::map<Site, at::Tensor>& clips() { return clips_; } // [2]: c−, c+
    void roundInputs(bool on) { rounding_ = on; }          // where clipping values are learned
    void keepClipsOpen(); // after an optimizer's step: c− ≤ 0 ≤ c+, and not both 0

    // Before each pass. `done`: the share of the steps that are done; `training` false: the plain model,
    // rounded as inference will round it. `watching`: figures by site are gathered.
    void begin(double done, bool training, bool watching, std::uint64_t seed);
    at::Tensor penalty() const { return penalty_; } // λ included; undefined where there is none
    std::vector<TrainingSiteFigures> figures() const;
    bool idle() const {
        return !training_ && clips_.empty() && members_.empty() && weightBits_ == 0 && dropout_ == 0 &&
               !watching_;
    }

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override;
    bool treats(Site) const override { return false; }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override;

private:
    struct Member {
        RecipePart part;
        const SchemeInfo* info;
        std::unique_ptr<Penalty> penalty;
        double lambda = 0; // at this step
    };
    void add(const Member& member, Site site, const at::Tensor& penalty) const;
    void look(Site site, const at::Tensor& rows) const;

    const Transformer& model_;
    int inputBits_, weightBits_;
    bool narrow_; // products in bf16
    double clipPull_, dropout_;
    std::vector<Member> members_;
    std::map<Site, at::Tensor> clips_;
    std::set<Site> inputs_; // of linear layers, heads left out
    double done_ = 0;
    bool training_ = false, watching_ = false, rounding_ = false;
    std::uint64_t seed_ = 0;
    // What one pass gathers; a pass runs on one thread.
    mutable at::Tensor penalty_;
    mutable std::map<Site, std::pair<double, double>> clipped_; // values clipped, of how many
    mutable std::map<Site, double> penalties_;
    mutable std::map<Site, std::pair<double, double>> seen_; // kurtosis, max/median
    mutable std::uint64_t drops_ = 0;
};

} // namespace kurtoscope
