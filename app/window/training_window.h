// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDateTime> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it
#include <QTimer>
#include <QWidget>

#include "core/data/training_run.h"

#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QSlider;

namespace kurtoscope {

class CurvePlot;
class Error;
class Legend;
class MessageBar;

// Training runs as they are written, each a curve over its steps; a slider goes through a run's checkpoints.
// It reads what `kurtoscope train --out` writes, whoever runs it, and looks again every second while it is
// visible. GUI thread.
class TrainingWindow : public QWidget {
    Q_OBJECT
public:
    static constexpr int mostRuns = 6;

    explicit TrainingWindow(QWidget* parent = nullptr);

    void add(const QString& folder); // a run, or a folder of runs; says in its bar why not
    void remove(int run);
    void look();       // now, at what has changed on the disk
    void applyTheme(); // colours of lines and axes

    // What is drawn, as text a test can assert: "kurtosis, 2 runs (none, both), 12 points, 3.1…14.2".
    QString describe() const;

signals:
    void checkpointAsked(QString folder);

protected:
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;

private:
    struct Followed {
        TrainingRun run;
        QDateTime changed; // of its metrics, when they were read
        qint64 size = -1;
    };
    bool read(Followed& followed) const; // whether there was something new; throws Error
    void choose();
    void say(const Error& error);
    void draw();
    void followRun();        // the slider, for the run that is chosen
    void followCheckpoint(); // the words beside it
    const TrainingRun* chosen() const;

    std::vector<Followed> runs_;
    MessageBar* messages_ = nullptr;
    CurvePlot* plot_ = nullptr;
    Legend* legend_ = nullptr;
    QComboBox *figure_ = nullptr, *run_ = nullptr;
    QLabel *says_ = nullptr, *checkpoint_ = nullptr;
    QSlider* slider_ = nullptr;
    QPushButton *add_ = nullptr, *remove_ = nullptr, *open_ = nullptr;
    QTimer timer_;
};

} // namespace kurtoscope
