// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/choice.h"
#include "app/window/engine_thread.h"
#include "app/window/work.h"
#include "core/data/saved_session.h"
#include "core/statistics/outliers.h"
#include "core/training_lab.h"
#include "widgets/parts/worker.h"
#include "widgets/workspace.h"

#include <QElapsedTimer>
#include <QList>
#include <QObject>
#include <QUndoStack>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

// The hub: holds what the person wants, shows it at once, and has the engine compute what is missing. Lives
// on the GUI thread and never waits, but for its destructor, which stops the engine. Views read workspace()
// after changed().
class Session : public QObject {
    Q_OBJECT
public:
    explicit Session(const WorkbenchOptions& options, Choice start = startingChoice(),
                     QObject* parent = nullptr);
    ~Session() override;

    const Workspace& workspace() const { return workspace_; }
    const Choice& choice() const { return choice_; }
    QUndoStack& undoStack() { return undo_; }
    const DataRequest& data() const { return data_; }
    const WorkbenchOptions& options() const { return options_; }
    const Choice& firstChoice() const { return startChoice_; } // of a model that is opened
    // The columns as they were asked for: what a criterion found and nobody changed since, by the criterion.
    Choice askedChoice() const;
    bool isWorking() const { return running_.has_value(); }
    bool isSettled() const { return settled_; } // nothing is missing but what failed or was stopped
    bool hasFirstResults() const;               // every column read and observed, the selected site sampled
    bool canKeepAt(Site site) const;            // the active column quantizes there

    // Everything that is open, chosen, looked at and measured, as a value; the window's layout is not in it.
    SavedSession saved() const;
    // Shows its columns and numbers at once, then opens its model and data. Throws Error for recipes that
    // this program does not know; then nothing has changed. `from`: its file, beside which a moved model is
    // looked for.
    void openSession(const SavedSession& session, const QString& from);
    bool awaitsModel() const { return restored_ && !workspace_.model; } // of the session that is open
    QString modelName() const;                                          // open or awaited; "" for none
    const std::string& criterion() const { return criterion_; }         // last asked for
    void setCriterion(const std::string& criterion) { criterion_ = criterion; }

    // What the first model runs over, and what is fallen back to when a model cannot use the data that was
    // open.
    void setDefaultData(const DataRequest& data);

public slots:
    void openModel(const QString& path); // over the data that is open
    // Over `data`, which becomes the default data once the model stands; until then nothing changes.
    void openModel(const QString& path, const kurtoscope::DataRequest& data);
    // In place of the one that is open: where it has the same shape, columns, data and what is looked at
    // stay, and criteria find their channels anew. Else as openModel().
    void exchangeModel(const QString& path);
    void locateModel(const QString& path); // where the model of the session that is open lies now
    void openData(const QString& path);    // windows and length stay as they are
    void requestData(const kurtoscope::DataRequest& data);
    void stop();     // what runs and what waits; later choices run again
    void runAgain(); // what was stopped or failed

    void selectSite(kurtoscope::Site site);
    void selectChannel(kurtoscope::Site site, int channel);
    void selectToken(int token);
    void typeText(const QString& text); // "" clears
    void setSkipFirstToken(bool skip);
    void showBeside(std::shared_ptr<const kurtoscope::Observation> seen); // in a second window; null: none
    void setNeeds(kurtoscope::Needs needs); // of the views in sight
    void askSensitivity(bool run);          // of the active column; false: stop, what was found stays
    void repaint(kurtoscope::Changes what) { emit changed(what); }

    void toggleChannels(kurtoscope::Site site, QList<int> channels);
    void toggleBlock(QList<kurtoscope::Site> sites, QList<int> channels, bool keep);
    void clearKept();
    void activateColumn(int column);
    void addColumn(const QString& name, const kurtoscope::Recipe& recipe);
    void duplicateColumn(int column);
    void removeColumn(int column); // the baseline stays
    void renameColumn(int column, const QString& name);
    void setRecipe(int column, const kurtoscope::Recipe& recipe);
    void moveColumn(int column, int to); // the baseline stays at the left
    void pinColumn(int column);          // differences are against it; pinned once more, against FP32
    void copyKept(int from, int to);     // the channels of `from` take the place of those of `to`
    void keepChannels(const QList<kurtoscope::Site>& sites, const QList<int>& channels, bool keep);

    // What `criterion` would keep at the sites which the active column quantizes. Throws Error.
    ChannelSets outliers(const kurtoscope::Criterion& criterion) const;
    void mark(const kurtoscope::ChannelSets& channels); // shown, not kept; empty takes the marks away
    void keep(const kurtoscope::ChannelSets& channels, bool replace); // in the active column

    // What an export of `request` would hold, or the folder itself; over the data that is open. Answered by
    // exportPlanned or exportWritten, or failed(). A new one takes the place of the last.
    void askExport(const kurtoscope::ExportRequest& request, bool write);
    void dropExport(); // what was asked for and is not done yet

