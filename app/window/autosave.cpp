// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/autosave.h"

#include "core/base/error.h"

#include <QDir>
#include <QFileInfo>
#include <QUuid>

namespace kurtoscope {
namespace {

const QString ending = QStringLiteral("-autosave.kurtoscope.json"), lockEnding = QStringLiteral(".lock");

QString nameOf(const SavedSession& session) {
    return session.unsavedOf.empty() ? QString::fromStdString(session.modelName)
                                     : QFileInfo(QString::fromStdString(session.unsavedOf)).fileName();
}

// Whether the program that wrote it still runs. A lock whose owner is gone can be taken.
bool isAlive(const QString& file) {
    QLockFile lock(file + lockEnding);
    lock.setStaleLockTime(0); // by its owner's end, never by its age
    if (!lock.tryLock(0)) return lock.error() == QLockFile::LockFailedError;
    lock.unlock();
    return false;
}

} // namespace

Autosave::Autosave(const QString& folder, QObject* parent) : QObject(parent), folder_(folder) {}

Autosave::~Autosave() = default;

bool Autosave::begin() {
    if (lock_) return true;
    const QString file = QDir(folder_).filePath(QUuid::createUuid().toString(QUuid::WithoutBraces) + ending);
    auto lock = std::make_unique<QLockFile>(file + lockEnding);
    lock->setStaleLockTime(0);
    if (!QDir().mkpath(folder_) || !lock->tryLock(0)) return false;
    file_ = file;
    lock_ = std::move(lock);
    return true;
}

void Autosave::write(const SavedSession& session) {
    if (folder_.isEmpty()) return;
    const auto failure = [this](const QString& what, const QString& where) {
        if (!std::exchange(failing_, true))
            emit failed(tr("This session is not autosaved: %1").arg(what), where,
                        tr("Save it by hand (Ctrl+S) where there is room; autosaving goes on when it can"));
    };
    if (!begin()) return failure(tr("the folder for it cannot be written"), folder_);
    std::string text = sessionToJson(session);
    if (text == lastText_) {
        emit written();
        return;
    }
    lastText_ = text;
    writer_.write(
        file_, [text = std::move(text)] { return text; },
        [this, failure](const std::optional<BackgroundWriter::Failure>& failed) {
            if (failed) {
                lastText_.clear();
                return failure(failed->what, failed->where);
            }
            failing_ = false;
            emit written();
        });
}

void Autosave::discard() {
    lastText_.clear();
    if (file_.isEmpty()) return;
    writer_.remove(file_);
    writer_.finish();
    lock_.reset();
    file_.clear();
}

QString Autosave::lastSession() const {
    if (folder_.isEmpty()) return {};
    const QString last = QDir(folder_).filePath("last-session.kurtoscope.json");
    return QFileInfo::exists(last) ? last : QString();
}

void Autosave::keepAsLast() {
    if (folder_.isEmpty()) return;
    writer_.finish();
    const QString last = QDir(folder_).filePath("last-session.kurtoscope.json");
    if (!file_.isEmpty() && QFileInfo::exists(file_)) {
        QFile::remove(last);
        QFile::rename(file_, last);
    }
    lock_.reset();
    file_.clear();
    lastText_.clear();
}

std::optional<LeftSession> Autosave::left() {
    if (folder_.isEmpty()) return {};
    std::optional<LeftSession> newest;
    const auto files = QDir(folder_).entryInfoList({'*' + ending}, QDir::Files, QDir::Time);
    for (const QFileInfo& info : files) {
        const QString file = info.filePath();
        if (file == file_ || isAlive(file)) continue;
        try {
            LeftSession left{file, {}, info.lastModified(), readSession(file.toStdString())};
            const QFileInfo of(QString::fromStdString(left.session.unsavedOf));
            const bool old = !left.session.unsavedOf.empty() && of.exists() && of.lastModified() > left.when;
            if (old) {
                forget(left);
                continue;
            }
            left.name = nameOf(left.session);
            if (!newest) newest = std::move(left);
        } catch (const Error&) { // of another version: left where it is
        }
    }
    return newest;
}

void Autosave::forget(const LeftSession& left) {
    QFile::remove(left.file);
    QFile::remove(left.file + lockEnding);
}

} // namespace kurtoscope
