// SPDX-License-Identifier: GPL-3.0-or-later
// What Session does for the window of training runs, and to go from one of their checkpoints to another.
#include "app/window/session.h"

#include "app/window/same_shape.h"

#include <algorithm>

namespace kurtoscope {

void Session::askEmergence(const QString& run, int after, const QString& keptIn) {
    watching_ = Watching{run, after, keptIn, ++watches_};
    schedule();
}

void Session::dropEmergence() {
    if (!watching_) return;
    watching_.reset();
    std::erase_if(setAside_, [](const Work& work) { return work.kind == Work::Kind::emergence; });
    schedule();
}

Work Session::emergenceWork() const {
    return {Work::Kind::emergence, {}, {}, std::to_string(watching_->number)};
}

void Session::exchangeModel(const QString& path) {
    pendingModel_ = Opening{path, {}, {}, false, true};
    schedule();
}

Choice Session::askedChoice() const {
    Choice asked = choice_;
    for (ColumnChoice& column : asked.columns)
        for (const auto& [criterion, found] : known_.resolved)
            if (column.recipe == found) column.recipe = criterion;
    return asked;
}

void Session::showExchanged(std::shared_ptr<const ModelInfo> model) {
    choice_ = askedChoice();
    known_ = {};
    undo_.clear();
    workspace_.model = std::move(model);
    workspace_.sample = workspace_.typed = nullptr;
    workspace_.grid.clear();
    workspace_.marked.clear();
    forgetAnswers();
    showColumns({});
}

// Each checkpoint is delivered as it is seen: what is cut short goes on behind the last of them.
EngineThread::Job Session::jobForEmergence(quint64 generation, OnProgress progress) {
    constexpr int windows = 8;
    const TrainingOptions options{options_.device, options_.threads, watching_->keptIn.toStdString()};
    return [this, generation, progress, asked = *watching_, options](Workbench&, std::stop_token stop) {
        const auto tell = [&](const Emergence& seen) {
            Emergence one = seen;
            one.steps = {seen.steps.back()};
            deliver(generation, [this, run = asked.run, one] {
                watching_->after = one.steps.front().step;
                emit emergenceSeen(run, one);
            });
        };
        TrainingLab(options).emergence(asked.run.toStdString(), windows, stop, progress, tell, asked.after);
        deliver(generation, [this, run = asked.run] {
            watching_.reset();
            emit emergenceEnded(run, true);
        });
    };
}

} // namespace kurtoscope
