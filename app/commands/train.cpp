// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/member_list.h"
#include "app/commands/run_options.h"
#include "app/commands/training_tables.h"
#include "core/base/atomic_file.h"
#include "core/data/training_request.h"
#include "core/training_lab.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace kurtoscope::commands {
namespace {

class Train : public Command {
public:
    std::string_view id() const override { return "train"; }
    std::string_view summary() const override {
        return "Trains a model, and compares trained ones at each width of weights and activations";
    }

    void declare(CLI::App& app) override {
        app.add_option("SPEC", specFile_, "A training spec (.json); --print-spec writes one")->type_name("");
        std::vector<std::string> ids;
        for (const auto& preset : TrainingLab::presets())
            ids.push_back(preset.id);
        app.add_option("--preset", preset_,
                       "Begin from a preset instead of a spec [default: fine-tune with --from, else tiny]")
            ->check(CLI::IsMember(ids))
            ->type_name("P")
            ->excludes("SPEC");
        app.add_option("--text", text_, "Text to train on (.txt, .jsonl), or a table for a classifier")
            ->type_name("FILE");
        app.add_option("--validation", validation_,
                       "Text or table to validate on [default: the end of --text]")
            ->type_name("FILE");
        app.add_option("--from", from_, "Go on from this model folder")->type_name("MODEL");
        app.add_option("--task", task_, "What is learned")
            ->check(CLI::IsMember({"language-model", "classification", "regression"}))
            ->type_name("TASK");
        app.add_option("--out", out_, "Folder for metrics and checkpoints")->type_name("DIR");
        app.add_option("--name", name_, "What the run is called")->type_name("NAME");
        app.add_option("--qat-bits", inputBits_, "Round linear inputs while training, with learned clipping")
            ->check(CLI::Range(2, 8))
            ->type_name("B");
        app.add_option("--qat-weight-bits", weightBits_, "Round weights while training")
            ->check(CLI::Range(2, 8))
            ->type_name("B");
        app.add_option("--regularizer", regularizers_,
                       "A penalty, such as kurtosis:lambda=0.001; once for each")
            ->type_name("R")
            ->expected(1)
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        app.add_option("--steps", steps_, "Steps to train")->check(atLeast(1))->type_name("N");
        app.add_option("--seed", seed_, "Seed of weights, order of data and artificial text")
            ->check(atLeast(0))
            ->type_name("N");
        app.add_option("--precision", precision_, "Of linear layers' products while training")
            ->check(CLI::IsMember({"fp32", "bf16"}))
            ->type_name("P");
        app.add_option("--device", device_, "Where to run")
            ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
            ->type_name("D");
        app.add_option("--threads", threads_, "Threads on the CPU; 0 is one per physical core")
            ->check(atLeast(0))
            ->type_name("N");
        backend_.declare(app, BackendOption::Sums::whereTheModelIs);
        app.add_flag("--resume", resume_, "Go on with the run in --out from its newest checkpoint");
        const std::pair<const char*, const char*> requests[] = {
            {"--pause", "Have the run that trains into DIR wait after its step, with a checkpoint"},
            {"--continue", "Have a paused run go on"},
            {"--stop", "Have a run end after its step, with a checkpoint, as Ctrl-C does"}};
        for (std::size_t i = 0; i < std::size(requests); ++i) {
            requests_[i] =
                app.add_option(requests[i].first, askedFolder_, requests[i].second)->type_name("DIR");
            for (std::size_t other = 0; other < i; ++other)
                requests_[i]->excludes(requests_[other]);
        }
        app.add_flag("--print-spec", printSpec_, "Write the spec to standard output and train nothing");
        app.add_flag("--list", list_, "List regularizers and presets");
        app.add_option("--compare", compare_, "Print perplexities of these runs at each width")
            ->type_name("DIR…");
        app.add_flag("--gptq", gptq_, "With --compare: weights by GPTQ too, beside nearest levels");
        app.add_option("--windows", windows_, "With --compare: windows to evaluate")
            ->check(atLeast(1))
            ->type_name("N")
            ->capture_default_str();
        app.add_flag("--emergence", emergence_, "With --compare: outlier channels at every checkpoint too");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        if (list_) return list();
        if (!compare_.empty()) return compare(stop);
        if (!askedFolder_.empty()) return ask();
        if (out_.empty() && !printSpec_)
            throw UsageError("a folder for what is trained is needed", "--out", "Name one with --out DIR");
        if (resume_) return train({}, stop);
        const TrainingSpec spec = asked();
        if (printSpec_) {
            std::cout << spec.toJson();
            return 0;
        }
        return train(spec, stop);
    }

private:
    TrainingLab lab() const {
        TrainingOptions options;
        options.threads = threads_;
        options.device = deviceKind(device_);
        options.backend = backend_.backend();
        return TrainingLab(options);
    }

    TrainingSpec asked() const {
        TrainingSpec spec;
        if (!specFile_.empty())
            spec = TrainingSpec::fromJson(readFile(specFile_), specFile_);
        else
            spec = TrainingLab::preset(!preset_.empty() ? preset_
                                       : from_.empty()  ? "tiny"
                                                        : "fine-tune")
                       .spec;
        const auto take = [](std::string& into, const std::string& given) {
            if (!given.empty()) into = given;
        };
        take(spec.text, text_), take(spec.validation, validation_), take(spec.from, from_),
            take(spec.task, task_), take(spec.name, name_), take(spec.precision, precision_);
        if (inputBits_ > 0) spec.inputBits = inputBits_;
        if (weightBits_ > 0) spec.weightBits = weightBits_;
        if (steps_ > 0) {
            spec.steps = steps_;
            spec.warmup = std::min(spec.warmup, steps_ / 10);
        }
        if (seed_ >= 0) spec.seed = static_cast<std::uint64_t>(seed_);
        for (const std::string& text : regularizers_)
            try {
                spec.regularizers.push_back(TrainingSpec::regularizer(text));
            } catch (const Error& error) {
                throw UsageError(error.message(), text, error.hint());
            }
        try {
            TrainingLab::check(spec, specFile_);
        } catch (const Error& error) {
            if (!specFile_.empty()) throw;
            throw Error(error.message(), error.where(), error.hint());
        }
        return spec;
    }

