// SPDX-License-Identifier: GPL-3.0-or-later
// The half of Session that becomes a value to save, and stands again from one.
#include "app/window/session.h"

#include "core/base/error.h"

#include <QDir>
#include <QFileInfo>

#include <algorithm>
#include <utility>

namespace kurtoscope {
namespace {

QString text(const std::string& utf8) {
    return QString::fromStdString(utf8);
}

const Reading* readingOf(const SavedSession& session, const Recipe& recipe) {
    for (const auto& column : session.columns)
        if (column.reading && column.recipe == recipe) return &*column.reading;
    return nullptr;
}

// Where the model may be when it is not where it was: a session and its model are often moved together.
QString lookBeside(const QString& sessionFile, const QString& path) {
    const QString name = QFileInfo(path).fileName();
    if (name.isEmpty() || sessionFile.isEmpty()) return {};
    const QString beside = QFileInfo(sessionFile).absoluteDir().filePath(name);
    return QFileInfo::exists(beside) ? beside : QString();
}

// Texts that lay in the model's folder, or beside its file, move with it.
void followModel(DataRequest& data, const QString& was, const QString& now) {
    const std::pair<QString, QString> folders[] = {
        {was, now}, {QFileInfo(was).absolutePath(), QFileInfo(now).absolutePath()}};
    for (std::string* one : {&data.path, &data.calibrationPath}) {
        const QString path = text(*one);
        if (path.isEmpty() || QFileInfo::exists(path)) continue;
        for (const auto& [from, to] : folders)
            if (path.startsWith(from + u'/') && QFileInfo::exists(to + path.mid(from.size()))) {
                *one = (to + path.mid(from.size())).toStdString();
                break;
            }
    }
}

// The same request but for where its files lie; what they hold is compared by their prints.
bool asksTheSame(DataRequest a, const DataRequest& b) {
    a.path = b.path;
    a.calibrationPath = b.calibrationPath;
    return a == b;
}

} // namespace

SavedSession Session::saved() const {
    SavedSession session;
    if (workspace_.model) {
        session.modelPath = workspace_.model->path;
        session.modelName = workspace_.model->name;
        session.modelBytes = workspace_.model->fileBytes;
    } else if (restored_) {
        session.modelPath = restored_->modelPath;
        session.modelName = restored_->modelName;
        session.modelBytes = restored_->modelBytes;
    }
    session.data = data_;
    session.dataName = workspace_.dataName.toStdString();
    session.dataSummary = workspace_.dataSummary.toStdString();
    session.metricTask = workspace_.task.toStdString();
    for (const auto& column : choice_.columns) {
        const Reading* reading =
            restored_ ? readingOf(*restored_, column.recipe) : known_.reading(column.recipe);
        SavedColumn saved{column.name.toStdString(), column.recipe, {}};
        if (reading && reading->complete()) saved.reading = *reading;
        session.columns.push_back(std::move(saved));
    }
    session.active = choice_.active;
    session.reference = choice_.referenceIndex();
    session.site = workspace_.site;
    session.channel = workspace_.channel;
    session.token = workspace_.token;
    session.skipFirstToken = workspace_.skipFirstToken;
    session.typed = looking_.text;
    session.criterion = criterion_;
    session.results = restored_ ? restored_->results : provenance_;
    return session;
}

QString Session::modelName() const {
    return workspace_.model ? text(workspace_.model->name)
           : restored_      ? text(restored_->modelName)
                            : QString();
}

void Session::openSession(const SavedSession& session, const QString& from) {
    for (const auto& column : session.columns) { // before anything changes
        try {
            Workbench::checkWords(column.recipe);
        } catch (const Error& error) {
            throw Error(error.message(), from.toStdString() + ", column \"" + column.name + "\"",
                        error.hint());
        }
    }
    engine_.stop(); // what runs belongs to what was open
    running_.reset();
    ++generation_;
    setAside_.clear();
    known_ = {};
    undo_.clear();
    dataReady_ = false;
    pendingModel_.reset();
    pendingData_.reset();
    restored_ = session;
    data_ = session.data;
    criterion_ = session.criterion;

    choice_ = {};
    for (std::size_t i = 0; i < session.columns.size(); ++i)
        choice_.columns.push_back(
            {static_cast<int>(i), text(session.columns[i].name), session.columns[i].recipe});
    choice_.active = session.active;
    choice_.reference = session.reference; // ids are indices here
    nextId_ = std::max(nextId_, static_cast<int>(session.columns.size()));

    Workspace fresh;
    fresh.dataName = text(session.dataName);
    fresh.dataSummary = text(session.dataSummary);
    fresh.task = text(session.metricTask);
    fresh.site = session.site;
    fresh.channel = session.channel;
    fresh.token = session.token;
    fresh.skipFirstToken = session.skipFirstToken;
    fresh.text = text(session.typed);
    fresh.history = std::move(workspace_.history);
    workspace_ = std::move(fresh);
    const Needs needs = looking_.needs;
    looking_ = {session.site, true, session.typed, needs, {}};
    choseSite_ = true;
    for (const auto& column : session.columns)
        if (column.reading) known_.addFromFile(column.recipe, *column.reading);
    showColumns({});
    emit changed(Change::everything);

    QString model = text(session.modelPath);
    if (!model.isEmpty() && !QFileInfo::exists(model))
        if (const QString beside = lookBeside(from, model); !beside.isEmpty()) {
            followModel(data_, model, beside);
            model = beside;
        }
    if (model.isEmpty() || !QFileInfo::exists(model))
        emit modelMissed(text(session.modelName), model);
    else
        pendingModel_ = Opening{model, {}, {}, true, false};
    schedule();
}

void Session::locateModel(const QString& path) {
    if (!awaitsModel()) return;
    followModel(data_, text(restored_->modelPath), path);
    pendingModel_ = Opening{path, {}, {}, true, false};
    schedule();
}

void Session::forgetSiteUnlessThere() {
    const ModelInfo& model = *workspace_.model;
    const Site site = workspace_.site;
    const bool there =
        isPerLayer(site.place)
            ? site.layer < model.layers && std::ranges::find(model.places, site.place) != model.places.end()
            : site.place != Place::logits;
    if (!there) {
        looking_.siteChosen = choseSite_ = false;
        workspace_.channel = -1;
    } else if (const int channels = model.channels(site.place);
               channels > 0 && workspace_.channel >= channels) {
        workspace_.channel = -1;
    }
}

void Session::takeRestoredReadings() {
    if (!restored_) return;
    const SavedSession was = *std::exchange(restored_, std::nullopt);
    const bool any = std::ranges::any_of(was.columns, [](const auto& c) { return c.reading.has_value(); });
    const Provenance& then = was.results;
    if (then.agrees(provenance_) && asksTheSame(data_, was.data)) {
        for (const auto& column : was.columns)
            if (column.reading) known_.addFromFile(column.recipe, *column.reading);
        provenance_.taken = then.taken;
        showColumns(columnIds_);
        return;
    }
    for (auto& column : workspace_.columns) {
        const Reading* reading = readingOf(was, column.recipe);
        if (!reading) continue;
        column.reading = *reading;
        column.stale = column.fromFile = true;
    }
    if (!any) return;
    const QString what =
        then.modelPrint != provenance_.modelPrint                                  ? tr("with another model")
        : then.dataPrint != provenance_.dataPrint || !asksTheSame(data_, was.data) ? tr("over other data")
        : then.version != provenance_.version ? tr("by version %1").arg(text(then.version))
        : then.seed != provenance_.seed       ? tr("with another seed")
                                              : tr("on another machine (%1)").arg(text(then.device));
    emit told(tr("The numbers in the session file were taken %1, so they are measured again").arg(what),
              tr("Until then they are shown in grey"));
}

} // namespace kurtoscope
