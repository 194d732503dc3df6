// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/session_file.h"

#include "app/window/session.h"
#include "core/base/error.h"

#include <QFileInfo>

#include <chrono>

namespace kurtoscope {
namespace {

constexpr auto autosaveAfter = std::chrono::seconds(2);

// What a person chose. What is looked at and what was measured is saved too, but is no change to ask about.
bool sameChoice(const SavedSession& a, const SavedSession& b) {
    return a.modelPath == b.modelPath && a.data == b.data && a.reference == b.reference &&
           a.typed == b.typed &&
           std::ranges::equal(a.columns, b.columns, [](const SavedColumn& x, const SavedColumn& y) {
               return x.name == y.name && x.recipe == y.recipe;
           });
}

} // namespace

SessionFile::SessionFile(Session& session, const QString& autosaveFolder, QObject* parent)
    : QObject(parent), session_(session), autosave_(autosaveFolder) {
    soon_.setSingleShot(true);
    soon_.setInterval(autosaveAfter);
    connect(&soon_, &QTimer::timeout, this, &SessionFile::writeAutosave);
    connect(&session_, &Session::changed, this, &SessionFile::follow);
    // A change is shown before it lies on the stack.
    connect(&session_.undoStack(), &QUndoStack::indexChanged, this, [this] { follow(Change::columns); });
    connect(&autosave_, &Autosave::failed, this, &SessionFile::failed);
    connect(&autosave_, &Autosave::written, this, [this] {
        autosaved_ = !soon_.isActive();
        emit changed();
    });
    stands_ = state();
}

QString SessionFile::name() const {
    return path_.isEmpty() ? QString() : QFileInfo(path_).fileName().section('.', 0, 0);
}

SavedSession SessionFile::state() const {
    SavedSession session = session_.saved();
    if (layout_) session.layout = layout_();
    session.unsavedOf = path_.toStdString();
    return session;
}

void SessionFile::follow(Changes what) {
    if (closed_ || (!session_.workspace().model && !session_.awaitsModel())) return;
    autosaved_ = false;
    if (!soon_.isActive()) soon_.start(); // a change every second must not put it off for ever
    if (what & (Change::model | Change::data | Change::columns | Change::kept)) {
        const QUndoStack& stack = session_.undoStack();
        modified_ = recovered_ || (path_.isEmpty() ? stack.canUndo() || stack.canRedo()
                                                   : !sameChoice(session_.saved(), stands_));
    }
    emit changed();
}

void SessionFile::writeAutosave() {
    if (!closed_) autosave_.write(state());
}

void SessionFile::take(const QString& path, const SavedSession& written) {
    path_ = path;
    stands_ = written;
    recovered_ = false;
    modified_ = !sameChoice(session_.saved(), stands_);
    emit saved(path);
    emit changed();
}

void SessionFile::save(const QString& path) {
    SavedSession session = state();
    session.unsavedOf.clear();
    writer_.write(
        path, [session] { return sessionToJson(session); },
        [this, path, session](const std::optional<BackgroundWriter::Failure>& failure) {
            if (failure)
                emit failed(tr("The session was not saved: %1").arg(failure->what), failure->where,
                            failure->hint);
            else
                take(path, session);
        });
}

bool SessionFile::saveNow(const QString& path) {
    bool wrote = false;
    const auto connection = connect(this, &SessionFile::saved, this, [&wrote] { wrote = true; });
    save(path);
    writer_.finish();
    disconnect(connection);
    return wrote;
}

void SessionFile::adopt(const SavedSession& session, const QString& path) {
    autosave_.discard();
    path_ = path;
    stands_ = session_.saved();
    modified_ = recovered_ = false;
    soon_.start();
    if (!session.layout.empty()) emit layoutFound(QByteArray::fromStdString(session.layout));
    emit changed();
}

void SessionFile::open(const QString& path) {
    const SavedSession session = readSession(path.toStdString());
    const QString before = std::exchange(path_, path); // what is told of meanwhile belongs to it
    try {
        session_.openSession(session, path);
    } catch (...) {
        path_ = before;
        throw;
    }
    adopt(session, path);
    emit opened(path);
}

void SessionFile::openCopy(const QString& path) {
    const SavedSession session = readSession(path.toStdString());
    session_.openSession(session, path);
    adopt(session, {});
    modified_ = recovered_ = true;
    emit changed();
}

void SessionFile::recover(const LeftSession& left) {
    const QString of = QString::fromStdString(left.session.unsavedOf);
    session_.openSession(left.session, of.isEmpty() ? left.file : of);
    adopt(left.session, of);
    modified_ = recovered_ = true; // what the file holds is older
    autosave_.write(state());      // before the other copy goes
    autosave_.forget(left);
    emit changed();
}

void SessionFile::begin() {
    path_.clear();
    stands_ = session_.saved();
    modified_ = recovered_ = false;
    emit changed();
}

void SessionFile::close() {
    writer_.finish();
    if (std::exchange(closed_, true)) return;
    soon_.stop();
    keepLast();
    autosave_.discard();
}

void SessionFile::keepLast() {
    if (!path_.isEmpty() || !modified_) return;
    autosave_.write(state());
    autosave_.keepAsLast();
}

} // namespace kurtoscope
