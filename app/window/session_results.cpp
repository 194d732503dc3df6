// SPDX-License-Identifier: GPL-3.0-or-later
// What Session does with the engine's results and failures.
#include "app/window/session.h"

#include "app/window/same_shape.h"
#include "core/data/fingerprint.h"
#include "core/data/run_estimate.h"

#include <QDateTime>

#include <algorithm>
#include <utility>

namespace kurtoscope {
namespace {

std::string nowText() {
    return QDateTime::currentDateTime().toString("yyyy-MM-dd HH:mm").toStdString();
}

} // namespace

void Session::takeEnd(quint64 ticket, Outcome outcome) {
    if (!running_ || running_->ticket != ticket) return;
    const Running ended = *std::exchange(running_, std::nullopt);
    const Work& work = ended.work;
    const double seconds =
        ended.since.isValid() ? static_cast<double>(ended.since.elapsed()) / 1000 : -1; // it never ran
    remember({outcome == Outcome::done ? HistoryLine::Kind::work : HistoryLine::Kind::stopped,
              {},
              ended.label,
              {},
              seconds});
    if (outcome == Outcome::done && work.kind == Work::Kind::baseline && workspace_.baseline())
        emit ran(multiplications(*workspace_.model) * static_cast<double>(workspace_.baseline()->tokens) /
                 std::max(1e-3, seconds));
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
    } else if (work.kind == Work::Kind::emergence && watching_) {
        emit emergenceEnded(std::exchange(watching_, std::nullopt)->run, false);
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
    const bool stays =
        opening.exchanged && !restored_ && workspace_.model && sameShape(*workspace_.model, *model);
    if (opening.forSession && restored_) {
        workspace_.model = std::move(model);
        workspace_.deviceText = device;
        forgetSiteUnlessThere();
    } else if (stays) {
        showExchanged(std::move(model));
    } else {
        restored_.reset();
        Workspace fresh;
        fresh.model = std::move(model);
        fresh.deviceText = device;
        fresh.skipFirstToken = workspace_.skipFirstToken;
        fresh.history = std::move(workspace_.history);
        workspace_ = std::move(fresh);
        known_ = {};
        Looking afresh;
        afresh.needs = looking_.needs;
        looking_ = std::move(afresh);
        choseSite_ = false;
        undo_.clear();
        choice_ = startChoice_;
        showColumns({});
    }
    if (opening.defaultData) data_ = defaultData_ = *opening.defaultData;
    if (opening.data) data_ = *opening.data;
    if (!opening.forSession && !stays) data_.task.clear(); // the one that fits the new model
    pendingData_ = data_;
    emit changed(Change::everything);
    emit opened(path);
    if (!opening.forSession && !stays) emit began();
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
    workspace_.tried.clear();
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
        showTried();
        provenance_.taken = nowText();
    }
    for (std::size_t i = 0; i < workspace_.columns.size(); ++i) {
        Column& column = workspace_.columns[i];
        if (column.recipe != recipe) continue;
        const int before =
            column.reading && !column.stale && !column.fromFile ? column.reading->windowsDone : 0;
        if (reading.windowsDone < before || before == 0) column.trail.clear();
        if (reading.windowsDone != before || column.trail.empty())
            column.trail.push_back(static_cast<float>(reading.score));
        column.reading = reading;
        column.reading->column = static_cast<int>(i);
        column.stale = column.fromFile = false;
    }
    emit changed(Change::reading);
}

} // namespace kurtoscope
