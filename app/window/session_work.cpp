// SPDX-License-Identifier: GPL-3.0-or-later
// The half of Session that has the engine compute what is missing; session_results.cpp takes what it finds.
#include "app/window/session.h"

#include "core/data/fingerprint.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kurtoscope {
namespace {

constexpr auto screenPeriod = std::chrono::milliseconds(67); // at most 15 results a second reach the screen
constexpr int sampledTokens = 512;

// Lets a call through when the last one is long enough ago. Used on the engine thread only.
class Throttle {
public:
    bool lets() {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < screenPeriod) return false;
        last_ = now;
        return true;
    }

private:
    std::chrono::steady_clock::time_point last_{};
};

} // namespace

void Session::openModel(const QString& path) {
    pendingModel_ = Opening{path, {}, {}, false, false};
    schedule();
}

void Session::openModel(const QString& path, const DataRequest& data) {
    pendingModel_ = Opening{path, data, {}, false, false};
    schedule();
}

void Session::openData(const QString& path) {
    DataRequest request = data_;
    request.path = path.toStdString();
    request.task.clear(); // the one that fits the new file
    request.calibrationPath.clear();
    requestData(request);
}

void Session::requestData(const DataRequest& data) {
    if (pendingModel_) pendingModel_->data = data;
    if (!workspace_.model) { // taken up when a model opens
        data_ = data;
        return;
    }
    pendingData_ = data;
    schedule();
}

void Session::stop() {
    if (!running_) return;
    engine_.stop();
    running_.reset();
    ++generation_;
    if (pendingModel_ || pendingData_) { // what was open before goes on
        pendingModel_.reset();
        pendingData_.reset();
    } else {
        for (auto& work : missing())
            setAside_.push_back(std::move(work));
    }
    emit noticed(tr("Stopped. F5 runs again what is missing"));
    schedule();
}

void Session::runAgain() {
    setAside_.clear();
    if (awaitsModel() && !pendingModel_)
        pendingModel_ = Opening{QString::fromStdString(restored_->modelPath), {}, {}, true, false};
    known_.forgetFromFile(); // they are measured anew
    if (workspace_.model && !dataReady_ && !pendingData_) pendingData_ = data_;
    schedule();
}

bool Session::hasFirstResults() const {
    return workspace_.model && known_.baselineComplete() && workspace_.sample &&
           workspace_.sample->site == workspace_.site && answersNeeds() &&
           std::ranges::all_of(workspace_.columns, [this](const Column& column) {
               return known_.reading(column.recipe) && known_.observation(column.recipe);
           });
}

std::vector<Work> Session::missing() const {
    std::vector<Work> all = missingOfModel();
    if (watching_) all.push_back(emergenceWork()); // behind everything else
    return all;
}

std::vector<Work> Session::missingOfModel() const {
    if (pendingModel_) return {{Work::Kind::open, {}, {}, pendingModel_->path.toStdString()}};
    if (!workspace_.model) return {};
    if (pendingData_) return {describing(*pendingData_)};
    std::vector<Work> all = dataReady_ ? missingWork(choice_, looking_, known_) : std::vector<Work>();
    if (exporting_ && dataReady_) all.insert(all.begin(), exportWork());
    return all;
}

void Session::schedule() {
    auto wanted = missing();
    std::erase_if(wanted,
                  [this](const Work& work) { return std::ranges::find(setAside_, work) != setAside_.end(); });
    showAnswers(std::ranges::find(wanted, Work::Kind::sensitivity, &Work::kind) != wanted.end());
    if (running_) {
        const bool stillWanted = std::ranges::find(wanted, running_->work) != wanted.end();
        if (stillWanted && (wanted.front() == running_->work || !wanted.front().preempts(running_->work)))
            return;
        engine_.stop();
        running_.reset();
        ++generation_;
    }
    if (!wanted.empty()) {
        settled_ = false;
        start(wanted.front());
        return;
    }
    const bool quiet = std::exchange(settled_, true);
    if (!quiet) emit settled();
}

void Session::start(const Work& work) {
    const quint64 generation = ++generation_;
    emit progressed(labelOf(work), -1, -1);
    // Its time begins when its turn has come: until then another window's job may run.
    const auto timed = [this, generation, job = jobFor(work, generation)](Workbench& bench,
                                                                          std::stop_token stop) {
        QElapsedTimer since;
        since.start();
        deliver(generation, [this, since] {
            if (running_) running_->since = since;
        });
        job(bench, std::move(stop));
    };
    running_ = Running{work, engine_.post(work.lane(), timed), labelOf(work), {}};
}

void Session::deliver(quint64 generation, std::function<void()> result) {
    engine_.deliver([this, generation, result = std::move(result)] {
        if (generation == generation_) result();
    });
}

OnProgress Session::progressOf(const Work& work, quint64 generation) {
    return [this, generation, label = labelOf(work),
            throttle = Throttle()](const Progress& progress) mutable {
        if (!throttle.lets()) return;
        const double share = progress.total > 0
                                 ? static_cast<double>(progress.done) / static_cast<double>(progress.total)
                                 : -1;
        deliver(generation,
                [this, label, share, left = progress.secondsLeft] { emit progressed(label, share, left); });
    };
}

// What was observed of a deep model takes longer to free than a frame lasts, and whoever lets go of it last
// is a view. Engine thread.
std::shared_ptr<const Observation> Session::freedAside(Observation observation) const {
    return {new const Observation(std::move(observation)),
            [worker = freeing_](const Observation* seen) { worker->add([seen] { delete seen; }); }};
}

