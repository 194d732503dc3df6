// SPDX-License-Identifier: GPL-3.0-or-later
// The part of TrainingWindow that says how runs fare, and pauses and stops those that some process trains.
#include "app/window/training_window.h"

#include "core/base/error.h"
#include "widgets/figures.h"

#include <QComboBox>
#include <QPushButton>

#include <cmath>

namespace kurtoscope {
namespace {

QString timeLeft(double seconds) {
    return seconds < 90 ? TrainingWindow::tr("%1 s left").arg(std::ceil(seconds))
                        : TrainingWindow::tr("%1 min left").arg(std::ceil(seconds / 60));
}

} // namespace

// How a run fares.
QString TrainingWindow::lineOf(const Followed& followed) const {
    const TrainingRun& run = followed.run;
    if (run.records.empty()) return tr("%1: no step yet").arg(QString::fromStdString(run.name));
    const TrainingRecord& last = run.records.back();
    QString line = tr("%1: step %2 of %3, loss %4")
                       .arg(QString::fromStdString(run.name), grouped(last.step), grouped(last.steps),
                            figure(last.loss, 4));
    if (run.finished) return line + tr(", ended");
    if (followed.waits()) return line + tr(", paused");
    line += tr(", %1 tokens/s").arg(grouped(std::int64_t(last.tokensPerSecond)));
    if (last.secondsLeft > 0) line += QStringLiteral(", ") + timeLeft(last.secondsLeft);
    return line;
}

void TrainingWindow::ask(TrainingRequest request) {
    const TrainingRun* run = chosen();
    if (!run) return;
    try {
        askTraining(run->path, request);
    } catch (const Error& error) { // it has ended just now, or the folder is not ours to write into
        say(error);
    }
    look();
}

void TrainingWindow::followRequest() {
    const int at = run_->currentIndex();
    const bool live = at >= 0 && at < int(runs_.size()) && runs_[std::size_t(at)].live;
    pause_->setVisible(live);
    stop_->setVisible(live);
    if (!live) return;
    const Followed& run = runs_[std::size_t(at)];
    const bool pausing = run.request == TrainingRequest::pause,
               stopping = run.request == TrainingRequest::stop;
    pause_->setText(run.waits() ? tr("Con&tinue") : pausing ? tr("Pausing…") : tr("&Pause"));
    pause_->setToolTip(run.waits() ? tr("This run goes on with its next step")
                                   : tr("This run waits after the step that runs, with a checkpoint"));
    pause_->setEnabled(!stopping && (run.waits() || !pausing));
    stop_->setText(stopping ? tr("Stopping…") : tr("&Stop"));
    stop_->setEnabled(!stopping);
}

} // namespace kurtoscope
