// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDateTime> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it
#include <QTimer>
#include <QWidget>

#include "core/data/emergence.h"
#include "core/data/training_request.h"
#include "core/data/training_run.h"

#include <memory>
#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QSlider;
class QTabWidget;

namespace kurtoscope {

class CurvePlot;
class EmergenceMap;
class Error;
class Legend;
class MessageBar;
class MigrationPlot;

// Training runs as they are written: curves over their steps, and what their checkpoints show, which the
// engine looks at while such a page is in sight. A slider goes through a run's checkpoints. It reads what
// `kurtoscope train --out` writes, whoever runs it, and looks again every second while it is visible; a run
// that trains just then can be paused and stopped. GUI thread.
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

public slots:
    void takeEmergence(const QString& run, const kurtoscope::Emergence& checkpoint);
    void endEmergence(const QString& run, bool well);

signals:
    void checkpointAsked(QString folder);
    void besideAsked(QString folder, QString last); // the checkpoint, beside the run's last one
    void checkpointChosen(QString folder);          // by the slider or a picture
    void emergenceAsked(QString run, int after);    // of its checkpoints behind this step
    void emergenceDropped();

protected:
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;

private:
    struct Followed {
        TrainingRun run;
        QDateTime changed; // of its metrics, when they were read
        qint64 size = -1;
        std::shared_ptr<const Emergence> seen; // of its checkpoints so far; null: none yet
        bool refused = false;                  // they could not be looked at
        bool live = false;                     // some process trains it
        TrainingRequest request = TrainingRequest::goOn;
        bool waits() const { // paused, and nobody has asked it to go on
            return request == TrainingRequest::pause && !run.records.empty() && run.records.back().paused;
        }
    };
    bool read(Followed& followed) const; // whether there was something new; throws Error
    QString lineOf(const Followed& followed) const;
    void ask(TrainingRequest request); // of the chosen run
    void followRequest();              // the buttons for it
    void choose();
    void say(const Error& error);
    void draw();
    void followRun();        // the slider, for the run that is chosen
    void followCheckpoint(); // the words beside it
    void drawCheckpoints();  // emergence and migration
    void askNext();          // for checkpoints that a page in sight draws and nobody has looked at
    QString waitingFor(const Followed* followed) const; // why there is nothing to draw
    void chooseStep(int run, int step);
    const TrainingRun* chosen() const;
    QString checkpoint() const; // that the slider stands at; "": none

    std::vector<Followed> runs_;
    QString asked_; // the run that is looked at; "": none
    MessageBar* messages_ = nullptr;
    QTabWidget* pages_ = nullptr;
    CurvePlot* plot_ = nullptr;
    EmergenceMap* emergence_ = nullptr;
    MigrationPlot* migration_ = nullptr;
    Legend* legend_ = nullptr;
    QComboBox *figure_ = nullptr, *run_ = nullptr;
    QLabel *says_ = nullptr, *means_ = nullptr, *checkpoint_ = nullptr;
    QSlider* slider_ = nullptr;
    QPushButton *add_ = nullptr, *remove_ = nullptr, *open_ = nullptr, *beside_ = nullptr, *pause_ = nullptr,
                *stop_ = nullptr;
    QTimer timer_;
};

} // namespace kurtoscope