EngineThread::Job Session::jobFor(const Work& work, quint64 generation) {
    const auto progress = progressOf(work, generation);
    const DataRequest data = data_;
    switch (work.kind) {
    case Work::Kind::open:
        return [this, opening = *pendingModel_, progress](Workbench& bench, std::stop_token stop) {
            auto model =
                std::make_shared<const ModelInfo>(bench.open(opening.path.toStdString(), stop, progress));
            const QString device = QString::fromStdString(bench.deviceText());
            const std::string print = fingerprint(model->path);
            // Never dropped: the workbench has this model now, whatever was asked for since.
            engine_.deliver(
                [this, model, device, print, opening] { takeModel(model, device, print, opening); });
        };
    case Work::Kind::describe:
        return [this, generation, request = *pendingData_](Workbench& bench, std::stop_token stop) {
            const DataInfo info = bench.describe(request, true, stop);
            std::string print = fingerprint(request.path);
            if (!request.calibrationPath.empty()) print += '+' + fingerprint(request.calibrationPath);
            deliver(generation, [this, request, info, print] { takeData(request, info, print); });
        };
    case Work::Kind::baseline:
        return [this, generation, data, progress](Workbench& bench, std::stop_token stop) {
            const auto show = [this, generation](const Observation& observation) {
                deliver(generation, [this, copy = freedAside(observation)] { takeBaseline(copy); });
            };
            show(bench.observe({data, {}}, stop, progress, show));
        };
    case Work::Kind::observe:
        return
            [this, generation, data, progress, recipe = work.recipe](Workbench& bench, std::stop_token stop) {
                const auto seen = freedAside(bench.observe({data, recipe}, stop, progress));
                deliver(generation, [this, recipe, seen] { takeObservation(recipe, seen); });
            };
    case Work::Kind::resolve:
        return
            [this, generation, data, progress, recipe = work.recipe](Workbench& bench, std::stop_token stop) {
                const Recipe resolved = bench.resolveKeep(recipe, data, stop, progress);
                deliver(generation, [this, recipe, resolved] { takeResolution(recipe, resolved); });
            };
    case Work::Kind::type:
    case Work::Kind::sample:
        return [this, generation, data, work](Workbench& bench, std::stop_token stop) {
            auto sample = std::make_shared<const SiteSample>(
                bench.sample(work.site, data, work.text, {}, sampledTokens, stop));
            deliver(generation, [this, work, sample] { takeSample(work, sample); });
        };
    case Work::Kind::grid:
        // Ranges are taken over all tokens, whichever are shown.
        return
            [this, generation, work, data, seen = known_.baseline](Workbench& bench, std::stop_token stop) {
                const SiteStats* stats = seen->find(work.site);
                // FP32's values are shown, and levels for reshaped ones would not be theirs.
                const auto levels = stats && !Workbench::reshapes(work.recipe)
                                        ? bench.gridLevels(work.recipe, *stats, data, stop)
                                        : std::vector<float>();
                deliver(generation, [this, work, levels] {
                    known_.grid = work;
                    workspace_.grid = levels;
                    emit changed(Change::sample);
                });
            };
    case Work::Kind::evaluate:
        return [this, generation, data, progress, recipe = work.recipe](Workbench& bench,
                                                                        std::stop_token stop) {
            const auto show = [this, generation, recipe](const Reading& reading, bool final) {
                deliver(generation, [this, recipe, reading, final] { takeReading(recipe, reading, final); });
            };
            Throttle throttle;
            EvaluateRequest request{data, {recipe}, true, true}; // columns share their windows
            request.onNote = [this, generation](const std::string& sentence) {
                deliver(generation, [this, sentence] { emit noticed(QString::fromStdString(sentence)); });
            };
            const auto readings = bench.evaluate(
                request, stop,
                [&](const Reading& reading) {
                    if (throttle.lets()) show(reading, false);
                },
                progress);
            if (!readings.empty()) show(readings.front(), true);
        };
    case Work::Kind::exporting:
        return jobForExport(generation, progress);
    case Work::Kind::emergence:
        return jobForEmergence(generation, progress);
    case Work::Kind::read:
    case Work::Kind::attend:
    case Work::Kind::errors:
    case Work::Kind::sensitivity:
        return jobForQuestion(work, generation);
    }
    return {};
}

QString Session::labelOf(const Work& work) const {
    const auto column = std::ranges::find(choice_.columns, work.recipe, &ColumnChoice::recipe);
    const QString name = column != choice_.columns.end() ? column->name : QString();
    switch (work.kind) {
    case Work::Kind::open:
        return tr("Opening the model");
    case Work::Kind::describe:
        return tr("Reading the data");
    case Work::Kind::baseline:
        return tr("Observing");
    case Work::Kind::observe:
        return tr("Observing %1").arg(name);
    case Work::Kind::resolve:
        return tr("Finding channels for %1").arg(name);
    case Work::Kind::type:
        return tr("Running your text");
    case Work::Kind::sample:
    case Work::Kind::grid:
        return tr("Reading %1").arg(QString::fromStdString(work.site.name()));
    case Work::Kind::evaluate:
        return tr("Evaluating %1").arg(name);
    case Work::Kind::read:
        return tr("Reading the text under %1").arg(name);
    case Work::Kind::attend:
        return tr("Reading attention of layer %1").arg(work.site.layer);
    case Work::Kind::errors:
        return tr("Measuring the errors of %1").arg(name);
    case Work::Kind::sensitivity:
        return tr("Sensitivity of %1").arg(name);
    case Work::Kind::emergence:
        return tr("Looking at a training run's checkpoints");
    case Work::Kind::exporting:
        return exporting_ && exporting_->write ? tr("Exporting") : tr("Looking at the export");
    }
    return {};
}

} // namespace kurtoscope
