// SPDX-License-Identifier: GPL-3.0-or-later
// The half of Session that has the engine compute what is missing and takes its results.
#include "app/window/session.h"

#include "core/data/fingerprint.h"

#include <QDateTime>

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

std::string nowText() {
    return QDateTime::currentDateTime().toString("yyyy-MM-dd HH:mm").toStdString();
}

} // namespace

void Session::openModel(const QString& path) {
    pendingModel_ = Opening{path, {}, {}, false};
    schedule();
}

void Session::openModel(const QString& path, const DataRequest& data) {
    pendingModel_ = Opening{path, data, {}, false};
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
        pendingModel_ = Opening{QString::fromStdString(restored_->modelPath), {}, {}, true};
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
    if (pendingModel_) return {{Work::Kind::open, {}, {}, pendingModel_->path.toStdString()}};
    if (!workspace_.model) return {};
    if (pendingData_) return {{Work::Kind::describe, {}, {}, pendingData_->path + '\n' + pendingData_->task}};
    return dataReady_ ? missingWork(choice_, looking_, known_) : std::vector<Work>();
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
    running_ = Running{work, engine_.post(work.lane(), jobFor(work, generation)), labelOf(work), {}};
    running_->since.start();
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
                auto copy = std::make_shared<const Observation>(observation);
                deliver(generation, [this, copy] { takeBaseline(copy); });
            };
            show(bench.observe({data, {}}, stop, progress, show));
        };
    case Work::Kind::observe:
        return [this, generation, data, progress, recipe = work.recipe](Workbench& bench,
                                                                        std::stop_token stop) {
            auto seen = std::make_shared<const Observation>(bench.observe({data, recipe}, stop, progress));
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
            const auto readings = bench.evaluate(
                {data, {recipe}, true, true}, stop, // columns share their windows
                [&](const Reading& reading) {
                    if (throttle.lets()) show(reading, false);
                },
                progress);
            if (!readings.empty()) show(readings.front(), true);
        };
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
    }
    return {};
}

// ---- results
// ------------------------------------------------------------------------------------------------------

void Session::takeEnd(quint64 ticket, Outcome outcome) {
    if (!running_ || running_->ticket != ticket) return;
    const Running ended = *std::exchange(running_, std::nullopt);
    const Work& work = ended.work;
    remember({outcome == Outcome::done ? HistoryLine::Kind::work : HistoryLine::Kind::stopped,
              {},
              ended.label,
              {},
              static_cast<double>(ended.since.elapsed()) / 1000});
    // A job that ends well but leaves its result wanting would be posted for ever.
    const auto wanted = missing();
    if (outcome == Outcome::done && std::ranges::find(wanted, work) != wanted.end())
        setAside_.push_back(work);
    schedule();
}

void Session::takeFailure(quint64 ticket, const QString& what, const QString& where, const QString& hint) {
    if (!running_ || running_->ticket != ticket) return;
    const Work work = running_->work;
    emit failed(what, where, hint);
    if (work.kind == Work::Kind::open) {
        pendingModel_.reset();
        emit openFailed(QStringList{what, where, hint}.join(". "));
    } else if (work.kind == Work::Kind::describe) {
        // A session's numbers belong to its own data: they stay, and nothing is measured over another text.
        const bool fallBack =
            !dataReady_ && !restored_ && pendingData_ && pendingData_->path != defaultData_.path;
        pendingData_.reset();
        if (fallBack) pendingData_ = data_ = defaultData_;
    } else {
        setAside_.push_back(work);
    }
}