    int train(const TrainingSpec& spec, std::stop_token stop) {
        json_.checkTarget();
        ProgressLine progress;
        TrainingLab lab = this->lab();
        progress.say("Training on " + lab.deviceText());
        const auto tell = [&](const TrainingRecord& record) {
            if (record.validationLoss || !record.event.empty() || !record.checkpoint.empty())
                progress.say(stepLine(record));
            progress.setNote("loss " + figure(record.loss));
        };
        const TrainingRun run = lab.train(spec, out_, resume_, stop, tell, progress.callback());
        progress.say("");
        if (!lab.led()) return run.finished ? 0 : 1; // the one that wrote says it
        const TrainingRecord last = run.records.empty() ? TrainingRecord() : run.records.back();
        json_.human() << (run.finished ? "Trained " : "Ended without its last step: ") << run.name << ", "
                      << last.step << " of " << run.spec.steps << " steps";
        if (!run.checkpoints.empty())
            json_.human() << "; the last checkpoint is " << run.checkpoints.back().second;
        json_.human() << ".\n";
        if (json_.wanted()) {
            Json checkpoints = Json::array();
            for (const auto& [step, path] : run.checkpoints)
                checkpoints.push_back(path);
            json_.write({{"schema", 1},
                         {"run", run.name},
                         {"finished", run.finished},
                         {"step", last.step},
                         {"loss", number(last.loss)},
                         {"validation_loss", number(last.validationLoss)},
                         {"validation_stderr", number(last.validationError)},
                         {"validation_score", number(last.validationScore)},
                         {"event", last.event},
                         {"checkpoints", checkpoints}});
        }
        return run.finished ? 0 : 1;
    }

    int ask() {
        TrainingRun::read(askedFolder_); // says what is wrong with the folder
        const bool pause = requests_[0]->count() > 0, goOn = requests_[1]->count() > 0;
        askTraining(askedFolder_, pause  ? TrainingRequest::pause
                                  : goOn ? TrainingRequest::goOn
                                         : TrainingRequest::stop);
        json_.human() << (pause  ? "It pauses after the step that runs, with a checkpoint.\n"
                          : goOn ? "It goes on.\n"
                                 : "It ends after the step that runs, with a checkpoint.\n");
        return 0;
    }

    int compare(std::stop_token stop) {
        json_.checkTarget();
        for (const std::string& folder : compare_)
            TrainingRun::read(folder);
        ProgressLine progress;
        TrainingLab lab = this->lab();
        std::vector<PrecisionGrid> grids;
        std::vector<Emergence> runs;
        Json all = Json::array(), seen = Json::array();
        GridRequest request;
        request.windows = windows_;
        for (const std::string& folder : compare_) {
            grids.push_back(lab.grid(folder, request, stop, progress.callback()));
            all.push_back(gridJson(grids.back()));
            if (gptq_) {
                grids.push_back(lab.grid(folder, request.solved(), stop, progress.callback()));
                all.push_back(gridJson(grids.back()));
            }
            if (!emergence_) continue;
            runs.push_back(lab.emergence(folder, 8, stop, progress.callback()));
            seen.push_back(emergenceJson(runs.back()));
        }
        progress.say("");
        gridTable(grids).print(json_.human());
        json_.human() << "Perplexity ± standard error over " << grids.front().data << ".\n";
        if (emergence_) {
            json_.human() << '\n';
            emergenceTable(runs).print(json_.human());
        }
        if (json_.wanted()) json_.write({{"schema", 1}, {"grids", all}, {"emergence", seen}});
        return 0;
    }

    int list() {
        Table table({{"regularizer", false}, {"what it does", false}, {"parameters", false}});
        Json members = Json::array(), presets = Json::array();
        for (const SchemeInfo& info : TrainingLab::regularizers()) {
            std::string parameters;
            for (const ParameterInfo& parameter : info.parameters)
                parameters += (parameters.empty() ? "" : ",") + parameter.id + "=" + parameter.defaultValue;
            table.add({info.id, info.summary, parameters});
            members.push_back(
                {{"id", info.id}, {"title", info.title}, {"summary", info.summary}, {"source", info.source}});
        }
        table.print(json_.human());
        Table second({{"preset", false}, {"what it is", false}});
        for (const auto& preset : TrainingLab::presets()) {
            second.add({preset.id, preset.summary});
            presets.push_back({{"id", preset.id}, {"summary", preset.summary}});
        }
        json_.human() << '\n';
        second.print(json_.human());
        if (json_.wanted()) json_.write({{"schema", 1}, {"regularizers", members}, {"presets", presets}});
        return 0;
    }

    std::string specFile_, preset_, text_, validation_, from_, task_, out_, name_, precision_, askedFolder_,
        device_ = "auto";
    std::vector<std::string> regularizers_, compare_;
    int inputBits_ = 0, weightBits_ = 0, steps_ = 0, threads_ = 0, windows_ = 32;
    std::int64_t seed_ = -1;
    bool resume_ = false, printSpec_ = false, list_ = false, gptq_ = false, emergence_ = false;
    CLI::Option* requests_[3] = {}; // --pause, --continue, --stop
    BackendOption backend_;
    JsonOutput json_;
};

} // namespace

const Registration<Command, Train> trainRegistration;

} // namespace kurtoscope::commands
