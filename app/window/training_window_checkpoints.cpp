// SPDX-License-Identifier: GPL-3.0-or-later
// The half of TrainingWindow that goes through a run's checkpoints, has them looked at, and draws what was
// seen.
#include "app/window/training_window.h"

#include "widgets/figures.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/theme.h"
#include "widgets/training/emergence_map.h"
#include "widgets/training/migration_plot.h"

#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QSlider>
#include <QTabWidget>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// Whether a checkpoint is a later one of the same model.
bool follows(const EmergenceStep& before, const EmergenceStep& later) {
    const auto alike = [](const EmergenceSite& a, const EmergenceSite& b) {
        return a.site == b.site && a.magnitude.size() == b.magnitude.size();
    };
    return later.step > before.step && std::equal(before.sites.begin(), before.sites.end(),
                                                  later.sites.begin(), later.sites.end(), alike);
}

} // namespace

QString TrainingWindow::checkpoint() const {
    const TrainingRun* run = chosen();
    const int at = slider_->value();
    return run && at < int(run->checkpoints.size())
               ? QString::fromStdString(run->checkpoints[std::size_t(at)].second)
               : QString();
}

void TrainingWindow::followRun() {
    const TrainingRun* run = chosen();
    const int last = run ? int(run->checkpoints.size()) - 1 : -1;
    const bool atEnd = slider_->value() == slider_->maximum(); // stays there as the run goes on
    slider_->setEnabled(last > 0);
    {
        const QSignalBlocker nobodyChose(slider_);
        slider_->setMaximum(std::max(0, last));
        if (atEnd) slider_->setValue(std::max(0, last));
    }
    remove_->setEnabled(run);
    followCheckpoint();
}

void TrainingWindow::followCheckpoint() {
    const TrainingRun* run = chosen();
    const bool there = run && slider_->value() < int(run->checkpoints.size());
    open_->setEnabled(there);
    beside_->setEnabled(there && run->checkpoints.size() > 1);
    const int step = there ? run->checkpoints[std::size_t(slider_->value())].first : 0;
    checkpoint_->setText(there ? tr("step %1").arg(grouped(step)) : tr("no checkpoint"));
    plot_->setCurrent(there ? step : std::nan(""));
    emergence_->setCurrent(there ? step : -1);
    migration_->setCurrent(there ? step : -1);
}

void TrainingWindow::askNext() {
    const bool inSight = isVisible() && pages_->currentIndex() > 0;
    const Followed* next = nullptr;
    const auto consider = [&](const Followed& followed) {
        const auto& checkpoints = followed.run.checkpoints;
        const int last = followed.seen ? followed.seen->steps.back().step : -1;
        const bool text = followed.run.spec.task == "language-model";
        if (!next && text && !followed.refused && !checkpoints.empty() && checkpoints.back().first > last)
            next = &followed;
    };
    const int chosen = run_->currentIndex();
    if (inSight && chosen >= 0 && chosen < int(runs_.size())) consider(runs_[std::size_t(chosen)]);
    if (inSight && pages_->currentWidget() == migration_)
        for (const Followed& followed : runs_)
            consider(followed);
    const QString wanted = next ? QString::fromStdString(next->run.path) : QString();
    if (std::exchange(asked_, wanted) == wanted) return;
    if (next)
        emit emergenceAsked(wanted, next->seen ? next->seen->steps.back().step : -1);
    else
        emit emergenceDropped();
}

void TrainingWindow::takeEmergence(const QString& run, const Emergence& checkpoint) {
    for (Followed& followed : runs_) {
        if (QString::fromStdString(followed.run.path) != run) continue;
        // A run that was begun anew in the same folder may be of another model: its steps stand alone.
        const bool goesOn = followed.seen && follows(followed.seen->steps.back(), checkpoint.steps.front());
        auto seen = std::make_shared<Emergence>(goesOn ? *followed.seen : checkpoint);
        if (goesOn) seen->steps.push_back(checkpoint.steps.front());
        followed.seen = std::move(seen);
    }
    drawCheckpoints();
    followCheckpoint();
}

void TrainingWindow::endEmergence(const QString& run, bool well) {
    if (run == asked_) asked_.clear();
    for (Followed& followed : runs_)
        if (QString::fromStdString(followed.run.path) == run && !well) followed.refused = true;
    if (!well) drawCheckpoints();
    askNext();
}

QString TrainingWindow::waitingFor(const Followed* followed) const {
    if (!followed) return tr("Add a run to see channels that stand out emerge while it trains.");
    if (followed->run.spec.task != "language-model")
        return tr("Outlier channels are looked at over text, and this run was trained on a table: open its "
                  "checkpoints one by one.");
    if (followed->refused) return tr("This run's checkpoints could not be looked at.");
    if (followed->run.checkpoints.empty()) return tr("This run has no checkpoint yet.");
    return tr("Looking at the checkpoints…");
}

void TrainingWindow::drawCheckpoints() {
    const int chosen = run_->currentIndex();
    const Followed* followed =
        chosen >= 0 && chosen < int(runs_.size()) ? &runs_[std::size_t(chosen)] : nullptr;
    emergence_->setRun(followed ? QString::fromStdString(followed->run.name) : QString(),
                       followed ? followed->seen : nullptr, waitingFor(followed));
    std::vector<MigrationPlot::Run> all;
    for (std::size_t i = 0; i < runs_.size(); ++i)
        all.push_back(
            {QString::fromStdString(runs_[i].run.name), Theme::current().line(int(i)), runs_[i].seen});
    migration_->setRuns(std::move(all), chosen, waitingFor(followed));
}

void TrainingWindow::chooseStep(int run, int step) {
    if (run < 0 || run >= int(runs_.size())) return;
    run_->setCurrentIndex(run);
    const auto& checkpoints = runs_[std::size_t(run)].run.checkpoints;
    for (std::size_t i = 0; i < checkpoints.size(); ++i)
        if (checkpoints[i].first == step) slider_->setValue(int(i));
}

} // namespace kurtoscope
