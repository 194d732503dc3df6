// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/background_writer.h"
#include "core/data/saved_session.h"

#include <QDateTime>
#include <QLockFile>
#include <QString>

#include <memory>
#include <optional>

namespace kurtoscope {

// What a program that ended without closing its window left behind.
struct LeftSession {
    QString file;   // the autosave
    QString name;   // of the session or, without one, of its model
    QDateTime when; // it was written
    SavedSession session;
};

// The copy of a session that survives a crash: one file of this program's own in `folder`, beside a lock that
// tells others that it lives. Without a folder ("") nothing is kept. GUI thread only.
class Autosave : public QObject {
    Q_OBJECT
public:
    explicit Autosave(const QString& folder, QObject* parent = nullptr);
    ~Autosave() override; // leaves the file: only a clean close takes it away

    void write(const SavedSession& session); // soon; what is on disk already is not written again
    void discard();                          // nothing is unsaved
    void keepAsLast();                       // closed cleanly, but never saved by name
    QString lastSession() const;             // what keepAsLast() kept; "" for nothing

    // The newest session that a crash left and that is newer than the file it belongs to. Those that are not
    // are taken away.
    std::optional<LeftSession> left();
    void forget(const LeftSession& left);

signals:
    void written();
    void failed(QString what, QString where, QString hint); // once, until it works again

private:
    bool begin(); // folder, file and lock; false where there can be none

    QString folder_, file_;
    std::unique_ptr<QLockFile> lock_;
    std::string lastText_;
    bool failing_ = false;
    BackgroundWriter writer_;
};

} // namespace kurtoscope