    // Outlier channels at a training run's checkpoints behind step `after`, an emergenceSeen() for each; it
    // waits for everything else. A new one takes the place of the last.
    // `keptIn`: a folder where what is seen is kept, and found the next time; "" for none.
    void askEmergence(const QString& run, int after, const QString& keptIn = {});
    void dropEmergence();

signals:
    void emergenceSeen(QString run, kurtoscope::Emergence checkpoint); // which is its only step
    void emergenceEnded(QString run, bool well);
    void exportPlanned(kurtoscope::ExportPlan plan);
    void exportWritten(kurtoscope::ExportResult result);
    void changed(kurtoscope::Changes what);
    void progressed(QString text, double fraction, double secondsLeft); // fraction < 0: unknown
    void settled();                                                     // nothing is missing any more
    void opened(QString path);
    void ran(double rate); // multiplications per second of a pass over the data
    void began();          // a model was opened that belongs to no session file
    void failed(QString what, QString where, QString hint); // stays on screen until dismissed
    void openFailed(QString sentence);            // the model could not be opened; failed() came before
    void noticed(QString sentence);               // for the status line
    void told(QString what, QString hint);        // more than a notice, no failure
    void modelMissed(QString name, QString path); // that of the session that is open lies elsewhere

private:
    friend class ChoiceChanged;
    bool hasRoom(); // for one more column; says so where there is none
    void push(const QString& text, Choice next);
    void apply(Choice next);                                  // shows it and computes what it needs
    Changes showColumns(const std::vector<int>& previousIds); // what is seen to differ
    void showTried();
    Changes chooseFirstSite(); // until the person selects one
    void look(Site site, int channel);

    void schedule();
    std::vector<Work> missing() const;
    std::vector<Work> missingOfModel() const; // and its data
    void start(const Work& work);
    EngineThread::Job jobFor(const Work& work, quint64 generation);
    OnProgress progressOf(const Work& work, quint64 generation);
    void deliver(quint64 generation,
                 std::function<void()> result); // dropped when another job has begun since
    QString labelOf(const Work& work) const;
    EngineThread::Job jobForExport(quint64 generation, OnProgress progress);
    EngineThread::Job jobForQuestion(const Work& work, quint64 generation);
    EngineThread::Job jobForEmergence(quint64 generation, OnProgress progress);
    Work exportWork() const;
    Work emergenceWork() const;
    void showAnswers(bool sensitivityRuns); // what is known of what views need, and what runs
    void forgetAnswers();
    bool answersNeeds() const; // nothing that a view in sight needs is on its way
    void keepHistory();        // of what the session says from now on
    void remember(HistoryLine line);
    void warnOf(const Observation& observation);
    void warnOf(const RoundingErrors& errors, const QString& name);
    void takeEnd(quint64 ticket, Outcome outcome);
    void takeFailure(quint64 ticket, const QString& what, const QString& where, const QString& hint);

    struct Opening {
        QString path;
        std::optional<DataRequest> defaultData, data; // data: asked for since
        bool forSession = false;                      // columns and data are those of restored_
        bool exchanged = false; // columns, data and place stay where the shape is the same
    };
    void
    showExchanged(std::shared_ptr<const ModelInfo> model); // and nothing that was known of the one before
    void takeModel(std::shared_ptr<const ModelInfo> model, const QString& device, const std::string& print,
                   Opening opening);
    void takeData(const DataRequest& data, const DataInfo& info, const std::string& print);
    void forgetSiteUnlessThere(); // in the model that is open
    void takeRestoredReadings();  // those that hold for what is open now
    std::shared_ptr<const Observation> freedAside(Observation observation) const;
    void takeBaseline(std::shared_ptr<const Observation> observation);
    void takeObservation(const Recipe& recipe, std::shared_ptr<const Observation> observation);
    void takeResolution(const Recipe& recipe, const Recipe& resolved);
    void takeSample(const Work& work, std::shared_ptr<const SiteSample> sample);
    void takeReading(const Recipe& recipe, const Reading& reading, bool final); // final: with its latency

    struct Exporting {
        ExportRequest request;
        bool write = false;
        int number = 0;
    };
    std::optional<Exporting> exporting_;
    int exports_ = 0; // asked for so far

    struct Watching {
        QString run;
        int after = -1; // the step of the checkpoint that was seen last
        QString keptIn;
        int number = 0;
    };
    std::optional<Watching> watching_;
    int watches_ = 0; // asked for so far

    const WorkbenchOptions options_;
    Workspace workspace_;
    Provenance provenance_;                // of what is measured now
    std::optional<SavedSession> restored_; // until its model and data stand
    std::string criterion_;
    Choice startChoice_, choice_;
    std::vector<int> columnIds_; // of workspace_.columns
    int nextId_ = 0;
    QUndoStack undo_;

    DataRequest data_, defaultData_;
    bool dataReady_ = false;
    std::optional<Opening> pendingModel_;
    std::optional<DataRequest> pendingData_;
    Looking looking_;
    bool choseSite_ = false; // the person did
    Known known_;

    struct Running {
        Work work;
        quint64 ticket = 0;
        QString label;
        QElapsedTimer since;
    };
    std::optional<Running> running_;
    quint64 generation_ = 0;
    std::vector<Work> setAside_; // failed or stopped: not tried again by itself
    bool settled_ = false;

    std::shared_ptr<Worker> freeing_ = std::make_shared<Worker>(); // of what takes long to free
    EngineThread engine_;                                          // last: its jobs deliver to the above
};

} // namespace kurtoscope
