// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/trainer.h"

#include "core/evaluation/metrics.h"
#include "core/quantization/calibration_set.h"
#include "core/training/trained_product.h"

#include <c10/core/GradMode.h>

#include <numbers>
#include <thread>
#include <utility>

namespace kurtoscope {
namespace {

constexpr double memory = 0.95; // of the running loss, a step

// A weight of its own for every parameter: those of a file lie in a map that cannot be written.
void makeTrainable(at::Tensor tensor) {
    tensor.set_data(tensor.detach().clone());
    tensor.requires_grad_(true);
}

} // namespace

Trainer::Trainer(RunFolder folder, TrainingSpec spec, c10::Device device, Ranks* ranks, std::stop_token stop,
                 const OnProgress& progress)
    : folder_(std::move(folder)),
      spec_(std::move(spec)),
      device_(device),
      ranks_(ranks),
      stop_(std::move(stop)),
      progress_(progress) {
    if (ranks_ && spec_.batch % ranks_->size() != 0)
        throw Error("a batch of " + std::to_string(spec_.batch) + " cannot be shared by " +
                        std::to_string(ranks_->size()) + " processes",
                    "training.batch", "Give a multiple");
    if (const std::string refusal = spec_.precision == "bf16" ? bfloat16Refusal(device_) : "";
        !refusal.empty())
        throw Error(refusal, "training.precision", "Leave it at fp32");
    const std::filesystem::path checkpoint = folder_.newest();
    opened_ = ModelFolder::open(checkpoint.string());
    model_ = loadTransformer(opened_, stop_, progress_);
    if (!device_.is_cpu()) model_->moveTo(device_);
    if (!opened_.tokenizer)
        throw Error("has no tokenizer that could be read", checkpoint.string(),
                    "Name one with data.tokenizer");
    data_ = folder_.data(spec_, model_->info(), *opened_.tokenizer, stop_);
    arithmetic_ = std::make_unique<TrainingArithmetic>(*model_, spec_);

    ParameterGroup decayed{{}, 1, spec_.weightDecay}, plain{{}, 1, 0},
        head{{}, spec_.headRate, spec_.weightDecay}, clips{{}, spec_.clipRate, 0, true};
    std::vector<NamedTensor> byGroup[4];
    for (const NamedTensor& one : model_->tensors()) {
        makeTrainable(one.values);
        const bool isHead = one.name.starts_with("2_Dense.");
        const int group = isHead ? 2 : one.values.dim() >= 2 ? 0 : 1;
        (isHead ? head : group == 0 ? decayed : plain).tensors.push_back(one.values);
        byGroup[group].push_back(one);
    }
    const ResumeState state = folder_.state(checkpoint);
    for (auto& [site, clip] : arithmetic_->clips()) {
        clips.tensors.push_back(clip);
        byGroup[3].push_back({"clip." + site.name(), clip});
    }
    for (auto& group : byGroup)
        learned_.insert(learned_.end(), group.begin(), group.end());
    optimizer_ = std::make_unique<AdamW>(std::vector{decayed, plain, head, clips}, spec_.beta1, spec_.beta2,
                                         spec_.epsilon);
    if (!state.tensors.empty()) restore(state);
}

void Trainer::startClips() {
    std::vector<Batch> batches;
    for (int i = 0; i < spec_.clipBatches; ++i)
        batches.push_back(data_->sample(std::int64_t(i) * spec_.batch, spec_.batch).batch);
    CalibrationSet set(std::move(batches), device_);
    arithmetic_->startClips(set);
}

ResumeState Trainer::state() const {
    ResumeState state{done_, tokens_, lossMean_, lossSpread_, {}};
    const std::vector<at::Tensor> moments = optimizer_->state();
    for (std::size_t i = 0; i < learned_.size(); ++i) {
        state.tensors.push_back({learned_[i].name + "/first", moments[2 * i]});
        state.tensors.push_back({learned_[i].name + "/second", moments[2 * i + 1]});
    }
    for (auto& [site, clip] : arithmetic_->clips())
        state.tensors.push_back({"clip." + site.name(), clip});
    return state;
}

void Trainer::restore(const ResumeState& state) {
    std::map<std::string, at::Tensor> byName;
    for (const NamedTensor& one : state.tensors)
        byName[one.name] = one.values.to(device_);
    const auto need = [&](const std::string& name, const at::Tensor& like) {
        const auto found = byName.find(name);
        if (found == byName.end() || found->second.sizes() != like.sizes())
            throw Error("what was kept for going on has no \"" + name + "\" of this shape",
                        folder_.newest().string(), "The run's spec.json was changed: put it back");
        return found->second;
    };
    std::vector<at::Tensor> moments;
    for (const NamedTensor& one : learned_) {
        moments.push_back(need(one.name + "/first", one.values));
        moments.push_back(need(one.name + "/second", one.values));
    }
    const c10::NoGradGuard plain;
    for (auto& [site, clip] : arithmetic_->clips())
        clip.copy_(need("clip." + site.name(), clip));
    optimizer_->restore(moments, state.step);
    done_ = state.step, tokens_ = state.tokens, lossMean_ = state.lossMean, lossSpread_ = state.lossSpread;
}

double Trainer::learningRate(int number) const {
    if (number <= spec_.warmup)
        return spec_.learningRate * double(number) / double(std::max(1, spec_.warmup));
    const double share =
        spec_.steps > spec_.warmup ? double(number - spec_.warmup) / double(spec_.steps - spec_.warmup) : 1.0;
    const double wave = 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
    return spec_.learningRate * (spec_.finalShare + (1 - spec_.finalShare) * wave);
}

at::Tensor Trainer::logitsOf(const TrainingSample& sample) const {
    const TrainingArithmetic* arithmetic = arithmetic_->idle() ? nullptr : arithmetic_.get();
    Pass pass(sample.batch, device_, nullptr, arithmetic);
    return model_->head(pass, model_->hidden(pass));
}

at::Tensor Trainer::lossOf(const at::Tensor& logits, const TrainingSample& sample) const {
    if (!sample.values.empty()) {
        const at::Tensor truth = at::tensor(sample.values).to(device_);
        return at::mse_loss(logits.squeeze(-1), truth, at::Reduction::None);
    }
    const at::Tensor targets = at::tensor(sample.targets).to(device_);
    return at::cross_entropy_loss(logits.reshape({-1, logits.size(-1)}), targets, {}, at::Reduction::None);
}

Trainer::StepFigures Trainer::step(int number, bool watching) {
    optimizer_->clearGradients();
    StepFigures figures;
    const int processes = ranks_ ? ranks_->size() : 1, mine = spec_.batch / processes;
    const double share = 1.0 / spec_.accumulation;
    for (int part = 0; part < spec_.accumulation; ++part) {
        const std::int64_t first = (std::int64_t(number - 1) * spec_.accumulation + part) * spec_.batch +
                                   (ranks_ ? std::int64_t(ranks_->rank()) * mine : 0);
        const TrainingSample sample = data_->sample(first, mine);
        arithmetic_->begin(double(number - 1) / spec_.steps, true, watching,
                           spec_.seed * 7919 + std::uint64_t(number) * 131 + std::uint64_t(part));
        const at::Tensor plain = lossOf(logitsOf(sample), sample).mean();
        const at::Tensor added = arithmetic_->penalty();
        const at::Tensor whole = added.defined() ? plain + added : plain;
        (spec_.accumulation > 1 ? whole * share : whole).backward();
        figures.loss += plain.detach().item<double>() * share;
        if (added.defined()) figures.penalty += added.detach().item<double>() * share;
        tokens_ += sample.tokens * processes;
    }
    const TrainingRequest asked = leads() ? folder_.request() : TrainingRequest::goOn;
    figures.stopping = stop_.stop_requested() || asked == TrainingRequest::stop;
    figures.pausing = asked == TrainingRequest::pause;
    if (ranks_) {
        const at::Tensor shared = at::tensor(
            {float(figures.loss), float(figures.penalty), float(figures.stopping), float(figures.pausing)});
        std::vector<at::Tensor> all = optimizer_->gradients();
        all.push_back(shared);
        ranks_->sum(all);
        optimizer_->scaleGradients(1.0 / processes);
        figures.loss = shared[0].item<double>() / processes;
        figures.penalty = shared[1].item<double>() / processes;
        figures.stopping = shared[2].item<double>() > 0;
        figures.pausing = shared[3].item<double>() > 0;
    }
    figures.gradientNorm = optimizer_->clipGradients(spec_.clipNorm);
    if (std::isfinite(figures.loss) && std::isfinite(figures.gradientNorm)) {
        optimizer_->step(learningRate(number));
        arithmetic_->keepClipsOpen();
    }
    return figures;
}

Trainer::Validation Trainer::validate() {
    const c10::NoGradGuard plain;
    arithmetic_->begin(1, false, false, 0);
    RunningMean losses;
    double right = 0, rows = 0;
    std::vector<double> scores, truth;
    for (const TrainingSample& sample : data_->validation()) {
        const at::Tensor logits = logitsOf(sample);
        // One figure for each window or row: those are independent, the tokens of a window are not.
        const at::Tensor each =
            lossOf(logits, sample).view({sample.batch.sequences, -1}).mean(1).to(at::kDouble).cpu();
        for (std::int64_t i = 0; i < each.size(0); ++i)
            losses.add(each[i].item<double>());
        if (spec_.task == "classification")
            right += double(
                logits.argmax(-1).eq(at::tensor(sample.targets).to(device_)).sum().item<std::int64_t>());
        if (spec_.task == "regression")
            for (std::size_t i = 0; i < sample.values.size(); ++i) {
                scores.push_back(logits[std::int64_t(i)][0].item<double>());
                truth.push_back(double(sample.values[i]));
            }
        rows += sample.batch.sequences;
    }
    Validation result{losses.mean(), losses.estimate().standardError, std::nullopt};
    if (spec_.task == "classification") result.score = right / rows;
    if (spec_.task == "regression") result.score = pearson(scores, truth);
    return result;
}

std::string Trainer::recipe() {
    if (arithmetic_->clips().empty() || done_ <= plainSteps()) return "";
    Recipe recipe;
    recipe.scheme = "w8a8";
    recipe.parameters = {{"activation_bits", std::to_string(spec_.inputBits)},
                         {"symmetric", "off"},
                         {"weight_bits", spec_.weightBits > 0 ? std::to_string(spec_.weightBits) : "16"}};
    for (const auto& [site, clip] : arithmetic_->clips())
        recipe.ranges[site] = {clip[0].item<float>(), clip[1].item<float>()};
    return recipe.toJson();
}

// Six running deviations above the running mean is a spike; a loss that stays above that of guessing is on
// its way out.
std::string Trainer::eventOf(double loss) {
    if (!std::isfinite(loss)) return "the loss is no longer a number: the run has diverged";
    std::string event;
    const double spread = std::sqrt(lossSpread_);
    if (done_ > 50 && loss > lossMean_ + std::max(6 * spread, 0.5))
        event = "loss spike: " + std::to_string(loss) + " after " + std::to_string(lossMean_);
    const double rest = loss - lossMean_;
    lossMean_ = done_ <= 1 ? loss : lossMean_ + (1 - memory) * rest;
    lossSpread_ = done_ <= 1 ? 0 : memory * (lossSpread_ + (1 - memory) * rest * rest);
    const double guessing = std::log(double(std::max<std::int64_t>(2, model_->info().vocabulary)));
    if (spec_.task == "language-model" && done_ > spec_.warmup + 50 && lossMean_ > guessing + 0.5 &&
        !diverging_) {
        diverging_ = true;
        event += (event.empty() ? "" : "; ") +
                 std::string("diverging: the loss is above that of guessing, ") + std::to_string(guessing);
    }
    return event;
}

// One that differs by a bit would go on as another model, and nobody would see it.
void Trainer::checkAlike() const {
    if (!ranks_) return;
    std::uint64_t print = 14695981039346656037U; // FNV-1a, by words
    for (const NamedTensor& one : learned_) {
        const at::Tensor words = one.values.detach().cpu().contiguous().view(at::kInt);
        const std::int32_t* word = words.const_data_ptr<std::int32_t>();
        for (std::int64_t i = 0; i < words.numel(); ++i)
            print = (print ^ std::uint32_t(word[i])) * 1099511628211U;
    }
    const std::string mine = std::to_string(print);
    for (const std::string& other : ranks_->gather(mine))
        if (other != mine)
            throw Error("the processes no longer have the same weights at step " + std::to_string(done_), "",
                        "Check that all of them run one build on alike machines, then --resume");
}

void Trainer::writeCheckpoint(TrainingRecord& record) {
    folder_.writeCheckpoint(done_, *model_, state(), recipe());
    record.checkpoint = checkpointName(done_);
}

void Trainer::stopTogether() {
    if (ranks_) ranks_->leaveTogether();
    throw Cancelled();
}

Clock::duration Trainer::pause() {
    const Clock::time_point since = Clock::now();
    if (progress_) progress_({"Paused at step " + std::to_string(done_), done_, spec_.steps, -1});
    for (;;) {
        const TrainingRequest asked = leads() ? folder_.request() : TrainingRequest::goOn;
        bool waiting = asked == TrainingRequest::pause,
             stopping = stop_.stop_requested() || asked == TrainingRequest::stop;
        if (ranks_) { // often enough that nobody runs out of patience, and misses one that is gone
            const at::Tensor shared = at::tensor({float(waiting), float(stopping)});
            ranks_->sum({shared});
            waiting = shared[0].item<double>() > 0, stopping = shared[1].item<double>() > 0;
        }
        if (stopping) stopTogether();
        if (!waiting) return Clock::now() - since;
        if (leads()) std::this_thread::sleep_for(std::chrono::milliseconds(ranks_ ? 250 : 50));
    }
}

void Trainer::run(const std::function<void(const TrainingRecord&)>& onRecord) {
    if (leads()) folder_.goBackTo(done_);
    Clock::time_point since = Clock::now();
    Clock::time_point begun = since;
    std::string before; // what happened between this step and the last
    std::int64_t tokensThen = tokens_;
    const int doneThen = done_;
    while (done_ < spec_.steps) {
        const int number = done_ + 1;
        const bool last = number == spec_.steps, validating = last || number % spec_.validateEvery == 0;
        const bool due = number % spec_.checkpointEvery == 0;
        const bool watching = number == 1 || validating || number % spec_.recordEvery == 0;
        TrainingRecord record;
        if (spec_.inputBits > 0 && number == plainSteps() + 1) startClips();
        arithmetic_->roundInputs(number > plainSteps());
        const StepFigures figures = step(number, watching);
        record.loss = figures.loss, record.penalty = figures.penalty,
        record.gradientNorm = figures.gradientNorm;
        done_ = number;
        const double seconds = secondsSince(since);
        if (seconds > 0) record.tokensPerSecond = double(tokens_ - tokensThen) / seconds;
        record.secondsLeft = secondsSince(begun) / double(done_ - doneThen) * double(spec_.steps - done_);
        record.step = number, record.steps = spec_.steps;
        record.learningRate = learningRate(number);
        record.tokens = tokens_;
        record.event = eventOf(record.loss);
        const auto addEvent = [&](const std::string& event) {
            record.event += (record.event.empty() || event.empty() ? "" : "; ") + event;
        };
        addEvent(std::exchange(before, ""));
        if (ranks_ && number == doneThen + 1)
            addEvent(std::to_string(ranks_->size()) + " processes sum gradients by " + ranks_->backend());
        const bool diverged = !std::isfinite(record.loss) || !std::isfinite(record.gradientNorm);
        if (diverged && std::isfinite(record.loss)) // of the loss it is said above
            addEvent("the gradient is no longer a number: the run has diverged");
        const bool stopping = figures.stopping && !diverged;
        record.paused = figures.pausing && !diverged && !stopping && !last;
        if (record.paused) addEvent("paused at step " + std::to_string(number));
        if (watching) record.sites = arithmetic_->figures(); // of the step: validation begins its own
        if (!diverged && validating && !stopping && leads()) {
            const Validation seen = validate();
            record.validationLoss = seen.loss, record.validationError = seen.error;
            record.validationScore = seen.score;
        }
        const bool keeping = !diverged && (due || last || stopping || record.paused);
        if (keeping) checkAlike();
        if (keeping && leads()) writeCheckpoint(record);
        const bool telling = watching || due || stopping || !record.event.empty();
        if (telling && leads()) {
            folder_.appendRecord(record);
            if (onRecord) onRecord(record);
            since = Clock::now(), tokensThen = tokens_;
        }
        if (progress_) progress_({"Training", done_, spec_.steps, record.secondsLeft});
        if (diverged) return;
        if (stopping && !last) stopTogether();
        if (!record.paused) continue;
        const Clock::duration waited = pause(); // is no time of the run
        since += waited, begun += waited;
        before = "went on after " +
                 std::to_string(std::chrono::duration_cast<std::chrono::seconds>(waited).count()) +
                 " s of pause";
    }
}

} // namespace kurtoscope