void Session::takeModel(std::shared_ptr<const ModelInfo> model, const QString& device,
                        const std::string& print, Opening opening) {
    const QString path = QString::fromStdString(model->path);
    if (pendingModel_ && pendingModel_->path == opening.path) // else another model was asked for since
        opening = *std::exchange(pendingModel_, std::nullopt);
    engine_.stop(); // whatever was posted since was meant for the model before
    running_.reset();
    ++generation_;

    provenance_.modelPrint = print;
    provenance_.device = device.toStdString();
    dataReady_ = false;
    setAside_.clear();
    if (opening.forSession && restored_) {
        workspace_.model = std::move(model);
        workspace_.deviceText = device;
        forgetSiteUnlessThere();
    } else {
        restored_.reset();
        Workspace fresh;
        fresh.model = std::move(model);
        fresh.deviceText = device;
        fresh.skipFirstToken = workspace_.skipFirstToken;
        fresh.history = std::move(workspace_.history);
        workspace_ = std::move(fresh);
        known_ = {};
        looking_ = {.needs = looking_.needs};
        choseSite_ = false;
        undo_.clear();
        choice_ = startChoice_;
        showColumns({});
    }
    if (opening.defaultData) data_ = defaultData_ = *opening.defaultData;
    if (opening.data) data_ = *opening.data;
    if (!opening.forSession) data_.task.clear(); // the one that fits the new model
    pendingData_ = data_;
    emit changed(Change::everything);
    emit opened(path);
    if (!opening.forSession) emit began();
    schedule();
}

void Session::takeData(const DataRequest& data, const DataInfo& info, const std::string& print) {
    pendingData_.reset();
    data_ = data;
    dataReady_ = true;
    workspace_.dataName = QString::fromStdString(info.name);
    workspace_.dataSummary = QString::fromStdString(info.summary);
    workspace_.task = QString::fromStdString(info.task);
    provenance_.dataPrint = print;
    known_ = {};
    setAside_.clear();
    workspace_.sample = workspace_.typed = nullptr;
    workspace_.grid.clear();
    workspace_.marked.clear();
    forgetAnswers();
    for (auto& column : workspace_.columns) {
        column.observation = nullptr;
        column.reading.reset();
        column.stale = column.fromFile = false;
    }
    takeRestoredReadings();
    if (!info.note.empty()) emit noticed(QString::fromStdString(info.note));
    emit changed(Change::data | Change::observation | Change::reading | Change::sample | Change::marked |
                 Change::text | Change::errors | Change::sensitivity);
    schedule();
}

void Session::takeBaseline(std::shared_ptr<const Observation> observation) {
    known_.baseline = std::move(observation);
    for (auto& column : workspace_.columns)
        if (column.recipe.isFp32()) column.observation = known_.baseline;
    if (known_.baselineComplete()) warnOf(*known_.baseline);
    emit changed(Change::observation | chooseFirstSite());
}

void Session::takeObservation(const Recipe& recipe, std::shared_ptr<const Observation> observation) {
    known_.add(recipe, observation);
    for (auto& column : workspace_.columns)
        if (column.recipe == recipe) column.observation = observation;
    emit changed(Change::observation);
}

void Session::takeResolution(const Recipe& recipe, const Recipe& resolved) {
    Recipe answer = resolved;
    answer.keep.clear(); // the channels stand for themselves now, and a click may change each
    known_.resolved.emplace_back(recipe, answer);
    apply(choice_);
    if (const Changes what = chooseFirstSite()) emit changed(what);
}

void Session::takeSample(const Work& work, std::shared_ptr<const SiteSample> sample) {
    const bool typed = work.kind == Work::Kind::type;
    (typed ? known_.typed : known_.sample) = work;
    (typed ? workspace_.typed : workspace_.sample) = std::move(sample);
    emit changed(Change::sample);
}

void Session::takeReading(const Recipe& recipe, const Reading& reading, bool final) {
    if (final) {
        known_.add(recipe, reading);
        provenance_.taken = nowText();
    }
    for (std::size_t i = 0; i < workspace_.columns.size(); ++i) {
        Column& column = workspace_.columns[i];
        if (column.recipe != recipe) continue;
        column.reading = reading;
        column.reading->column = static_cast<int>(i);
        column.stale = column.fromFile = false;
    }
    emit changed(Change::reading);
}

} // namespace kurtoscope
