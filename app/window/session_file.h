// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/autosave.h"
#include "widgets/workspace.h"

#include <QTimer>

#include <functional>

namespace kurtoscope {

class Session;

// The file that a session is saved to, and its autosave. Knows what of the session is unsaved. GUI thread
// only.
class SessionFile : public QObject {
    Q_OBJECT
public:
    SessionFile(Session& session, const QString& autosaveFolder, QObject* parent = nullptr);

    const QString& path() const { return path_; } // "": never saved by name
    QString name() const;                         // "lecture", for the title
    bool isModified() const { return modified_; }
    bool isAutosaved() const { return autosaved_; } // the last change is on disk

    void setLayout(std::function<std::string()> layout) { layout_ = std::move(layout); } // of the window
    void save(const QString& path);
    void open(const QString& path);     // throws Error; then nothing has changed
    void openCopy(const QString& path); // its content, as a session without a file
    void recover(const LeftSession& left);
    void begin();                      // another model was opened: a new session without a file
    bool saveNow(const QString& path); // waits; false when it failed, which failed() has told
    void keepLast();                   // before another takes its place: what was never saved by name
    void close();                      // cleanly: what was never saved by name is kept as the last session
    Autosave& autosave() { return autosave_; }

signals:
    void changed(); // path, name, modified or autosaved
    void layoutFound(QByteArray layout);
    void saved(QString path);
    void opened(QString path);
    void failed(QString what, QString where, QString hint);

private:
    SavedSession state() const;
    void follow(Changes what);
    void writeAutosave();
    void adopt(const SavedSession& session, const QString& path);
    void take(const QString& path, const SavedSession& written);

    Session& session_;
    QString path_;
    SavedSession stands_; // what path_ holds, or what an unsaved session began with
    bool modified_ = false, recovered_ = false, autosaved_ = false, closed_ = false;
    std::function<std::string()> layout_;
    QTimer soon_;
    Autosave autosave_;
    BackgroundWriter writer_;
};

} // namespace kurtoscope
